export interface PoolLimits {
  /** Open at once, in all and of one key. */
  readonly maxOpen: number;
  readonly maxOpenPerKey: number;
  /** What was not used for so long is closed, in milliseconds. */
  readonly idleMs: number;
  /** What was not used for so long is checked before it is handed out. */
  readonly checkAfterMs: number;
}

/** What the caller shall do now. A slot is the place of one that is open or being opened. */
export type PoolAction =
  /** It is the waiter's turn, and a new one is to be opened for him. */
  | { readonly kind: 'open'; readonly waiter: number; readonly slot: number }
  /** The waiter gets what is in this slot. */
  | { readonly kind: 'hand'; readonly waiter: number; readonly slot: number }
  /** Whether what is in this slot is still of use is to be found out. */
  | { readonly kind: 'check'; readonly slot: number }
  /** The slot is free already; what was in it is to be closed. */
  | { readonly kind: 'close'; readonly slot: number };

export interface PoolMetrics {
  /** How often one was opened, and one that was there was handed out. */
  readonly opened: number;
  readonly reused: number;
  /** Checks that found one of no more use. */
  readonly failedChecks: number;
  /** Closed while nobody used them: too old, in the way of others, of no more use, or by the other side. */
  readonly evicted: number;
  /** Now: who waits for one, what nobody uses, and what somebody does, opening and checking included. */
  readonly waiting: number;
  readonly idle: number;
  readonly inUse: number;
}

interface Wanted {
  readonly key: string;
  /** Which of those of the key he takes. */
  suits(slot: number): boolean;
}

interface Slot {
  readonly key: string;
  state: 'opening' | 'inUse' | 'idle' | 'checking';
  /** When it was last used, and known to be of use. */
  usedAt: number;
  healthyAt: number;
  /** For whom it is checked. */
  checkedFor: number | undefined;
}

/**
 * Who gets which connection: a sans-IO core. Nothing is handed out that was closed, or that nobody has heard of for longer
 * than `checkAfterMs`; who comes when there are as many as may be waits, and turns go in the order of coming. Only who waits
 * for his own key's limit lets others pass.
 *
 * Calls: `handle*` for what happens, and behind each of them `pollAction` until it gives nothing. `nextWakeup` says when to
 * poll although nothing happened.
 */
