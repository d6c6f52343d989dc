import { forwardingDefaults } from '../config/index.js';
import { MuxBudget } from '../mux/index.js';
import type { Stream } from '../transport/contract.js';
import type { BlockPool } from './block-pool.js';
import type { Framing, FramingOf } from './framing.js';
import type { RelayObserver, ShadowDrop } from './observer.js';
import { PipedStream, type Forwarding, type ForwardingHandlers } from './piped-stream.js';
import { decodeRoute } from './route.js';
import { ShadowedStream, type ShadowOptions } from './shadowed-stream.js';
import { StoredStream } from './stored-stream.js';

/** `on`: streams are piped. `off`: they are stored and forwarded. `shadow`: they are piped, and beside that stored to compare. */
export type Rollout = 'off' | 'shadow' | 'on';

export interface ForwardingOptions {
  /** Default: on. */
  readonly rollout?: Rollout | undefined;
  /** These, and the times: `forwardingDefaults`. */
  readonly storeLimitBytes?: number | undefined;
  readonly storeBudgetBytes?: number | undefined;
  readonly inactivityMs?: number | undefined;
  readonly orphanMs?: number | undefined;
  /** Default: nothing is known of any stream. */
  readonly framingOf?: FramingOf;
  /** For tests, as in ShadowOptions. */
  readonly tamper?: ShadowOptions['tamper'];
}

/** Forwards one direction of a stream. */
export type Forward = (from: Stream, to: readonly Stream[], handlers: ForwardingHandlers) => Forwarding;

/** How a relay forwards. */
export class Forwarder {
  readonly inactivityMs: number;
  readonly orphanMs: number;
  readonly #options: ForwardingOptions;
  readonly #pool: BlockPool;
  readonly #observer: RelayObserver;
  readonly #budget: MuxBudget;

  constructor(options: ForwardingOptions, pool: BlockPool, observer: RelayObserver) {
    this.#options = options;
    this.#pool = pool;
    this.#observer = observer;
    this.inactivityMs = options.inactivityMs ?? forwardingDefaults.inactivityMs;
    this.orphanMs = options.orphanMs ?? forwardingDefaults.orphanMs;
    const grantBudgetBytes = options.storeBudgetBytes ?? forwardingDefaults.storeBudgetBytes;
    this.#budget = new MuxBudget({ grantBudgetBytes, maxStreamsTotal: 0 });
  }

  /** Streams are told so when they are answered. */
  get isStoring(): boolean {
    return this.#options.rollout === 'off';
  }

  /** Both directions of a stream that was opened with `header`: from its opener, and back. */
  ways(header: Uint8Array, isAnswered: () => boolean): readonly [toward: Forward, back: Forward] {
    const framing = this.#options.framingOf?.(endHeader(header));
    return [this.#way(framing?.toward, isAnswered), this.#way(framing?.back, isAnswered)];
  }

  #way(framing: Framing | undefined, isAnswered: () => boolean): Forward {
    const { rollout = 'on', tamper } = this.#options;
    const limitBytes = this.#options.storeLimitBytes ?? forwardingDefaults.storeLimitBytes;
    const pauseMs = forwardingDefaults.storePauseMs;
    const budget = this.#budget;
    if (rollout === 'on') return (from, to, handlers) => new PipedStream(from, to, this.#pool, handlers);
    if (rollout === 'off') {
      const limits = { limitBytes, inactivityMs: this.inactivityMs, pauseMs };
      const options = { framing, budget, isAnswered, limits };
      return (from, to, handlers) => new StoredStream(from, to, handlers, options);
    }
    const shadow = {
      framing,
      budget,
      // The pipe's credit may hold back the rest of a record for as long as the next hop takes.
      limits: { limitBytes, inactivityMs: undefined, pauseMs },
      onCompared: (isSame: boolean) => this.#observer.onShadow?.(isSame),
      onDropped: (reason: ShadowDrop) => this.#observer.onShadowDropped?.(reason),
      ...(tamper ? { tamper } : {}),
    };
    return (from, to, handlers) => new ShadowedStream(from, to, this.#pool, handlers, shadow);
  }
}

/** The opening header that the stream has at its end. */
function endHeader(header: Uint8Array): Uint8Array {
  return decodeRoute(header)?.branches[0]?.header ?? header;
}
