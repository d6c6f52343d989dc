import { resetCode, type Stream } from '../transport/contract.js';
import { StalledBranches } from './stalled-branches.js';

export type BranchEnd =
  | {
      readonly kind: 'reset';
      readonly code: number;
      readonly detail: Uint8Array;
      readonly isConnectionOver: boolean;
    }
  | { readonly kind: 'stop'; readonly code: number }
  | { readonly kind: 'cancelled' };

/** The streams that all get the same. Each ends for itself. */
export class BranchSet {
  readonly #branches = new Set<Stream>();
  readonly #onEnd: (branch: Stream, end: BranchEnd) => void;
  #stalls: StalledBranches | undefined;

  /** `onEnd`: a branch is gone, and not in the set any more. */
  constructor(branches: readonly Stream[], onEnd: (branch: Stream, end: BranchEnd) => void) {
    this.#onEnd = onEnd;
    for (const branch of branches) {
      this.#branches.add(branch);
      branch.onStop((code) => this.leave(branch, { kind: 'stop', code }));
    }
  }

  get size(): number {
    return this.#branches.size;
  }

  get streams(): ReadonlySet<Stream> {
    return this.#branches;
  }

  /** As of Forwarding. */
  dropStalled(patienceMs: number): void {
    this.#stalls = new StalledBranches(patienceMs, (branch) => this.cancel(branch, resetCode.timeout));
  }

  /** `release` when all that are there now have taken it, or are gone. */
  send(bytes: Uint8Array | readonly Uint8Array[], release: () => void): void {
    let left = this.#branches.size;
    if (left === 0) return release();
    const taken = () => {
      if (--left === 0) release();
    };
    for (const branch of [...this.#branches])
      branch.send(bytes, this.#stalls?.watch(branch, 1, taken) ?? taken);
  }

  closeWrite(): void {
    for (const branch of this.#branches) branch.closeWrite();
  }

  cancel(branch: Stream, code: number, detail?: Uint8Array): void {
    if (!this.#branches.has(branch)) return;
    branch.reset(code, detail);
    this.leave(branch, { kind: 'cancelled' });
  }

  leave(branch: Stream, end: BranchEnd): void {
    if (!this.#branches.delete(branch)) return;
    this.#stalls?.forget(branch);
    if (this.#branches.size === 0) this.close();
    this.#onEnd(branch, end);
  }

  /** Nothing more is sent. */
  close(): void {
    this.#stalls?.close();
  }
}
