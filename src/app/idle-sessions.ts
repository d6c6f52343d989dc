/** A session that waits for another transfer. */
export interface IdleSession {
  readonly peer: string;
  /** Ends it in order. */
  end(): void;
  /** Ends it at once. */
  abort(): void;
}

export interface IdleSessionLimits {
  /** Sessions that wait at once, in all and of one peer. */
  readonly most: number;
  readonly mostOfPeer: number;
  /** How long one may wait, in milliseconds. */
  readonly idleMs: number;
  /** How long its end may take. */
  readonly closeMs: number;
}

/**
 * The sessions of a receiver that wait for another transfer: past a limit the one that has waited longest ends. It counts
 * until it is over, and is aborted where the other side takes too long to end it, or others need its place.
 */
export class IdleSessions {
  readonly #limits: IdleSessionLimits;
  /** In the order in which they began to wait. */
  readonly #waiting = new Map<IdleSession, NodeJS.Timeout>();
  /** Told to end, and not over yet. */
  readonly #ending = new Map<IdleSession, NodeJS.Timeout>();

  constructor(limits: IdleSessionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size + this.#ending.size;
  }

  add(session: IdleSession): void {
    this.remove(session);
    this.#waiting.set(
      session,
      timer(this.#limits.idleMs, () => this.#end(session)),
    );
    this.#bound(this.#limits.mostOfPeer, ({ peer }) => peer === session.peer);
    this.#bound(this.#limits.most, () => true);
  }

  /** It waits no longer: another transfer begins. One that was told to end does so nevertheless. */
  wake(session: IdleSession): void {
    clearTimeout(this.#waiting.get(session));
    this.#waiting.delete(session);
  }

  /** It is over. */
  remove(session: IdleSession): void {
    this.wake(session);
    clearTimeout(this.#ending.get(session));
    this.#ending.delete(session);
  }

  #bound(most: number, isOne: (session: IdleSession) => boolean): void {
    const ending = [...this.#ending.keys()].filter(isOne);
    const waiting = [...this.#waiting.keys()].filter(isOne);
    let surplus = ending.length + waiting.length - most;
    for (const session of ending) if (surplus-- > 0) this.#abort(session);
    for (const session of waiting) if (surplus-- > 0) this.#end(session);
  }

  #end(session: IdleSession): void {
    this.wake(session);
    this.#ending.set(
      session,
      timer(this.#limits.closeMs, () => this.#abort(session)),
    );
    session.end();
  }

  #abort(session: IdleSession): void {
    this.remove(session);
    session.abort();
  }
}

/** It keeps no process. */
function timer(ms: number, work: () => void): NodeJS.Timeout {
  return setTimeout(work, ms).unref();
}
