import { poolDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import {
  ConnectionPoolCore,
  type PoolAction,
  type PoolLimits,
  type PoolMetrics,
} from './connection-pool-core.js';

export interface ConnectionPoolOptions<Item> extends Partial<PoolLimits> {
  /** Whether it is still of use, asked of one that was not used for a while: a round trip to the other side. */
  check(item: Item): Promise<boolean>;
  /** It was put back, and is of no more use or was not used for too long. Never rejects. */
  close(item: Item): Promise<void>;
  /** How long an answer to `check` may take. Default: poolDefaults.checkTimeoutMs. */
  readonly checkTimeoutMs?: number;
}

/** What is open, for as long as nobody else has it. */
export interface Lease<Item> {
  readonly item: Item;
  /** Whether it was open already. */
  readonly isReused: boolean;
  /** Puts it back, to be called once. What is not reusable is the caller's to close, and best closed before. */
  release(isReusable: boolean): void;
  /** It has closed by itself, or takes nothing new; whenever that is. */
  gone(): void;
  /** Its path has fallen silent. */
  doubt(): void;
}

export interface Wish<Item> {
  open(signal: AbortSignal): Promise<Item>;
  readonly signal: AbortSignal;
  /** Whether one that is open already will do. Default: any of the key. */
  suits?(item: Item): boolean;
}

interface Waiter<Item> {
  open(signal: AbortSignal): Promise<Item>;
  readonly signal: AbortSignal;
  resolve(lease: Lease<Item>): void;
  reject(error: unknown): void;
  leave(): void;
}

/**
 * Connections that are used again, or whatever stands on them: opened when they are wanted, kept for a while by a key of the
 * caller's that says whom they lead to and how. The rules are those of `ConnectionPoolCore`.
 */
export class ConnectionPool<Item> {
  readonly #options: ConnectionPoolOptions<Item>;
  readonly #core: ConnectionPoolCore;
  readonly #waiters = new Map<number, Waiter<Item>>();
  readonly #items = new Map<number, Item>();
  readonly #closing = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #lastWaiter = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionPoolOptions<Item>) {
    this.#options = options;
    const { maxOpen, maxOpenPerKey, idleMs, checkAfterMs } = { ...poolDefaults, ...options };
    this.#core = new ConnectionPoolCore({ maxOpen, maxOpenPerKey, idleMs, checkAfterMs });
  }

  get metrics(): PoolMetrics {
    return this.#core.metrics;
  }

  /** Resolves when there is one for the caller; rejects as `open` does, or with the signal's reason. */
  async acquire(key: string, { open, signal, suits = () => true }: Wish<Item>): Promise<Lease<Item>> {
    signal.throwIfAborted();
    this.#ending.signal.throwIfAborted();
    const id = ++this.#lastWaiter;
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiters.delete(id);
        this.#core.handleLeft(id);
        reject(signal.reason as Error);
        this.#act();
      };
      signal.addEventListener('abort', leave, { once: true });
      const settled = () => signal.removeEventListener('abort', leave);
      this.#waiters.set(id, { open, signal, resolve, reject, leave: settled });
      this.#core.handleWanted(id, key, (slot) => {
        const item = this.#items.get(slot);
        return item !== undefined && suits(item);
      });
      this.#act();
    });
  }

  /** Nobody gets anything any more: who waits is refused, what nobody uses is closed, the rest when it is put back. */
  async close(): Promise<void> {
    const error = new XferError('ERR_XFER_INTERRUPTED', 'the pool is closed');
    this.#ending.abort(error);
    this.#core.handleClosing();
    for (const { reject, leave } of this.#waiters.values()) {
      leave();
      reject(error);
    }
    this.#waiters.clear();
    this.#act();
    await Promise.all(this.#closing);
  }

  #act(): void {
    for (;;) {
      const action = this.#core.pollAction(performance.now());
      if (!action) break;
      this.#handleAction(action);
    }
    clearTimeout(this.#timer);
    const at = this.#core.nextWakeup();
    if (at === undefined) return;
    this.#timer = setTimeout(() => this.#act(), Math.max(1, at - performance.now()));
    // What is only kept in case keeps no process.
    this.#timer.unref();
  }

  #handleAction(action: PoolAction): void {
    const { slot } = action;
    const item = this.#items.get(slot);
    if (action.kind === 'check') return void this.#check(slot);
    if (action.kind === 'close') {
      this.#items.delete(slot);
      if (item !== undefined) this.#end(item);
      return;
    }
    const waiter = this.#waiters.get(action.waiter);
    this.#waiters.delete(action.waiter);
    if (!waiter) return;
    waiter.leave();
    if (action.kind === 'open') void this.#open(slot, waiter);
    else if (item !== undefined) waiter.resolve(this.#lease(slot, item, true));
  }

  async #open(slot: number, waiter: Waiter<Item>): Promise<void> {
    try {
      const item = await waiter.open(AbortSignal.any([waiter.signal, this.#ending.signal]));
      this.#core.handleOpened(slot);
      this.#items.set(slot, item);
      waiter.resolve(this.#lease(slot, item, false));
    } catch (error) {
      this.#core.handleOpenFailed(slot);
      waiter.reject(error);
    }
    this.#act();
  }

  async #check(slot: number): Promise<void> {
    const item = this.#items.get(slot);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, this.#options.checkTimeoutMs ?? poolDefaults.checkTimeoutMs, false);
    });
    const asked = item === undefined ? false : this.#options.check(item).catch(() => false);
    const isHealthy = await Promise.race([asked, late]);
    clearTimeout(timer);
    this.#core.handleChecked(slot, isHealthy, performance.now());
    this.#act();
  }

  #lease(slot: number, item: Item, isReused: boolean): Lease<Item> {
    let isOver = false;
    return {
      item,
      isReused,
      release: (isReusable) => {
        if (isOver) return;
        isOver = true;
        const mayStay = isReusable && !this.#ending.signal.aborted;
        const isKept = this.#core.handleReleased(slot, mayStay, performance.now());
        if (!isKept) this.#items.delete(slot);
        if (isReusable && !isKept) this.#end(item);
        this.#act();
      },
      gone: () => {
        this.#core.handleGone(slot);
        this.#act();
      },
      doubt: () => this.#core.handleDoubt(slot),
    };
  }

  #end(item: Item): void {
    const closing = this.#options.close(item).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
