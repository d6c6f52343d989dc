import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { acceptHandshake } from '../session/handshake.js';
import type { HandshakeLimit } from '../session/handshake-limit.js';
import { ownHello } from '../session/hello.js';
import type { Identity } from '../session/identity.js';
import type { PairingGate } from '../session/pairing-gate.js';
import type { PeerStore } from '../session/peer-store.js';
import { Session } from '../session/session.js';
import { ReceiveTransfer, type ReceiveProgress } from '../transfer/receive-transfer.js';
import { openErrorCode, type Connection, type Stream } from '../transport/contract.js';
import { cipherOrder } from './cipher-order.js';
import type { ReceiveOptions, SendResult } from './options.js';
import { isSessionHeader } from './session-stream.js';
import { silenceOf } from './silence.js';
import { ThinOut } from './thin-out.js';
import { ownName, rememberPeer, shownPeer } from './trust.js';

/** What all connections of a receiver share. */
export interface ReceiverContext {
  readonly options: ReceiveOptions;
  readonly native: NativeApi;
  readonly root: number;
  readonly peers: PeerStore;
  readonly identity: Identity;
  readonly limit: HandshakeLimit;
  readonly gate: PairingGate;
  readonly signal: AbortSignal;
  /** Whether another transfer may begin now. */
  mayBegin(): boolean;
}

/**
 * Serves one connection: its first stream, the handshake, the transfer. `onBegin` is called when the other side
 * has proved who it is. Rejects with an XferError.
 */
export async function receiveOne(
  connection: Connection,
  context: ReceiverContext,
  onBegin: () => void,
): Promise<SendResult> {
  const { options, native, identity, peers, gate, limit, signal } = context;
  const stream = await firstStream(connection);
  const secrets = await acceptHandshake(stream, {
    identity,
    gate,
    limit,
    allowKnown: options.code === undefined,
    isKnown: async (key) => (await peers.findByKey(key)) !== undefined,
    source: connection.remote.host,
    ciphers: cipherOrder(native),
    signal,
  });
  if (!context.mayBegin()) throw new XferError('ERR_XFER_LIMIT', 'another transfer is under way');
  onBegin();
  const hello = ownHello('recv', ownName(), options.remember ?? false);
  const session = await Session.establish({
    stream,
    secrets,
    hello,
    native,
    signal,
    silenceMs: silenceOf(options),
  });
  return transfer(session, connection, context, secrets.paired);
}

/** The stream that a session begins on; whoever opens none in time is no xfer. */
async function firstStream(connection: Connection): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new XferError('ERR_XFER_TIMEOUT', 'the other side opened no stream in time')),
      sessionDefaults.handshakeTimeoutMs,
    );
    void connection.closed.then(() => {
      clearTimeout(timer);
      reject(new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left'));
    });
    let taken = false;
    connection.onStream((stream, header) => {
      if (taken || !isSessionHeader(header)) return stream.refuse(openErrorCode.refused);
      taken = true;
      clearTimeout(timer);
      stream.accept();
      resolve(stream);
    });
  });
}

async function transfer(
  session: Session,
  connection: Connection,
  context: ReceiverContext,
  paired: boolean,
): Promise<SendResult> {
  const { options, native, root, peers, signal } = context;
  const { onEvent } = options;
  const started = performance.now();
  const progress = new ThinOut<ReceiveProgress>((value) => onEvent({ event: 'progress', ...value, sent: 0 }));
  const running = new ReceiveTransfer({
    session,
    native,
    root,
    signal,
    onProgress: (value) => progress.push(value),
    onNote: (message) => onEvent({ event: 'note', message }),
    onCommitting: () => onEvent({ event: 'phase', phase: 'commit' }),
  }).run();
  running.catch(() => undefined);
  const { peer, known } = await shownPeer(peers, session.peerKey);
  const transport = connection.remote.scheme;
  onEvent({ event: 'connected', peer, known, transport, path: 'direct' });
  onEvent({ event: 'lane', lane: 0, state: 'up', transport });
  onEvent({ event: 'phase', phase: 'transfer' });
  const { files, bytes } = await running;
  progress.flush();
  const seconds = (performance.now() - started) / 1000;
  if (paired)
    await rememberPeer(peers, options, {
      key: session.peerKey,
      hello: session.hello,
      host: connection.remote.host,
    });
  const shape = { lanes: session.laneNumbers.length, transport, path: 'direct' } as const;
  const done: SendResult = { event: 'done', role: 'recv', peer, bytes, files, seconds, ...shape };
  onEvent(done);
  return done;
}
