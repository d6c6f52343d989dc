import { asXferError, XferError, type ErrorCode } from '../errors/index.js';
import type { Parcel } from '../transfer/messages.js';
import { ParcelWriter } from '../transfer/parcel-writer.js';
import type { ReceiveProgress, ReceiveSummary } from '../transfer/receive-options.js';
import { ReceiveTransfer } from '../transfer/receive-transfer.js';
import { TemporaryNames } from '../transfer/temporary-names.js';
import type { Connection } from '../transport/contract.js';
import { transportsOf } from './carried.js';
import type { ReceiverContext } from './file-sessions.js';
import type { IdleSession } from './idle-sessions.js';
import type { SendResult } from './options.js';
import type { Running } from './running-transfers.js';
import type { Pinned } from './session-handler.js';
import { doneSealing, laneSealing, sealedNote } from './sealing-told.js';
import { ShortWait } from './short-wait.js';
import { ThinOut } from './thin-out.js';
import { rememberPeer, shownPeer } from './trust.js';

export interface ReceiveSeriesOptions {
  readonly connection: Connection;
  readonly context: ReceiverContext;
  readonly running: Running;
  /** Whether a code joined the two. */
  readonly paired: boolean;
  /** False where the peer is known from an unfinished transfer alone: it may go on with that, and nothing else. */
  readonly isTrusted: boolean;
  /** Whether both sides have said that another transfer may begin behind one that has ended. */
  readonly goesOn: boolean;
  /** Whether the key is pinned now. */
  isKnown(): Promise<boolean>;
  /** As it was read last. */
  pinned(): Pinned | undefined;
}

interface Part {
  readonly transfer: ReceiveTransfer;
  /** Settles when nothing of it is left to be done or told. */
  readonly over: Promise<SendResult>;
}

/** What is told of a transfer. */
interface Account {
  readonly isFirst: boolean;
  readonly progress: ThinOut<ReceiveProgress>;
  /** Settles when `connected` has been told, and gives the peer's name. */
  introduced: Promise<string> | undefined;
  startedAt: number;
  /** Lanes that were gone before it. */
  lanesBefore: number;
}

/**
 * The transfers of one session, one behind the other. Consent is each one's own: the first has that of the handshake, the
 * others need a key that is pinned when they begin.
 */
export class ReceiveSeries {
  readonly #options: ReceiveSeriesOptions;
  readonly #idle: IdleSession;
  /** Begun and not told yet. What is told is let go of: a session may have any number of transfers. */
  readonly #begun: Part[] = [];
  #newest: Promise<SendResult> | undefined;
  #count = 0;
  #parcels: ParcelWriter | undefined;
  /** For the parcel behind one. */
  readonly #next: ShortWait;

  constructor(options: ReceiveSeriesOptions) {
    this.#options = options;
    this.#next = new ShortWait(options.context.native);
    const { session, peer } = options.running;
    const abort = () => {
      const error = new XferError('ERR_XFER_CONNECTION_LOST', 'the sender did not end a session that waited');
      session.abort(error);
      options.connection.abort(error);
    };
    this.#idle = { peer, end: () => session.finish(), abort };
  }

  /** To be called in the turn in which the session was made. Resolves with the last transfer that was received, or rejects with why one was not. */
  async run(): Promise<SendResult> {
    const introduced = this.#begin(0, Promise.resolve());
    try {
      await introduced;
      let result: SendResult | undefined;
      for (let part = this.#begun.shift(); part; part = this.#begun.shift()) {
        const { transfer, over } = part;
        try {
          result = await over;
        } catch (error) {
          // It waited for a transfer, and none came.
          if (result && !transfer.hasBegun && quietEnds.has(asXferError(error).code)) break;
          throw error;
        }
      }
      if (!result) throw new XferError('ERR_XFER_INTERNAL', 'a session had no transfer');
      return result;
    } catch (error) {
      await this.#endNewest(asXferError(error));
      throw error;
    } finally {
      this.#options.context.idle.remove(this.#idle);
    }
  }

