import { asXferError, XferError, type ErrorCode } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { anotherCapability, ownCapabilities, parcelCapability, stdoutCapability } from '../session/hello.js';
import { loadIdentity, type Identity } from '../session/identity.js';
import { PeerStore } from '../session/peer-store.js';
import type { Session } from '../session/session.js';
import { checkGiven, GivenListings } from '../transfer/given-paths.js';
import { DirectFiles } from '../transfer/direct-files.js';
import type { PathFilter } from '../transfer/path-filter.js';
import { updateMode } from '../transfer/messages.js';
import { scan } from '../transfer/scan.js';
import type { SendGroup, SendProgress, SendSummary } from '../transfer/send-options.js';
import { sendParcel, type ParcelToSend } from '../transfer/send-parcel.js';
import { SendTransfer } from '../transfer/send-transfer.js';
import { attributeReader } from '../transfer/source-attributes.js';
import { sourceToken } from '../transfer/source-token.js';
import { parseUrl } from '../transport/address.js';
import { Backoff } from './backoff.js';
import { Dialler } from './dialler.js';
import type { LaneKeeper } from './lane-keeper.js';
import { startLocalReceiver } from './local-receiver.js';
import type { ToldLimit } from './limit-shares.js';
import type { SendOptions, SendResult } from './options.js';
import type { FanOutEntry } from './fan-out.js';
import { readFilter } from './filters.js';
import type { SendSession } from './send-session.js';
import { singleUse, type SendSessions } from './send-sessions.js';
import { routeTo, type Route } from './route.js';
import { retryOf } from './silence.js';
import { parseTarget, type Target } from './target.js';
import { checkUse, routeOver } from './target-route.js';
import { ThinOut } from './thin-out.js';
import { UnfinishedTransfers, type Unfinished } from './unfinished.js';

/** A transfer that has gone on for so long is kept in mind, so that the same command goes on with it. */
const worthKeepingMs = 100;

/**
 * Sends files and directories to a receiver. Resolves when the receiver has committed everything; rejects with an
 * XferError, after the rest was committed where only single entries failed.
 */
export async function send(options: SendOptions): Promise<SendResult> {
  // What only pipes need is loaded for them alone.
  if (options.paths.includes('-')) return (await import('./send-stdin.js')).sendStdin(options);
  const filter = await readFilter(options.filters ?? [], options.signal);
  const listings = new GivenListings();
  await checkGiven(options.paths, filter, listings);
  return sendTo({ ...options, filter, listings }, parseTarget(options.target), () =>
    loadIdentity(options.home),
  );
}

/** What is sent is known before anything is dialled. */
export interface Filtered extends Omit<SendOptions, 'target' | 'limit'> {
  readonly filter: PathFilter | undefined;
  /** What was found of the given paths when they were checked. */
  readonly listings?: GivenListings;
  readonly limit?: ToldLimit | undefined;
  /** All that is to be sent, where that is a small file and nothing about it is special. Default: it goes as a transfer. */
  readonly parcel?: ParcelToSend | undefined;
}

/** Sends to one target; `fanOut` where there are others beside it. */
export async function sendTo(
  options: Filtered,
  target: Target,
  identity: () => Promise<Identity>,
  fanOut?: FanOutEntry,
  sessions: SendSessions = singleUse,
): Promise<SendResult> {
  checkUse(options);
  if (target.kind !== 'local') {
    const { route, code } = await routeOver(target, options);
    const given = code === undefined ? options : { ...options, code };
    return new Sending(route, given, await identity(), fanOut, sessions).run();
  }
  // Who sends here also receives here: what takes consent has it, and what is meant for both sides is told to both.
  const { remove, owners, attributes, direct, home, streamingThresholdBytes: threshold } = options;
  const flags = [
    remove && '--delete',
    owners && '--owner',
    attributes && '--xattrs',
    direct && '--direct',
    threshold !== undefined && `--streaming-threshold=${threshold}`,
  ].filter((flag) => flag);
  const receiver = await startLocalReceiver(target.directory, home, flags as string[]);
  try {
    const route = routeTo({ kind: 'address', address: parseUrl(receiver.address) }, [], options.use);
    const given = { ...options, code: receiver.code };
    return await new Sending(route, given, await identity(), fanOut, singleUse).run();
  } finally {
    receiver.stop();
  }
}

type Delivered = Omit<SendSummary, 'nextRecord'> & { readonly peer: string; readonly seconds: number };

