import { setMaxListeners } from 'node:events';
import { sessionDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { acceptHandshake } from '../session/handshake.js';
import type { HandshakeLimit } from '../session/handshake-limit.js';
import { anotherCapability, ownCapabilities, ownHello } from '../session/hello.js';
import type { Identity } from '../session/identity.js';
import type { PairingGate } from '../session/pairing-gate.js';
import type { PeerStore } from '../session/peer-store.js';
import { Session } from '../session/session.js';
import { hasLz4 } from '../transfer/lz4.js';
import { openErrorCode, type Connection, type Stream } from '../transport/contract.js';
import type { MeasuringListener } from '../transport/measuring-listener.js';
import { cipherOrder } from './cipher-order.js';
import type { IdleSessions } from './idle-sessions.js';
import type { ReceiveOptions, SendResult } from './options.js';
import {
  decodeGroupHeader,
  decodeJoinHeader,
  isSessionHeader,
  type GroupHeader,
  type JoinHeader,
} from '../session/stream-headers.js';
import { LaneConnections } from './lane-connections.js';
import { ReceiveSeries, type ReceiveSeriesOptions } from './receive-series.js';
import type { RunningTransfers } from './running-transfers.js';
import { retryOf, silenceMs } from './silence.js';
import { ownName } from './trust.js';

/** What all connections of a receiver share. */
export interface ReceiverContext {
  readonly options: ReceiveOptions;
  readonly native: NativeApi;
  readonly root: number;
  /** Whether small files leave nothing there when this process is killed. */
  readonly isUnnamed: boolean;
  readonly peers: PeerStore;
  readonly identity: Identity;
  readonly limit: HandshakeLimit;
  /** Undefined where nobody may pair. */
  readonly gate: PairingGate | undefined;
  readonly signal: AbortSignal;
  readonly transfers: RunningTransfers;
  readonly idle: IdleSessions;
  /** URLs of this receiver's listeners, for HELLO. */
  listens(): readonly string[];
  /** Undefined: nobody measures the path to this receiver. */
  readonly measuring: MeasuringListener | undefined;
  /** Whether another transfer of this peer may begin now. */
  mayBegin(peer: Uint8Array): boolean;
}

/** What a connection brought. */
export type Received = SendResult | 'lane' | 'superseded' | 'measured';

/**
 * Serves one connection: its first stream, the handshake and the transfer, a lane for a session that is there, or what
 * measures the path.
 * `onBegin` is called when the other side has proved who it is. Rejects with an XferError.
 */
export async function receiveOne(
  connection: Connection,
  context: ReceiverContext,
  onBegin: () => void,
): Promise<Received> {
  const { options, native, identity, gate, limit, signal, transfers } = context;
  const { stream, join, group, isMeasuring } = await firstStream(connection, signal, context.measuring);
  if (isMeasuring) {
    await untilMeasured(connection, stream, signal);
    return 'measured';
  }
  if (join) return joinSession(connection, stream, join, context);
  if (group) return joinGroup(connection, stream, group, context);
  // Or whoever comes back right when the receiver has started would not be recognised.
  await transfers.ready;
  stream.accept();
  const takesKnown = options.code === undefined;
  const secrets = await acceptHandshake(stream, {
    identity,
    ...(gate ? { gate } : {}),
    limit,
    allowKnown: takesKnown || transfers.hasResumable,
    isKnown: async (key) => (takesKnown && (await isKnown(key, context))) || transfers.mayResume(key),
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
  const all = [...ownCapabilities, ...(hasLz4() ? ['lz4'] : []), ...(mayGoOn ? [anotherCapability] : [])];
  const capabilities = all.filter((name) => name !== 'streaming' || options.streaming !== false);
  const hello = ownHello(
    'recv',
    ownName(),
    options.remember ?? false,
    // Who comes over a relay is not to learn where this machine is.
    connection.isRelayed ? [] : context.listens(),
    capabilities,
    options.streamingThresholdBytes,
  );
  const lanes = new LaneConnections();
  const session = await Session.establish({
    stream,
    secrets,
    hello,
    native,
    signal,
    silenceMs,
    rejoinMs: retryOf(options),
    onLaneDown: (lane, error) => lanes.handleLaneDown(lane, error),
  });
  lanes.handleLane(0, connection);
  const goesOn = mayGoOn && session.hello.capabilities.includes(anotherCapability);
  return serve(session, lanes, context, {
    ...{ connection, context, paired: secrets.paired, isTrusted, goesOn },
    isKnown: isPinned,
  });
}

/** Whether the key is pinned, under one of the names that are allowed where there are such. */
async function isKnown(key: Uint8Array, { options, peers }: ReceiverContext): Promise<boolean> {
  const peer = await peers.findByKey(key);
  return peer !== undefined && (options.allow?.includes(peer.name) ?? true);
}

interface FirstStream {
  readonly stream: Stream;
  readonly join?: JoinHeader | undefined;
  readonly group?: GroupHeader | undefined;
  readonly isMeasuring?: true;
}

/** The stream that a session or a lane begins on; whoever opens none in time is no xfer. */
async function firstStream(
  connection: Connection,
  signal: AbortSignal,
  measuring: MeasuringListener | undefined,
): Promise<FirstStream> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new XferError('ERR_XFER_TIMEOUT', 'the other side opened no stream in time')),
      sessionDefaults.handshakeTimeoutMs,
    );
    // A dialer that another way served sooner may be gone for good: nobody is there to close the connection with in order.
    const leave = () => connection.abort(asXferError(signal.reason));
    const settled = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    };
    // As for handshakes: listeners are as many as connections.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', leave, { once: true });
    void connection.closed.then(() => {
      settled();
      reject(new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left'));
    });
    if (signal.aborted) leave();
    let taken = false;
    connection.onStream((stream, header) => {
      if (!taken && measuring?.take(stream, header, connection.remote.host)) {
        taken = true;
        settled();
        return resolve({ stream, isMeasuring: true });
      }
      const join = decodeJoinHeader(header);
      const group = decodeGroupHeader(header);
      if (taken || !(join || group || isSessionHeader(header))) return stream.refuse(openErrorCode.refused);
      taken = true;
      settled();
      resolve({ stream, join, group });
    });
  });
}

