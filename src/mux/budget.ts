import { muxDefaults } from '../config/index.js';
import type { ConnectionBudget } from '../transport/contract.js';

/** What all connections of a process share: receive windows granted, and streams. */
export class MuxBudget implements ConnectionBudget {
  readonly #grantBudgetBytes: number;
  readonly #maxStreamsTotal: number;
  grantedBytes = 0;
  streams = 0;

  constructor(limits: { readonly grantBudgetBytes: number; readonly maxStreamsTotal: number } = muxDefaults) {
    this.#grantBudgetBytes = limits.grantBudgetBytes;
    this.#maxStreamsTotal = limits.maxStreamsTotal;
  }

  /** Past a quarter of the budget new streams start with their smallest window, so that many fit. */
  get scarce(): boolean {
    return this.grantedBytes * 4 > this.#grantBudgetBytes;
  }

  takeBytes(bytes: number): boolean {
    if (this.grantedBytes + bytes > this.#grantBudgetBytes) return false;
    this.grantedBytes += bytes;
    return true;
  }

  giveBytes(bytes: number): void {
    this.grantedBytes -= bytes;
  }

  takeStream(): boolean {
    if (this.streams >= this.#maxStreamsTotal) return false;
    this.streams++;
    return true;
  }

  giveStream(): void {
    this.streams--;
  }
}

/** The one of this process. */
export const processBudget = new MuxBudget();
