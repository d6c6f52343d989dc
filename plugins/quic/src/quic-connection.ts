import { formatAddress, MuxConnection, type Address, type ConnectionLimits } from 'xfer/plugin';
import type { QuicConnection } from './binding.js';
import type { QuicContext } from './quic-context.js';
import { QuicLink } from './quic-link.js';

export interface Joined {
  readonly connection: MuxConnection;
  /** Those who are to know of the connection do: now it may begin. Resolves when QUIC's is over. */
  begin(): Promise<void>;
}

interface Over {
  readonly quic: QuicConnection;
  readonly role: 'dialer' | 'listener';
  readonly local: Address;
  readonly remote: Address;
  readonly limits: ConnectionLimits | undefined;
}

/** Our connection over one of QUIC. */
export function connectionOver(
  { quic, limits = {}, ...over }: Over,
  { options, config }: QuicContext,
): Joined {
  const link = new QuicLink({
    ...{ connection: quic, role: over.role, config },
    name: formatAddress(over.remote),
  });
  // What quinn takes of a stream before it is read must hold what mux grants.
  const most = options.mux?.maxWindowBytes ?? limits.maxWindowBytes ?? config.streamWindowBytes;
  const maxWindowBytes = Math.min(most, config.streamWindowBytes);
  const connection = new MuxConnection({
    ...{ link, encrypted: true, config: { ...options.mux, maxWindowBytes }, limits, ...over },
    ...(options.budget ? { budget: options.budget } : {}),
  });
  return { connection, begin: () => link.begin() };
}