/** Nobody waits for a stranger's measuring: with the signal it ends at once. */
async function untilMeasured(connection: Connection, stream: Stream, signal: AbortSignal): Promise<void> {
  const leave = () => connection.abort(asXferError(signal.reason));
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  await stream.closed;
  signal.removeEventListener('abort', leave);
}

/** A lane more for a session that is there. Resolves when the connection is over. */
async function joinSession(
  connection: Connection,
  stream: Stream,
  join: JoinHeader,
  { transfers, signal, limit }: ReceiverContext,
): Promise<'lane'> {
  const running = transfers.bySession(join.session);
  if (!running) {
    stream.refuse(openErrorCode.routeNotFound);
    throw new XferError('ERR_XFER_REFUSED', 'a lane came for a session that is over');
  }
  const release = limit.enter(connection.remote.host);
  if (!release) {
    stream.refuse(openErrorCode.resourceLimit);
    throw new XferError('ERR_XFER_LIMIT', 'too many handshakes are under way');
  }
  await running.session.acceptLane(stream, join, signal).finally(release);
  running.lanes.handleLane(join.lane, connection);
  // It carries nothing else, and the other side may never close it.
  await Promise.race([stream.closed, connection.closed]);
  return 'lane';
}

/** What is sealed once for several, for a session that is there. Resolves when the connection is over. */
async function joinGroup(
  connection: Connection,
  stream: Stream,
  group: GroupHeader,
  { transfers }: ReceiverContext,
): Promise<'lane'> {
  const running = transfers.bySession(group.session);
  if (!running) {
    stream.refuse(openErrorCode.routeNotFound);
    throw new XferError('ERR_XFER_REFUSED', 'a lane came for a session that is over');
  }
  running.session.acceptGroupLane(stream, group);
  running.lanes.handleLane(group.lane, connection);
  await connection.closed;
  return 'lane';
}

async function serve(
  session: Session,
  lanes: LaneConnections,
  { transfers, signal }: ReceiverContext,
  options: Omit<ReceiveSeriesOptions, 'running'>,
): Promise<Received> {
  const stop = new AbortController();
  const interrupt = () => stop.abort(signal.reason);
  signal.addEventListener('abort', interrupt, { once: true });
  if (signal.aborted) interrupt();
  const running = transfers.begin(session, lanes, stop);
  try {
    return await (running.over = new ReceiveSeries({ ...options, running }).run());
  } catch (error) {
    if (running.isSuperseded) return 'superseded';
    throw error;
  } finally {
    signal.removeEventListener('abort', interrupt);
    transfers.end(running);
    session.abort(new XferError('ERR_XFER_INTERRUPTED', 'the transfer is over'));
  }
}
