import { asXferError, XferError, type ErrorCode } from '../errors/index.js';
import type { ReceiveProgress, ReceiveSummary } from '../transfer/receive-options.js';
import { ReceiveTransfer } from '../transfer/receive-transfer.js';
import { TemporaryNames } from '../transfer/temporary-names.js';
import type { Connection } from '../transport/contract.js';
import type { IdleSession } from './idle-sessions.js';
import type { SendResult } from './options.js';
import type { ReceiverContext } from './receive-one.js';
import type { Running } from './running-transfers.js';
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
}

interface Part {
  readonly transfer: ReceiveTransfer;
  /** Settles when nothing of it is left to be done. */
  readonly over: Promise<ReceiveSummary>;
  readonly progress: ThinOut<ReceiveProgress>;
  startedAt: number;
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
  #newest: Promise<ReceiveSummary> | undefined;
  #count = 0;

  constructor(options: ReceiveSeriesOptions) {
    this.#options = options;
    const { session, peer } = options.running;
    this.#idle = { peer, end: () => session.finish() };
  }

  /** To be called in the turn in which the session was made. Resolves with the last transfer that was received, or rejects with why one was not. */
  async run(): Promise<SendResult> {
    this.#begin(0, Promise.resolve());
    try {
      const peer = await this.#introduce();
      let result: SendResult | undefined;
      for (let part = this.#begun.shift(); part; part = this.#begun.shift()) {
        const error = await part.over.then(
          () => undefined,
          (thrown: unknown) => asXferError(thrown),
        );
        // It waited for a transfer, and none came.
        if (error && result && !part.transfer.hasBegun && quietEnds.has(error.code)) break;
        result = await this.#finish(part, peer);
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

  /** `after`: settles when nothing is left to be done of what there was before. */
  #begin(firstRecord: number, after: Promise<unknown>): void {
    const { context, running, goesOn } = this.#options;
    const { options, native, root } = context;
    const { onEvent } = options;
    const isFirst = this.#count++ === 0;
    const progress = new ThinOut<ReceiveProgress>((value) =>
      onEvent({ event: 'progress', ...value, sent: 0 }),
    );
    const transfer = new ReceiveTransfer({
      session: running.session,
      native,
      root,
      signal: running.stop.signal,
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      firstRecord,
      after,
      ...(goesOn
        ? {
            onAnother: (next: number) => {
              this.#begin(next, over);
              context.idle.add(this.#idle);
            },
          }
        : {}),
      onBegin: async (key) => {
        part.startedAt = performance.now();
        if (!isFirst) this.#handleBegun();
        await this.#checkWelcome(key, isFirst);
      },
      onProgress: (value) => progress.push(value),
      onNote: (message) => onEvent({ event: 'note', message }),
      onCommitting: () => onEvent({ event: 'phase', phase: 'commit' }),
    });
    const over = this.#settle(transfer, isFirst);
    const part: Part = { transfer, over, progress, startedAt: performance.now() };
    over.catch(() => undefined);
    this.#begun.push(part);
    this.#newest = over;
  }

  async #settle(transfer: ReceiveTransfer, isFirst: boolean): Promise<ReceiveSummary> {
    const { context, running, connection, paired } = this.#options;
    const summary = await transfer.run();
    context.transfers.complete(running);
    // The next transfer asks whether the key is pinned.
    if (isFirst && paired)
      await rememberPeer(context.peers, context.options, {
        key: running.session.peerKey,
        hello: running.session.hello,
        host: connection.isRelayed ? undefined : connection.remote.host,
      });
    return summary;
  }

  /** The session does not wait any more. */
  #handleBegun(): void {
    const { context } = this.#options;
    context.idle.remove(this.#idle);
    context.options.onEvent({ event: 'phase', phase: 'transfer' });
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

  async #introduce(): Promise<string> {
    const { context, running } = this.#options;
    const { onEvent } = context.options;
    const { peer, known } = await shownPeer(context.peers, running.session.peerKey);
    const { transport, path } = this.#way;
    onEvent({ event: 'connected', peer, known, transport, path });
    onEvent({ event: 'lane', lane: 0, state: 'up', transport });
    onEvent({ event: 'phase', phase: 'transfer' });
    return peer;
  }

  async #finish(part: Part, peer: string): Promise<SendResult> {
    const { context, running } = this.#options;
    const { files, bytes, bottleneck } = await part.over;
    part.progress.flush();
    const seconds = (performance.now() - part.startedAt) / 1000;
    const shape = { lanes: running.session.laneCount, ...this.#way } as const;
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