export class ConnectionPoolCore {
  readonly #limits: PoolLimits;
  readonly #slots = new Map<number, Slot>();
  /** In the order of coming. */
  readonly #waiting = new Map<number, Wanted>();
  readonly #toClose: number[] = [];
  #lastSlot = 0;
  #opened = 0;
  #reused = 0;
  #failedChecks = 0;
  #evicted = 0;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  get metrics(): PoolMetrics {
    const idle = [...this.#slots.values()].filter(({ state }) => state === 'idle').length;
    return {
      ...{ opened: this.#opened, reused: this.#reused },
      ...{ failedChecks: this.#failedChecks, evicted: this.#evicted },
      ...{ waiting: this.#waiting.size, idle, inUse: this.#slots.size - idle },
    };
  }

  /** `suits`: whether he takes what is in that slot. Default: whatever has the key. */
  handleWanted(waiter: number, key: string, suits: (slot: number) => boolean = () => true): void {
    this.#waiting.set(waiter, { key, suits });
  }

  /** The waiter wants none any more. One that is being opened for him is not waited for: see `handleOpenFailed`. */
  handleLeft(waiter: number): void {
    this.#waiting.delete(waiter);
  }

  handleOpened(slot: number): void {
    const found = this.#slots.get(slot);
    if (found?.state !== 'opening') return;
    found.state = 'inUse';
    this.#opened++;
  }

  handleOpenFailed(slot: number): void {
    this.#slots.delete(slot);
  }

  /** Who had it is through with it. False where it is not kept: it is his to close. */
  handleReleased(slot: number, isReusable: boolean, now: number): boolean {
    const found = this.#slots.get(slot);
    if (found?.state !== 'inUse') return false;
    if (isReusable) Object.assign(found, { state: 'idle', usedAt: now, healthyAt: now });
    else this.#slots.delete(slot);
    return isReusable;
  }

  /** It has closed, or does not take anything new: it is never handed out again. */
  handleGone(slot: number): void {
    const found = this.#slots.get(slot);
    if (!found) return;
    if (found.state === 'idle' || found.state === 'checking') this.#evict(slot);
    else this.#slots.delete(slot);
  }

  /** It may not be of use any more: it is checked before it is handed out. */
  handleDoubt(slot: number): void {
    const found = this.#slots.get(slot);
    if (found) found.healthyAt = -Infinity;
  }

  handleChecked(slot: number, isHealthy: boolean, now: number): void {
    const found = this.#slots.get(slot);
    if (found?.state !== 'checking') return;
    found.checkedFor = undefined;
    if (isHealthy) return void Object.assign(found, { state: 'idle', healthyAt: now });
    this.#failedChecks++;
    this.#evict(slot);
  }

  /** Nobody waits any more, and what nobody uses is closed. */
  handleClosing(): void {
    this.#waiting.clear();
    for (const [slot, { state }] of [...this.#slots])
      if (state === 'idle' || state === 'checking') this.#evict(slot);
  }

  pollAction(now: number): PoolAction | undefined {
    for (const [slot, { state, usedAt }] of this.#slots)
      if (state === 'idle' && now - usedAt >= this.#limits.idleMs) this.#evict(slot);
    const slot = this.#toClose.shift();
    if (slot !== undefined) return { kind: 'close', slot };
    for (const [waiter, wanted] of this.#waiting) {
      const action = this.#serve(waiter, wanted, now);
      if (action === 'full') return undefined;
      if (action) return action;
    }
    return undefined;
  }

  /** When the next one has been there unused for too long. */
  nextWakeup(): number | undefined {
    let next: number | undefined;
    for (const { state, usedAt } of this.#slots.values())
      if (state === 'idle') next = Math.min(next ?? Infinity, usedAt + this.#limits.idleMs);
    return next;
  }

  /** `full`: he waits for room that nobody behind him may take. */
  #serve(waiter: number, { key, suits }: Wanted, now: number): PoolAction | 'full' | undefined {
    const own = [...this.#slots].filter(([, slot]) => slot.key === key);
    const unused = own
      .filter(([, { state }]) => state === 'idle')
      .sort(([, a], [, b]) => b.usedAt - a.usedAt);
    const idle = unused.filter(([slot]) => suits(slot));
    const healthy = idle.find(([, { healthyAt }]) => now - healthyAt < this.#limits.checkAfterMs);
    if (healthy) return this.#hand(waiter, ...healthy);
    // Whether he has to wait at all is found out already.
    if (own.some(([, { checkedFor }]) => checkedFor === waiter)) return undefined;
    const [doubtful] = idle;
    if (doubtful) {
      Object.assign(doubtful[1], { state: 'checking', checkedFor: waiter });
      return { kind: 'check', slot: doubtful[0] };
    }
    if (own.length >= this.#limits.maxOpenPerKey) {
      const unsuited = unused.at(-1);
      if (!unsuited) return undefined;
      this.#evict(unsuited[0]);
    } else if (this.#slots.size >= this.#limits.maxOpen && !this.#makeRoom()) return 'full';
    const closed = this.#toClose.shift();
    if (closed !== undefined) return { kind: 'close', slot: closed };
    this.#waiting.delete(waiter);
    const slot = ++this.#lastSlot;
    this.#slots.set(slot, {
      ...{ key, state: 'opening', usedAt: now, healthyAt: now, checkedFor: undefined },
    });
    return { kind: 'open', waiter, slot };
  }

  #hand(waiter: number, slot: number, found: Slot): PoolAction {
    this.#waiting.delete(waiter);
    found.state = 'inUse';
    this.#reused++;
    return { kind: 'hand', waiter, slot };
  }

  /** The one that was not used for the longest time makes way. */
  #makeRoom(): boolean {
    const idle = [...this.#slots].filter(([, { state }]) => state === 'idle');
    const [oldest] = idle.sort(([, a], [, b]) => a.usedAt - b.usedAt);
    if (oldest) this.#evict(oldest[0]);
    return oldest !== undefined;
  }

  #evict(slot: number): void {
    this.#slots.delete(slot);
    this.#evicted++;
    this.#toClose.push(slot);
  }
}
