import { XferError } from '../errors/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import type { Forwarder } from './forwarder.js';
import { ownDetail, passedDetail, reachDetail } from './hop-errors.js';
import type { StreamEnd } from './observer.js';
import { OrphanWatch } from './orphan-watch.js';
import type { Forwarding } from './piped-stream.js';

/** Its own limit is used up, or its share under load. */
export type HoldReason = 'limit' | 'share';

export interface HopPipesOptions {
  readonly forwarder: Forwarder;
  /** Content that came from the peer, and goes on so many times, or goes to it. */
  onBytes(direction: 'from' | 'to', count: number, copies?: number): void;
  onEnd(end: StreamEnd, stream: Stream): void;
}

/** The pipes of one incoming connection, both ways. */
export class HopPipes {
  readonly #options: HopPipesOptions;
  readonly #pipes = new Set<Held>();
  readonly #holds = new Set<HoldReason>();

  constructor(options: HopPipesOptions) {
    this.#options = options;
  }

  get bufferedBytes(): number {
    let bytes = 0;
    for (const pipe of this.#pipes) bytes += pipe.bufferedBytes;
    return bytes;
  }

  /** While there is a reason to hold them, whoever sends gets no credit. */
  hold(reason: HoldReason): void {
    this.#holds.add(reason);
    if (this.#holds.size === 1) for (const pipe of this.#pipes) pipe.hold(true);
  }

  release(reason: HoldReason): void {
    if (this.#holds.delete(reason) && this.#holds.size === 0)
      for (const pipe of this.#pipes) pipe.hold(false);
  }

  /** Joins the peer's stream to the next one, which leads to `alternative` of its hop, and was opened with `header`. */
  join(stream: Stream, next: Stream, alternative: number, header: Uint8Array): void {
    const { onBytes, onEnd, forwarder } = this.#options;
    let end: StreamEnd = 'closed';
    let isAnswered = false;
    next.opened.then(
      () => (isAnswered = true),
      () => undefined,
    );
    const breakOff = (error: XferError) => {
      end = 'reset';
      next.reset(resetCodeOf(error));
      stream.reset(resetCodeOf(error), ownDetail(error.code));
    };
    const orphan = new OrphanWatch(forwarder.orphanMs, () => breakOff(gone()));
    const common = {
      onTaken: () => orphan.handleBytes(),
      onEnd: () => orphan.handleEnd(),
      onBranchEnd: () => orphan.handleEnd(),
      onFailure: breakOff,
    };
    const [toward, back] = forwarder.ways(header, () => isAnswered);
    this.#add(
      stream,
      toward(stream, [next], {
        ...common,
        onBytes: ({ length }) => onBytes('from', length),
        onReset: (code, detail, isOver) => {
          end = isOver ? 'lost' : 'reset';
          next.reset(isOver ? resetCode.cancelled : code, isOver ? undefined : detail);
        },
      }),
    );
    this.#add(
      next,
      back(next, [stream], {
        ...common,
        onBytes: ({ length }) => onBytes('to', length),
        onReset: (code, detail, isOver) => {
          end = isOver ? 'lost' : 'reset';
          stream.reset(
            isOver ? resetCode.internal : code,
            isOver ? reachDetail('ERR_XFER_CONNECTION_LOST', alternative) : passedDetail(detail, alternative),
          );
        },
      }),
    );
    void stream.closed.then(() => {
      orphan.close();
      onEnd(end, stream);
    });
  }

  /** What the peer's stream brings goes to all of these; nothing comes back. */
  fork(stream: Stream, branches: readonly Stream[], header: Uint8Array): void {
    const { onBytes, onEnd, forwarder } = this.#options;
    let end: StreamEnd = 'closed';
    const resetAll = (code: number) => {
      for (const branch of [...pipe.branches]) branch.reset(code);
    };
    let isAnswered = false;
    for (const branch of branches) void branch.opened.then(() => (isAnswered = true)).catch(() => undefined);
    const [toward] = forwarder.ways(header, () => isAnswered);
    const pipe = toward(stream, branches, {
      onBytes: ({ length }) => onBytes('from', length, pipe.branches.size),
      onReset: (code, _detail, isOver) => {
        end = isOver ? 'lost' : 'reset';
        resetAll(code);
      },
      onFailure: (error) => {
        end = 'reset';
        resetAll(resetCodeOf(error));
        stream.reset(resetCodeOf(error), ownDetail(error.code));
      },
    });
    this.#add(stream, pipe);
    for (const branch of branches) {
      branch.onData(() => undefined);
      branch.onReset((code, detail, isOver) => pipe.handleBranchReset(branch, code, detail, isOver));
      branch.opened.catch(() => pipe.handleBranchReset(branch, resetCode.internal, new Uint8Array(), false));
    }
    pipe.dropStalled(forwarder.inactivityMs);
    void stream.closed.then(() => onEnd(end, stream));
  }

  /** What the peer's stream brings goes no further than here; it is held as those are that do. */
  end(stream: Stream): void {
    this.#add(stream, { bufferedBytes: 0, hold: (isHeld) => (isHeld ? stream.pause() : stream.resume()) });
  }

  #add(from: Stream, pipe: Held): void {
    if (this.#holds.size > 0) pipe.hold(true);
    this.#pipes.add(pipe);
    void from.closed.then(() => this.#pipes.delete(pipe));
  }
}

type Held = Pick<Forwarding, 'bufferedBytes' | 'hold'>;

const resetCodeOf = ({ code }: XferError) =>
  code === 'ERR_XFER_TIMEOUT' ? resetCode.timeout : resetCode.internal;

const gone = () => new XferError('ERR_XFER_TIMEOUT', 'one side of the stream is gone');
