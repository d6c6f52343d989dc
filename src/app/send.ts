import { asXferError, XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { parseCode } from '../session/code.js';
import { dialHandshake, preloadHandshake } from '../session/handshake.js';
import { ownHello } from '../session/hello.js';
import { loadIdentity } from '../session/identity.js';
import { PeerStore } from '../session/peer-store.js';
import { Session } from '../session/session.js';
import { checkGiven } from '../transfer/given-paths.js';
import type { PathFilter } from '../transfer/path-filter.js';
import { scan } from '../transfer/scan.js';
import { SendTransfer, type SendProgress } from '../transfer/send-transfer.js';
import type { Address } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';
import { startLocalReceiver } from './local-receiver.js';
import type { SendOptions, SendResult } from './options.js';
import { cipherOrder } from './cipher-order.js';
import { sessionHeader } from './session-stream.js';
import { readFilter } from './filters.js';
import { leaveAtOnce, silenceOf } from './silence.js';
import { parseTarget, parseWithDefaults } from './target.js';
import { ThinOut } from './thin-out.js';
import { ownName, rememberPeer, shownPeer } from './trust.js';

/**
 * Sends files and directories to a receiver. Resolves when the receiver has committed everything; rejects with an
 * XferError, after the rest was committed where only single entries failed.
 */
export async function send(options: SendOptions): Promise<SendResult> {
  const filter = await readFilter(options.filters ?? [], options.signal);
  await checkGiven(options.paths, filter);
  const target = parseTarget(options.target);
  if (target.kind === 'address') return sendTo(target.address, { ...options, filter });
  const receiver = await startLocalReceiver(target.directory, options.home);
  try {
    return await sendTo(parseWithDefaults(receiver.address), { ...options, filter, code: receiver.code });
  } finally {
    receiver.stop();
  }
}

/** What is sent is known before anything is dialled. */
type Sending = SendOptions & { readonly filter: PathFilter | undefined };
type Trust = { readonly code: string } | { readonly expected: Uint8Array[] };

async function sendTo(address: Address, options: Sending): Promise<SendResult> {
  const { onEvent, signal } = options;
  const peers = new PeerStore(options.home);
  const identity = await loadIdentity(options.home);
  const trust = await chooseTrust(peers, address, options);
  onEvent({ event: 'phase', phase: 'connect' });
  const transport = await options.transports.get(address.scheme);
  const [connection] = await Promise.all([
    transport.dial(address, { signal }),
    preloadHandshake('code' in trust ? 'code' : 'known').catch(() => undefined),
  ]);
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
    const hello = ownHello('send', ownName(), options.remember ?? false);
    const session = await Session.establish({
      stream,
      secrets,
      hello,
      native,
      signal,
      silenceMs: silenceOf(options),
    });
    return await transfer(session, connection, { options, peers, address, paired: secrets.paired });
  } catch (thrown) {
    throw leaveAtOnce(connection, asXferError(thrown));
  } finally {
    await connection.close();
  }
}

async function chooseTrust(peers: PeerStore, address: Address, options: SendOptions): Promise<Trust> {
  if (options.code !== undefined) return { code: parseCode(options.code).secret };
  if (options.peer !== undefined) {
    const peer = await peers.findByName(options.peer);
    if (!peer)
      throw new XferError('ERR_XFER_USAGE', `there is no known peer ${options.peer}: see xfer peers`);
    return { expected: [peer.key] };
  }
  const met = await peers.findByHost(address.host);
  if (met.length > 0) return { expected: met.map((peer) => peer.key) };
  const code = await options.askCode?.();
  if (code === undefined)
    throw new XferError(
      'ERR_XFER_NO_CODE',
      `no code was given, and no known peer was met at ${address.host}`,
    );
  return { code: parseCode(code).secret };
}

interface Circumstances {
  readonly options: Sending;
  readonly peers: PeerStore;
  readonly address: Address;
  readonly paired: boolean;
}

async function transfer(
  session: Session,
  connection: Connection,
  around: Circumstances,
): Promise<SendResult> {
  const { options, peers, address } = around;
  const { onEvent, signal } = options;
  const started = performance.now();
  const scheme = address.scheme;
  const problems: XferError[] = [];
  const progress = new ThinOut<SendProgress>((value) => onEvent({ event: 'progress', ...value }));
  const onProblem = (error: XferError) => {
    problems.push(error);
    onEvent({ event: 'note', message: error.message });
  };
  let excluded = 0;
  const { filter, oneFileSystem = false } = options;
  const running = new SendTransfer({
    session,
    batches: scan(options.paths, { onProblem, onExcluded: () => excluded++, filter, oneFileSystem }),
    signal,
    onProgress: (value) => progress.push(value),
    onProblem,
    onCommitting: () => onEvent({ event: 'phase', phase: 'commit' }),
  }).run();
  // Told in parallel with the transfer, which must not wait for a file of ours to be read.
  const introduced = introduce(session, around);
  introduced.catch((error: unknown) => connection.abort(asXferError(error)));
  const [{ files, bytes }, peer] = await Promise.all([running, introduced]);
  progress.flush();
  if (excluded > 0) onEvent({ event: 'note', message: excludedNote(excluded) });
  const first = problems[0];
  if (first) throw summed(first, problems.length);
  const seconds = (performance.now() - started) / 1000;
  const shape = { lanes: session.laneNumbers.length, transport: scheme, path: 'direct' } as const;
  if (around.paired)
    await rememberPeer(peers, options, { key: session.peerKey, hello: session.hello, host: address.host });
  const done: SendResult = { event: 'done', role: 'send', peer, bytes, files, seconds, ...shape };
  onEvent(done);
  return done;
}

async function introduce(session: Session, { options, peers, address }: Circumstances): Promise<string> {
  const { peer, known } = await shownPeer(peers, session.peerKey);
  options.onEvent({ event: 'connected', peer, known, transport: address.scheme, path: 'direct' });
  options.onEvent({ event: 'lane', lane: 0, state: 'up', transport: address.scheme });
  options.onEvent({ event: 'phase', phase: 'transfer' });
  return peer;
}

/** A directory counts as one, since what is in it was never looked at. */
const excludedNote = (count: number) => (count === 1 ? '1 path excluded' : `${String(count)} paths excluded`);

function summed(first: XferError, count: number): XferError {
  if (count === 1) return first;
  return new XferError(first.code, `${first.message} (and ${count - 1} more; everything else is committed)`);
}
