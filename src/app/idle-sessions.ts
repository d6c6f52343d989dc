/** A session that waits for another transfer. */
export interface IdleSession {
  readonly peer: string;
  /** Ends it in order. */
  end(): void;
}

export interface IdleSessionLimits {
  /** Sessions that wait at once, in all and of one peer. */
  readonly most: number;
  readonly mostOfPeer: number;
  /** How long one may wait, in milliseconds. */
  readonly idleMs: number;
}

/** The sessions of a receiver that wait for another transfer: past a limit the one that has waited longest ends. */
export class IdleSessions {
  readonly #limits: IdleSessionLimits;
  /** In the order in which they began to wait. */
  readonly #waiting = new Map<IdleSession, NodeJS.Timeout>();

  constructor(limits: IdleSessionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(session: IdleSession): void {
    this.remove(session);
    const timer = setTimeout(() => this.#end(session), this.#limits.idleMs);
    timer.unref();
    this.#waiting.set(session, timer);
    const ofPeer = [...this.#waiting.keys()].filter(({ peer }) => peer === session.peer);
    if (ofPeer.length > this.#limits.mostOfPeer) this.#end(ofPeer[0]);
    if (this.size > this.#limits.most) this.#end([...this.#waiting.keys()][0]);
  }

  /** It waits no longer. */
  remove(session: IdleSession): void {
    clearTimeout(this.#waiting.get(session));
    this.#waiting.delete(session);
  }

  #end(session: IdleSession | undefined): void {
    if (!session) return;
    this.remove(session);
    session.end();
  }
}
