import { relayDefaults } from '../config/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import type { BlockPool } from './block-pool.js';
import { passedDetail, reachDetail } from './hop-errors.js';
import type { StreamEnd } from './observer.js';
import { PipedStream } from './piped-stream.js';

/** Its own limit is used up, or its share under load. */
export type HoldReason = 'limit' | 'share';

export interface HopPipesOptions {
  readonly pool: BlockPool;
  /** Content that came from the peer, or goes to it. */
  onBytes(direction: 'from' | 'to', count: number): void;
  onEnd(end: StreamEnd, stream: Stream): void;
}

/** The pipes of one incoming connection, both ways. */
export class HopPipes {
  readonly #options: HopPipesOptions;
  readonly #pipes = new Set<PipedStream>();
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

  /** Joins the peer's stream to the next one, which leads to `alternative` of its hop. */
  join(stream: Stream, next: Stream, alternative: number): void {
    const { onBytes, onEnd } = this.#options;
    let end: StreamEnd = 'closed';
    this.#add(stream, [next], {
      onBytes: (count) => onBytes('from', count),
      onReset: (code, detail, isOver) => {
        end = isOver ? 'lost' : 'reset';
        next.reset(isOver ? resetCode.cancelled : code, isOver ? undefined : detail);
      },
    });
    this.#add(next, [stream], {
      onBytes: (count) => onBytes('to', count),
      onReset: (code, detail, isOver) => {
        end = isOver ? 'lost' : 'reset';
        stream.reset(
          isOver ? resetCode.internal : code,
          isOver ? reachDetail('ERR_XFER_CONNECTION_LOST', alternative) : passedDetail(detail, alternative),
        );
      },
    });
    void stream.closed.then(() => onEnd(end, stream));
  }

  /** What the peer's stream brings goes to all of these; nothing comes back. */
  fork(stream: Stream, branches: readonly Stream[]): void {
    const { onBytes, onEnd } = this.#options;
    let end: StreamEnd = 'closed';
    const pipe = this.#add(stream, branches, {
      onBytes: (count) => onBytes('from', count),
      onReset: (code, _detail, isOver) => {
        end = isOver ? 'lost' : 'reset';
        for (const branch of pipe.branches) branch.reset(code);
      },
    });
    for (const branch of branches) {
      branch.onData(() => undefined);
      branch.onReset((code, detail, isOver) => pipe.handleBranchReset(branch, code, detail, isOver));
      branch.opened.catch(() => pipe.handleBranchReset(branch, resetCode.internal, new Uint8Array(), false));
    }
    pipe.dropStalled(relayDefaults.branchPatienceMs);
    void stream.closed.then(() => onEnd(end, stream));
  }

  #add(...[from, to, handlers]: [Stream, readonly Stream[], ConstructorParameters<typeof PipedStream>[3]]) {
    const pipe = new PipedStream(from, to, this.#options.pool, handlers);
    if (this.#holds.size > 0) pipe.hold(true);
    this.#pipes.add(pipe);
    void from.closed.then(() => this.#pipes.delete(pipe));
    return pipe;
  }
}
