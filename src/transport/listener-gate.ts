import { transportDefaults } from '../config/index.js';
import type { Admission, ListenOptions } from './contract.js';

/** What a listener gives a connection that it lets in. */
export interface Place {
  /** Of the listener's user, where it asks to be asked. */
  readonly admission: Admission | undefined;
  /** Nothing is left of the connection. Called once. */
  leave(): void;
}

/** Who is let in at a listener, of whatever transport: its user is asked, and connections are counted, before any work. */
export class ListenerGate {
  readonly #admit: ListenOptions['admit'];
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #byAddress = new Map<string, number>();
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
    if (!this.#take(source)) return undefined;
    const admission = this.#admit?.(source);
    if (this.#admit && !admission) {
      this.#leave(source);
      return undefined;
    }
    return {
      admission,
      leave: () => {
        this.#leave(source);
        admission?.over();
      },
    };
  }

  #take(source: string): boolean {
    const there = this.#byAddress.get(source) ?? 0;
    if (this.#count >= this.#max || there >= this.#maxPerAddress) return false;
    this.#count++;
    this.#byAddress.set(source, there + 1);
    return true;
  }

  #leave(source: string): void {
    const there = this.#byAddress.get(source) ?? 0;
    this.#count--;
    if (there > 1) this.#byAddress.set(source, there - 1);
    else this.#byAddress.delete(source);
  }
}
