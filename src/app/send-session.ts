import type { XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { dialHandshake, preloadHandshake } from '../session/handshake.js';
import { anotherCapability, ownCapabilities, ownHello } from '../session/hello.js';
import type { Identity } from '../session/identity.js';
import { Session } from '../session/session.js';
import { sessionHeader } from '../session/stream-headers.js';
import type { Address } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';
import { cipherOrder } from './cipher-order.js';
import { hopProver } from './hop-prover.js';
import { LaneKeeper } from './lane-keeper.js';
import type { SendOptions } from './options.js';
import { retryOf, silenceMs } from './silence.js';
import { ownName } from './trust.js';
import { PathDialer } from '../relay/dial-path.js';
import type { Path } from '../relay/routed-connection.js';

/** Whom the other side must prove to be: who has the code, or one of these keys. */
export type Trust = { readonly code: string } | { readonly expected: readonly Uint8Array[] };

export interface SendSession {
  readonly session: Session;
  readonly lanes: LaneKeeper;
  /** Whether a code joined the two. */
  readonly paired: boolean;
  /** Whom to tell: who uses the session now. */
  events: SendSessionEvents;
  /** Number of the first record of the next transfer; undefined before the first. */
  nextRecord: number | undefined;
}

export interface SendSessionEvents {
  onLane(lane: number, state: 'up' | 'down', error?: XferError): void;
  /** The last lane is lost. */
  onDetached(): void;
}

export interface SendSessionOptions {
  readonly options: Omit<SendOptions, 'target' | 'limit'>;
  readonly identity: Identity;
  /** Where to, or the way there. */
  readonly way: Address | Path;
  readonly trust: Trust;
  readonly events: SendSessionEvents;
  /** Whether another transfer may begin behind one that has ended. */
  readonly goesOn: boolean;
  /** A relay on the way does not pipe, but stores records and forwards them whole. */
  onStored(relay: string): void;
}

/** Dials, proves and greets. Rejects with an XferError. */
export async function openSendSession(opening: SendSessionOptions): Promise<SendSession> {
  const { options, identity, trust } = opening;
  const { onEvent, signal } = options;
  onEvent({ event: 'phase', phase: 'connect' });
  const dial = await dialerOf(opening);
  const [connection] = await Promise.all([
    dial(signal),
    preloadHandshake('code' in trust ? 'code' : 'known').catch(() => undefined),
  ]);
  // Who uses the session changes; until it is there that is who opens it.
  let opened: SendSession | undefined;
  const events = () => opened?.events ?? opening.events;
  const lanes = new LaneKeeper({
    ...{ retryMs: retryOf(options), signal, dial },
    onLane: (lane, state, error) => events().onLane(lane, state, error),
  });
  try {
    onEvent({ event: 'phase', phase: 'pair' });
    const native = nativeApi();
    const stream = connection.openStream({ header: sessionHeader });
    const secrets = await dialHandshake(stream, {
      identity,
      mode: trust,
      signal,
      ciphers: cipherOrder(native),
    });
    const session = await Session.establish({
      stream,
      secrets,
      hello: ownHello(
        'send',
        ownName(),
        options.remember ?? false,
        [],
        opening.goesOn ? [...ownCapabilities, anotherCapability] : undefined,
        options.streamingThresholdBytes,
      ),
      native,
      signal,
      silenceMs,
      rejoinMs: retryOf(options),
      onLaneDown: (lane, error) => lanes.handleLaneDown(lane, error),
      onDetached: (error) => {
        events().onDetached();
        lanes.handleDetached(error);
      },
    });
    lanes.begin(session, connection);
    opened = { session, lanes, paired: secrets.paired, events: opening.events, nextRecord: undefined };
    return opened;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function dialerOf({ options, way, identity, onStored }: SendSessionOptions) {
  const { transports, tuning } = options;
  if ('relays' in way) {
    const { home, identify, relayToken: token } = options;
    const prove = hopProver({ home, identity: identify ? identity : undefined, token });
    const dialer = new PathDialer(transports, way, { prove, onStored, tuning });
    return (signal: AbortSignal): Promise<Connection> => dialer.dial(signal);
  }
  const transport = await transports.get(way.scheme);
  return (signal: AbortSignal): Promise<Connection> =>
    transport.dial(way, { signal, ...(tuning ? { tuning } : {}) });
}
