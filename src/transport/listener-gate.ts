import { transportDefaults } from '../config/index.js';
import type { Admission, ListenOptions } from './contract.js';
import { sourceKey } from './source-key.js';

/** What a listener gives a connection that it lets in. */
export interface Place {
  /** Of the listener's user, where it asks to be asked. */
  readonly admission: Admission | undefined;
  /** Nothing is left of the connection. Called once. */
  leave(): void;
}

/**
 * Who is let in at a listener, of whatever transport: its user is asked, and connections are counted, before any work. The
 * whole /64 that one IPv6 host may choose from counts as one address.
 */
export class ListenerGate {
  readonly #admit: ListenOptions['admit'];
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #bySource = new Map<string, number>();
  #count = 0;

  constructor(options: Pick<ListenOptions, 'admit' | 'maxConnections' | 'maxConnectionsPerAddress'>) {
    this.#admit = options.admit;
    this.#max = options.maxConnections ?? transportDefaults.maxConnections;
    this.#maxPerAddress = options.maxConnectionsPerAddress ?? transportDefaults.maxConnectionsPerAddress;
  }

  /**
   * Undefined: the one who comes from this address is to be sent away. Call it when the address is proven, and before any
   * other work for the connection: what anybody can forge would be charged to somebody else.
   */
  enter(source: string): Place | undefined {
    const key = sourceKey(source);
    if (!this.#take(key)) return undefined;
    const admission = this.#admit?.(source);
    if (this.#admit && !admission) {
      this.#leave(key);
      return undefined;
    }
    return {
      admission,
      leave: () => {
        this.#leave(key);
        admission?.over();
      },
    };
  }

  #take(key: string): boolean {
    const there = this.#bySource.get(key) ?? 0;
    if (this.#count >= this.#max || there >= this.#maxPerAddress) return false;
    this.#count++;
    this.#bySource.set(key, there + 1);
    return true;
  }

  #leave(key: string): void {
    const there = this.#bySource.get(key) ?? 0;
    this.#count--;
    if (there > 1) this.#bySource.set(key, there - 1);
    else this.#bySource.delete(key);
  }
}