/** One `send`, over as many sessions as it takes. */
class Sending {
  readonly #dialler: Dialler;
  readonly #options: Filtered;
  readonly #unfinished: UnfinishedTransfers;
  #foundKey: Uint8Array | undefined;
  readonly #progress: ThinOut<SendProgress>;
  #problems: XferError[] = [];
  #excluded = 0;
  /** Handed to the network by sessions that are over. */
  #sentBefore = 0;
  #sent = 0;
  #startedAt: number | undefined;
  /** Of the session that there is now. */
  #lanes: LaneKeeper | undefined;
  /** Whether it may be among those that are unfinished. */
  #isNoted = false;
  /** Others that get the same. */
  readonly #fanOut: FanOutEntry | undefined;
  readonly #sessions: SendSessions;
  readonly #direct: DirectFiles | undefined;

  constructor(
    route: Route,
    options: Filtered,
    identity: Identity,
    fanOut: FanOutEntry | undefined,
    sessions: SendSessions,
  ) {
    this.#sessions = sessions;
    this.#options = options;
    this.#fanOut = fanOut;
    this.#dialler = new Dialler({
      ...{ route, options, identity },
      peers: sessions.peers ?? new PeerStore(options.home),
      capabilities: [...ownCapabilities, stdoutCapability, ...(sessions.goesOn ? [anotherCapability] : [])],
    });
    this.#unfinished = sessions.unfinished?.(identity) ?? new UnfinishedTransfers(options.home, identity);
    if (options.direct)
      this.#direct = new DirectFiles(nativeApi().files, (message) =>
        options.onEvent({ event: 'note', message }),
      );
    this.#progress = new ThinOut((value) => {
      const { progress: lanes = [] } = this.#lanes ?? {};
      options.onEvent({ event: 'progress', ...value, ...(lanes.length > 0 ? { lanes } : {}) });
    });
  }

  get #key(): Uint8Array {
    return (this.#foundKey ??= this.#unfinished.keyOf(this.#options.paths));
  }

  async run(): Promise<SendResult> {
    const earlier = await this.#unfinished.find(() => this.#key, this.#options.code);
    this.#isNoted = earlier !== undefined;
    const { pinned } = this.#sessions;
    const met = [...(pinned ? [pinned] : []), ...(earlier?.sameCode ?? [])];
    let opened = await this.#take(() => this.#openMet(met));
    if (opened.session.hello.capabilities.includes(stdoutCapability)) {
      this.#fanOut?.decline();
      const { sendToStdout } = await import('./send-to-stdout.js');
      return sendToStdout(this.#dialler, opened, this.#options);
    }
    const delivered = earlier ? undefined : await this.#sendParcel(opened);
    if (delivered) return delivered;
    let hasTriedCode = false;
    for (let resume = this.#resumes(earlier, opened); ; resume = true) {
      try {
        return await this.#transfer(opened, resume);
      } catch (thrown) {
        const error = asXferError(thrown);
        if (error.code === 'ERR_XFER_NO_CODE' && earlier?.sameCode.length && !hasTriedCode) {
          // The receiver is through with what is unfinished here: then the code decides.
          hasTriedCode = true;
          await this.#finish(opened.session.peerKey);
          opened = await this.#take(async () => this.#dialler.open(await this.#dialler.chooseTrust()));
          continue;
        }
        if (error.code !== 'ERR_XFER_CONNECTION_LOST') throw error;
        const { peerKey } = opened.session;
        // One that had waited may have been dead before: that is nobody's failure yet.
        const wasWaiting = opened.nextRecord !== undefined;
        // The session may have tried for as long as it should.
        const isLate = retryOf(this.#options) === 0 || performance.now() > this.#retryUntil;
        if (isLate && !wasWaiting) throw error;
        opened = await this.#take(() => this.#openAgain(peerKey, error), [peerKey]);
      }
    }
  }

  /** Of several receivers one may have a part of it, and the others nothing. */
  #resumes(earlier: Unfinished | undefined, { session }: SendSession): boolean {
    if (!earlier || !this.#fanOut) return earlier !== undefined;
    return earlier.peers.some((peer) => Buffer.compare(peer, session.peerKey) === 0);
  }

  /** Nothing is unfinished any more: with this receiver, where there are others. */
  async #finish(peer: Uint8Array): Promise<void> {
    await this.#unfinished.remove(this.#key, this.#fanOut ? peer : undefined);
  }

  /** A receiver that was met before may be starting again: whether it left before this send or in it makes no difference. */
  async #openMet(met: readonly Uint8Array[]): Promise<SendSession> {
    try {
      return await this.#openFirst(met);
    } catch (thrown) {
      const error = asXferError(thrown);
      const { pinned } = this.#sessions;
      if (!pinned || error.row.origin !== 'network' || retryOf(this.#options) === 0) throw error;
      return this.#openAgain(pinned, error);
    }
  }

  /** A first connection that fails is told at once. A transfer that was stopped goes on without a new code. */
  async #openFirst(paired: readonly Uint8Array[]): Promise<SendSession> {
    if (paired.length > 0) {
      try {
        return await this.#dialler.open({ expected: paired });
      } catch (thrown) {
        const error = asXferError(thrown);
        if (!notRecognised.has(error.code)) throw error;
      }
    }
    return this.#dialler.open(await this.#dialler.chooseTrust());
  }

  /** Both keys are pinned for the rest of the transfer: nobody else can take the receiver's place, and no code is tried twice. */
  async #openAgain(peer: Uint8Array, error: XferError): Promise<SendSession> {
    const { signal } = this.#options;
    const backoff = new Backoff();
    const until = this.#retryUntil;
    for (;;) {
      await backoff.wait(signal).catch(() => signal.throwIfAborted());
      try {
        return await this.#dialler.open({ expected: [peer] });
      } catch (thrown) {
        const failure = asXferError(thrown);
        if (failure.row.origin !== 'network' && failure.code !== 'ERR_XFER_LIMIT') throw failure;
        if (performance.now() > until) throw error;
      }
    }
  }

  get #retryUntil(): number {
    return (this.#dialler.lostAt ?? performance.now()) + retryOf(this.#options);
  }

  /** A session: one that is there already, with one of `peers` where there are any, or what `open` gives. */
  async #take(open: () => Promise<SendSession>, peers: readonly Uint8Array[] = []): Promise<SendSession> {
    const opened = await this.#sessions.take(open, peers);
    this.#dialler.use(opened);
    return opened;
  }

  async #transfer(opened: SendSession, resume: boolean): Promise<SendResult> {
    const { session } = opened;
    const { onEvent } = this.#options;
    this.#lanes = opened.lanes;
    this.#problems = [];
    this.#excluded = 0;
    this.#sentBefore += this.#sent;
    let kept: Promise<void> | undefined;
    const keep = setTimeout(() => {
      kept = this.#keepInMind(session.peerKey);
    }, worthKeepingMs);
    const startedAt = (this.#startedAt ??= performance.now());
    let nextRecord: number | undefined;
    let introduced: Promise<string> | undefined;
    try {
      const running = this.#start(opened, resume);
      // Told in parallel with the transfer, which must not wait for a file of ours to be read.
      introduced = this.#dialler.introduce(session);
      introduced.catch((error: unknown) => session.abort(asXferError(error)));
      const [summary, peer] = await Promise.all([running, introduced]);
      nextRecord = summary.nextRecord;
      this.#progress.flush();
      const seconds = (performance.now() - startedAt) / 1000;
      clearTimeout(keep);
      // Or it would be noted behind its end.
      await kept;
      if (this.#isNoted) await this.#finish(session.peerKey);
      if (this.#excluded > 0) onEvent({ event: 'note', message: excludedNote(this.#excluded) });
      const first = this.#problems[0];
      if (first) throw summed(first, this.#problems.length);
      await this.#dialler.remember(session);
      return this.#done(opened, { ...summary, peer, seconds });
    } finally {
      clearTimeout(keep);
      // Whoever ends the process because this has failed would lose the note, and leave half a file.
      await kept;
      // An error that is quicker than that file is told behind it all the same.
      await introduced?.catch(() => undefined);
      await this.#sessions.give(opened, nextRecord);
    }
  }

  /** On a session that has had a transfer, and waits. undefined: it goes as one, too. */
  async #sendParcel(opened: SendSession): Promise<SendResult | undefined> {
    const { parcel, signal } = this.#options;
    const { session, lanes, nextRecord } = opened;
    const { capabilities, streamingThresholdBytes: most } = session.hello;
    if (!parcel || nextRecord === undefined || !capabilities.includes(parcelCapability)) return undefined;
    if (parcel.entry.size > most) return undefined;
    const startedAt = performance.now();
    lanes.onSuspect = (lane, isSuspect) => session.handleSuspect(lane, isSuspect);
    opened.answer.begin();
    try {
      if (!(await sendParcel(session, parcel, signal))) return undefined;
    } catch (error) {
      // As where a transfer begins on a session that is dead: another one is opened.
      if (asXferError(error).code === 'ERR_XFER_CONNECTION_LOST') return undefined;
      await this.#sessions.give(opened, undefined);
      throw error;
    } finally {
      opened.answer.end();
    }
    return this.#tellParcel(opened, parcel.entry.size, startedAt);
  }

  async #tellParcel(opened: SendSession, bytes: number, startedAt: number): Promise<SendResult> {
    const { onEvent } = this.#options;
    let nextRecord: number | undefined;
    try {
      const peer = await this.#dialler.introduce(opened.session);
      onEvent({ event: 'phase', phase: 'commit' });
      onEvent({ event: 'progress', bytes, total: bytes, sent: bytes, files: 1 });
      const seconds = (performance.now() - startedAt) / 1000;
      const carried = new Map([[opened.session.lanes[0] ?? 0, bytes]]);
      const done = this.#done(opened, { peer, bytes, files: 1, seconds, carried, bottleneck: 'none' });
      nextRecord = opened.nextRecord;
      return done;
    } finally {
      await this.#sessions.give(opened, nextRecord);
    }
  }

  /** The last that is told. */
  #done(opened: SendSession, { peer, bytes, files, seconds, carried, bottleneck }: Delivered): SendResult {
    const shape = this.#dialler.shapeOf(opened, carried);
    const amount = { peer, bytes, files, seconds };
    const done: SendResult = { event: 'done', role: 'send', ...amount, ...shape, bottleneck };
    this.#dialler.end();
    this.#options.onEvent(done);
    return done;
  }

  async #start(opened: SendSession, resume: boolean) {
    const { session, lanes, nextRecord } = opened;
    const { paths, signal, onEvent } = this.#options;
    const onProblem = (error: XferError) => {
      this.#problems.push(error);
      onEvent({ event: 'note', message: error.message });
    };
    const { lanes: wanted } = this.#options;
    const widen = () => {
      lanes.drive(transfer, wanted);
    };
    const group = resume ? undefined : this.#joinOthers(session, widen);
    if (!group) this.#fanOut?.decline();
    const scanned = {
      filter: this.#options.filter,
      oneFileSystem: this.#options.oneFileSystem ?? false,
      owners: this.#options.owners ?? false,
    };
    const transfer = new SendTransfer({
      session,
      group,
      native: nativeApi(),
      batches: scan(paths, {
        ...{ ...scanned, onProblem, listings: this.#options.listings },
        onExcluded: () => this.#excluded++,
        ...(this.#options.attributes ? { complete: attributeReader(nativeApi().files) } : {}),
      }),
      preview: () => scan(paths, { ...scanned, onProblem: () => undefined, onExcluded: () => undefined }),
      packedFileBytes: this.#options.streamingThresholdBytes,
      key: this.#key,
      resume,
      firstRecord: nextRecord,
      keepsSession: this.#sessions.goesOn && session.hello.capabilities.includes(anotherCapability),
      tokenOf: sourceToken(this.#unfinished.tokenKey),
      limit: this.#options.limit,
      direct: this.#direct,
      compress: this.#options.compress ?? 'auto',
      update: updateMode[this.#options.update ?? 'none'],
      remove: this.#options.remove,
      mayRemove: () => (this.#options.remove ?? false) && this.#problems.length === 0,
      signal,
      onProgress: (value) => {
        this.#sent = value.sent;
        this.#options.limit?.handleSent(this.#sentBefore + value.sent, performance.now());
        this.#progress.push({ ...value, sent: this.#sentBefore + value.sent });
      },
      onProblem,
      onCommitting: () => onEvent({ event: 'phase', phase: 'commit' }),
    });
    const running = transfer.run();
    lanes.onSuspect = (lane, isSuspect) => transfer.handleSuspect(lane, isSuspect);
    if (!group) widen();
    return running;
  }

  #joinOthers(session: Session, widen: () => void): SendGroup | undefined {
    const { onEvent } = this.#options;
    return this.#fanOut?.join(session, this.#dialler.foundRoute, {
      onLane: (lane, state) => this.#dialler.handleSharedLane(lane, state),
      onNote: (message) => onEvent({ event: 'note', message }),
      onAlone: widen,
    });
  }

  async #keepInMind(peer: Uint8Array): Promise<void> {
    this.#isNoted = true;
    await this.#unfinished.add(this.#key, peer, this.#options.code);
  }
}

/** The receiver does not know of the transfer: then the code decides. */
const notRecognised: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_XFER_UNKNOWN_PEER',
  'ERR_XFER_NO_CODE',
  'ERR_XFER_KEY_CHANGED',
  'ERR_XFER_REFUSED',
]);

/** A directory counts as one, since what is in it was never looked at. */
const excludedNote = (count: number) => (count === 1 ? '1 path excluded' : `${String(count)} paths excluded`);

function summed(first: XferError, count: number): XferError {
  if (count === 1) return first;
  return new XferError(first.code, `${first.message} (and ${count - 1} more; everything else is committed)`);
}
