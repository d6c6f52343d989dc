import { transportDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { equalBytes } from '../session/bytes.js';
import { acceptHandshake } from '../session/handshake.js';
import type { HandshakeLimit } from '../session/handshake-limit.js';
import { ownHello } from '../session/hello.js';
import type { Identity } from '../session/identity.js';
import type { PairingGate } from '../session/pairing-gate.js';
import type { PeerStore } from '../session/peer-store.js';
import { Session } from '../session/session.js';
import type { Connection } from '../transport/contract.js';
import type { MeasuringListener } from '../transport/measuring-listener.js';
import { benchedSession } from './bench-end.js';
import { cipherOrder } from './cipher-order.js';
import { firstStream, untilMeasured } from './first-stream.js';
import { inTime } from './in-time.js';
import { LaneConnections } from './lane-connections.js';
import type { OpenSessions } from './open-sessions.js';
import type { CommonOptions } from './options.js';
import type { Pinned, SessionHandler } from './session-handler.js';
import { retryOf, silenceMs } from './silence.js';
import { ownName } from './trust.js';

/** Whom a listener takes. */
export interface WelcomeOptions extends Pick<
  CommonOptions,
  'code' | 'remember' | 'retryMs' | 'streamingThresholdBytes' | 'trustFabric' | 'bench'
> {
  /** End after one session, whatever its outcome. */
  readonly once: boolean;
  /** Names of known peers: nobody else may come, and no code is made. */
  readonly allow?: readonly string[];
}

/** What all connections of a listener share. */
export interface ListenerContext<Result> {
  readonly options: WelcomeOptions;
  readonly handler: SessionHandler<Result>;
  readonly peers: PeerStore;
  readonly identity: Identity;
  readonly limit: HandshakeLimit;
  readonly sessions: OpenSessions;
  /** Undefined where nobody may pair. */
  readonly gate: PairingGate | undefined;
  readonly signal: AbortSignal;
  /** Undefined: nobody measures the path to this listener. */
  readonly measuring: MeasuringListener | undefined;
  /** URLs of the listeners, for HELLO. */
  listens(): readonly string[];
  /** Whether another session of this peer may begin now. */
  mayBegin(peer: Uint8Array): boolean;
}

/**
 * Serves one connection: its first stream, the handshake and all of the session, a lane for a session that is there, or
 * what measures the path. Resolves with what came of a session, or undefined.
 * `onBegin` is called when the other side has proved who it is. Rejects with an XferError.
 */
export async function acceptSession<Result>(
  connection: Connection,
  context: ListenerContext<Result>,
  onBegin: () => void,
): Promise<Result | undefined> {
  const { options, handler, identity, gate, limit, signal, sessions } = context;
  const native = nativeApi();
  const { stream, join, group, isMeasuring } = await firstStream(connection, signal, context.measuring);
  if (isMeasuring) await untilMeasured(connection, stream, signal);
  if (join) await sessions.join(connection, stream, join, signal);
  if (group) await sessions.joinGroup(connection, stream, group);
  if (isMeasuring || join || group) return undefined;
  // Or whoever comes back right when the listener has started would not be recognised.
  await handler.ready;
  stream.accept();
  const takesKnown = options.code === undefined;
  const secrets = await acceptHandshake(stream, {
    identity,
    ...(gate ? { gate } : {}),
    limit,
    allowKnown: takesKnown || handler.hasResumable,
    isKnown: async (key) => (takesKnown && (await isKnown(key, context))) || handler.mayResume(key),
    source: connection.remote.host,
    ciphers: cipherOrder(native),
    signal,
  });
  const isPinned = () => isKnown(secrets.peerKey, context);
  const wasPinned = (takesKnown || options.allow !== undefined) && (await isPinned());
  const isTrusted = secrets.paired || (takesKnown && wasPinned);
  if (options.allow && !wasPinned)
    throw new XferError('ERR_XFER_REFUSED', 'a peer came that is not among those that may send');
  if (!context.mayBegin(secrets.peerKey))
    throw new XferError('ERR_XFER_LIMIT', 'another transfer is under way');
  onBegin();
  // Pairing is consent to one transfer; others need a key that is pinned, and no code that is always asked for.
  const willBePinned = wasPinned || (secrets.paired && options.remember === true);
  const mayGoOn = !options.once && takesKnown && willBePinned;
  const hello = ownHello(
    'recv',
    ownName(),
    options.remember ?? false,
    // Who comes over a relay is not to learn where this machine is.
    connection.isRelayed ? [] : context.listens(),
    handler.capabilities(mayGoOn),
    options.streamingThresholdBytes,
  );
  const lanes = new LaneConnections();
  const session = await Session.establish({
    stream,
    secrets,
    hello,
    trustFabric: options.trustFabric ?? false,
    ...benchedSession(options.bench),
    native,
    signal,
    silenceMs,
    rejoinMs: retryOf(options),
    onLaneDown: (lane, error) => lanes.handleLaneDown(lane, error),
  });
  lanes.handleLane(0, connection);
  const open = { session, lanes };
  sessions.add(open);
  try {
    return await handler.serve({
      ...{ session, lanes, connection, signal, isTrusted, mayGoOn },
      paired: secrets.paired,
      isKnown: isPinned,
      pinned: () => pinnedAs(secrets.peerKey, context),
    });
  } catch (error) {
    // A reset would overtake what the other side is told of it.
    const isHeard = session.isFinishing && session.lanes.length > 0 && !signal.aborted;
    if (isHeard) await inTime(session.over, transportDefaults.closeTimeoutMs).catch(() => undefined);
    throw error;
  } finally {
    sessions.delete(open);
    session.abort(new XferError('ERR_XFER_INTERRUPTED', 'the transfer is over'));
  }
}

/** As far as was read last. */
function pinnedAs(
  key: Uint8Array,
  { options, peers }: Pick<ListenerContext<unknown>, 'options' | 'peers'>,
): Pinned | undefined {
  const peer = peers.known?.peers.find((other) => equalBytes(other.key, key));
  if (!peers.known || !peer || options.allow?.includes(peer.name) === false) return undefined;
  return { name: peer.name, watched: peers.known.watched };
}

/** Whether the key is pinned, under one of the names that are allowed where there are such. */
async function isKnown(
  key: Uint8Array,
  { options, peers }: Pick<ListenerContext<unknown>, 'options' | 'peers'>,
): Promise<boolean> {
  const peer = await peers.findByKey(key);
  return peer !== undefined && (options.allow?.includes(peer.name) ?? true);
}
