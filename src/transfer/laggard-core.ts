/**
 * Who has held the others up for too long without any progress of its own: a sans-IO core. After one was named all the
 * others get their time anew, for it may have been what they waited for. Times in milliseconds.
 */
export class LaggardCore<Member> {
  readonly #patienceMs: number;
  readonly #since = new Map<Member, number>();

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** It has got on. */
  handleProgress(member: Member, now: number): void {
    if (this.#since.has(member)) this.#since.set(member, now);
  }

  /** These and no others hold the rest up now. Gives one of them that has done so for too long. */
  handleBlocking(members: ReadonlySet<Member>, now: number): Member | undefined {
    for (const member of [...this.#since.keys()]) if (!members.has(member)) this.#since.delete(member);
    for (const member of members) if (!this.#since.has(member)) this.#since.set(member, now);
    for (const [member, since] of this.#since) {
      if (now - since < this.#patienceMs) continue;
      this.#since.delete(member);
      for (const other of this.#since.keys()) this.#since.set(other, now);
      return member;
    }
    return undefined;
  }

  /** When to ask again although nothing happened. */
  get nextWakeup(): number | undefined {
    if (this.#since.size === 0) return undefined;
    return Math.min(...this.#since.values()) + this.#patienceMs;
  }
}