  /** The next transfer may have begun while the end of one failed: who waits for this series closes what it writes to. */
  async #endNewest(error: XferError): Promise<void> {
    this.#options.running.stop.abort(error);
    await this.#newest?.catch(() => undefined);
  }

  /** `after`: settles when nothing is left to be done of what there was before. Settles when the first one is introduced. */
  #begin(firstRecord: number, after: Promise<unknown>): Promise<unknown> | undefined {
    const { context, running, goesOn } = this.#options;
    const { options, native, root, isUnnamed } = context;
    const { onEvent } = options;
    const isFirst = this.#count++ === 0;
    const progress = new ThinOut<ReceiveProgress>((value) =>
      onEvent({ event: 'progress', ...value, sent: 0 }),
    );
    const account: Account = { isFirst, progress, introduced: undefined, startedAt: 0, lanesBefore: 0 };
    const transfer = new ReceiveTransfer({
      session: running.session,
      native,
      root,
      isUnnamed,
      isDirect: options.direct ?? false,
      signal: running.stop.signal,
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      firstRecord,
      after,
      ...(goesOn
        ? {
            onAnother: (next: number) => {
              void this.#begin(next, over);
              context.idle.add(this.#idle);
            },
          }
        : {}),
      ...(goesOn && !isFirst ? { onParcel: (parcel) => this.#takeParcel(parcel) } : {}),
      onBegin: async (key) => {
        if (!isFirst) context.idle.wake(this.#idle);
        await this.#checkWelcome(key, isFirst);
        await (account.introduced ??= this.#introduce(account));
      },
      // What it has declared may be known before it is welcome.
      onProgress: (value) => (account.introduced ? progress.push(value) : undefined),
      onNote: (message) => onEvent({ event: 'note', message }),
      onCommitting: () => onEvent({ event: 'phase', phase: 'commit' }),
    });
    const over = this.#settle(transfer, account);
    over.catch(() => undefined);
    this.#begun.push({ transfer, over });
    this.#newest = over;
    // Its session has just begun; the others are told of when they begin.
    if (isFirst) account.introduced = this.#introduce(account);
    return account.introduced;
  }

  /** Gives what is told of it, or undefined where a transfer shall bring it. */
  async #takeParcel(parcel: Parcel): Promise<(() => void) | undefined> {
    const { context, isKnown, pinned } = this.#options;
    const startedAt = performance.now();
    this.#next.end();
    context.idle.wake(this.#idle);
    try {
      const known = pinned() ?? ((await isKnown()) ? pinned() : undefined);
      if (!known || !(await this.#parcelWriter.write(parcel, known.watched))) return undefined;
      return () => this.#tellParcel(known.name, parcel.content.length, startedAt);
    } finally {
      context.idle.add(this.#idle);
      this.#next.begin();
    }
  }

  get #parcelWriter(): ParcelWriter {
    const { root, isUnnamed, native, options } = this.#options.context;
    return (this.#parcels ??= new ParcelWriter({
      ...{ files: native.files, root, isUnnamed, isDirect: options.direct ?? false },
      peer: this.#options.running.session.peerKey,
      policy: options.policy,
    }));
  }

  /** As of a transfer. */
  #tellParcel(peer: string, bytes: number, startedAt: number): void {
    const { session } = this.#options.running;
    const { onEvent } = this.#options.context.options;
    const { transport, path } = this.#way;
    onEvent({ event: 'connected', peer, known: true, transport, path });
    onEvent({ event: 'phase', phase: 'transfer' });
    onEvent({ event: 'phase', phase: 'commit' });
    onEvent({ event: 'progress', bytes, total: bytes, files: 1, sent: 0 });
    const seconds = (performance.now() - startedAt) / 1000;
    const shape = { lanes: session.lanes.length, transport, transports: { [transport]: bytes }, path };
    const sealing = doneSealing(session);
    onEvent({
      ...{ event: 'done', role: 'recv', peer, bytes, files: 1, seconds },
      ...{ ...shape, ...sealing, bottleneck: 'none' },
    });
  }

  async #settle(transfer: ReceiveTransfer, account: Account): Promise<SendResult> {
    const { context, running, connection, paired } = this.#options;
    const summary = await transfer.run();
    context.transfers.complete(running);
    // The next transfer asks whether the key is pinned.
    if (account.isFirst && paired)
      await rememberPeer(context.peers, context.options, {
        key: running.session.peerKey,
        hello: running.session.hello,
        host: connection.isRelayed ? undefined : connection.remote.host,
      });
    return this.#finish(summary, account);
  }

  async #checkWelcome(key: Uint8Array, isFirst: boolean): Promise<void> {
    const { context, running, isTrusted, isKnown } = this.#options;
    const { transfers, native, root } = context;
    const isWelcome = (isFirst ? isTrusted : await isKnown()) || transfers.hasBegun(running, key);
    if (!isWelcome) {
      const { journal } = new TemporaryNames(running.session.peerKey, key);
      if (!(await native.files.stampAt(root, journal)))
        throw new XferError('ERR_XFER_NO_CODE', 'a new transfer needs a code');
    }
    await transfers.claim(running, key);
  }

  async #introduce(account: Account): Promise<string> {
    const { context, running } = this.#options;
    const { onEvent } = context.options;
    const { session } = running;
    const { peer, known } = await shownPeer(context.peers, session.peerKey);
    account.startedAt = performance.now();
    account.lanesBefore = session.laneCount - session.lanes.length;
    const { transport, path } = this.#way;
    onEvent({ event: 'connected', peer, known, transport, path });
    if (account.isFirst)
      onEvent({ event: 'lane', lane: 0, state: 'up', transport, ...laneSealing(session, 0) });
    const note = account.isFirst ? sealedNote(session) : undefined;
    if (note) onEvent(note);
    onEvent({ event: 'phase', phase: 'transfer' });
    return peer;
  }

  async #finish(
    { files, bytes, bottleneck, carried }: ReceiveSummary,
    account: Account,
  ): Promise<SendResult> {
    const { context, running } = this.#options;
    const { progress, introduced } = account;
    const peer = (await introduced) ?? '';
    progress.flush();
    const seconds = (performance.now() - account.startedAt) / 1000;
    const { transport: first, path } = this.#way;
    const transportOf = (lane: number) => running.lanes.transportOf(lane);
    const by = transportsOf({ lanes: carried, transportOf, first });
    const lanes = running.session.laneCount - account.lanesBefore;
    const shape = { lanes, ...by, path, ...doneSealing(running.session) };
    const amount = { peer, bytes, files, seconds };
    const done: SendResult = { event: 'done', role: 'recv', ...amount, ...shape, bottleneck };
    context.options.onEvent(done);
    return done;
  }

  get #way() {
    const { isRelayed, remote } = this.#options.connection;
    return { transport: remote.scheme, path: isRelayed ? 'relayed' : 'direct' } as const;
  }
}

/** How a session ends that only waited. */
const quietEnds: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_XFER_TRUNCATED',
  'ERR_XFER_CONNECTION_LOST',
  'ERR_XFER_TIMEOUT',
  'ERR_XFER_INTERRUPTED',
  'ERR_XFER_PEER_INTERRUPTED',
]);
