import { muxStreamsDefaults } from '../config/index.js';
import type { Address } from '../transport/address.js';
import type { ConnectionBudget, ConnectionLimits, TransportMemory } from '../transport/contract.js';
import { muxConfig, type MuxConfig } from './config.js';
import type { OrderedLink } from './link.js';
import type { StreamsLink } from './streams-link.js';

export interface MuxConnectionOptions {
  /** One byte link, or one that carries each stream's content by itself. */
  readonly link: OrderedLink | StreamsLink;
  /** Who dialled: opens the odd ids. */
  readonly role: 'dialer' | 'listener';
  readonly local: Address;
  readonly remote: Address;
  /** Whether the link encrypts by itself. Default: false. */
  readonly encrypted?: boolean;
  /** Whether the link leads over a fabric that may be trusted, see `ConnectionCapabilities`. Default: false. */
  readonly isFabric?: boolean;
  /** What the link sends from without a copy: the connection has it, and says so. Default: none. */
  readonly memory?: TransportMemory;
  /** In place of `muxDefaults` and `muxStreamsDefaults`. */
  readonly config?: Partial<MuxConfig>;
  /** What the caller of `listen` or `dial` wants, before `config`. */
  readonly limits?: ConnectionLimits;
  /** Default: that of `limits`, else the process's. */
  readonly budget?: ConnectionBudget;
}

export function isStreamsLink(link: OrderedLink | StreamsLink): link is StreamsLink {
  return 'onPullContent' in link;
}

/** Every limit of the connection. */
export function configOf({ link, limits = {}, config }: MuxConnectionOptions): MuxConfig {
  const { maxStreams, maxPendingOpens, earlyStreamBytes, maxWindowBytes, helloTimeoutMs } = limits;
  return muxConfig({
    ...(isStreamsLink(link) ? streamsDefaults(config?.maxWindowBytes ?? maxWindowBytes) : {}),
    ...(maxStreams === undefined ? {} : { maxStreamsPerPeer: maxStreams }),
    ...(maxPendingOpens === undefined ? {} : { maxPendingOpens }),
    ...(earlyStreamBytes === undefined ? {} : { earlyStreamBytes }),
    ...(maxWindowBytes === undefined ? {} : { maxWindowBytes }),
    ...(helloTimeoutMs === undefined ? {} : { helloTimeoutMs }),
    ...config,
  });
}

/** A first window that is not past the largest. */
function streamsDefaults(maxWindowBytes = Infinity): Partial<MuxConfig> {
  const initialWindowBytes = Math.min(muxStreamsDefaults.initialWindowBytes, maxWindowBytes);
  return { ...muxStreamsDefaults, initialWindowBytes };
}
