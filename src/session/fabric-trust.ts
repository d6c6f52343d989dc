import type { Connection } from '../transport/contract.js';
import type { Hello } from './hello.js';

/** What of a connection decides whether content may go unsealed on it. */
export type Way = Pick<Connection, 'isRelayed' | 'remote'> & {
  readonly capabilities: Pick<Connection['capabilities'], 'isFabric'>;
};

export interface FabricTrustOptions {
  /** Whether the user of this side trusts fabrics. */
  readonly wanted: boolean;
  /** Whether one bench has started both sides (BenchTrust). Default: it has not. */
  isBenched?(): boolean;
  /** Of the first lane, on which HELLO is said. Not asked for where trust is not wanted. */
  way(): Way;
}

/**
 * Whether the dialer's content need not be sealed: only where the users of both sides have said so, and no relay is on the way of the
 * HELLOs; and then on the lanes alone that lead straight over a fabric, as both sides see each of them. So one that joins a session
 * begun over something else may carry it, too. What is not known is sealed.
 */
export class FabricTrust {
  readonly #options: FabricTrustOptions;
  /** That lead straight over a fabric; those that are gone, too. */
  readonly #lanes = new Set<number>();
  #remote: Pick<Hello, 'trustFabric'> | undefined;
  #hasCarriedPlain = false;

  constructor(options: FabricTrustOptions) {
    this.#options = options;
  }

  /** What our HELLO says: of a session that a relay carries no lane is trusted, whatever it leads over. */
  get isOffered(): boolean {
    const { wanted, way } = this.#options;
    return wanted && way().isRelayed !== true;
  }

  handleHello(remote: Pick<Hello, 'trustFabric'>): void {
    this.#remote = remote;
  }

  /** `way` is that of the lane's own connection, and as this side sees it. */
  handleLane(lane: number, way: () => Way): void {
    if (this.#options.wanted && isFabricWay(way())) this.#lanes.add(lane);
  }

  isSealed(lane: number): boolean {
    if (this.#options.isBenched?.()) return false;
    return !(this.#isAgreed && this.#lanes.has(lane));
  }

  handlePlain(): void {
    this.#hasCarriedPlain = true;
  }

  /** Whether any content went unsealed. */
  get hasCarriedPlain(): boolean {
    return this.#hasCarriedPlain;
  }

  /** Why content is sealed on the first lane although this side's user would trust a fabric, for people; undefined where he would not, or it is not. */
  get whySealed(): string | undefined {
    const { wanted, way } = this.#options;
    if (!wanted) return undefined;
    const first = way();
    if (first.isRelayed === true) return 'the way leads over a relay';
    if (!this.#isAgreed) return 'the other side does not say the same';
    if (isFabricWay(first)) return undefined;
    return `${first.remote.scheme} is no fabric; where one joins, what goes over it is not sealed`;
  }

  get #isAgreed(): boolean {
    return this.isOffered && this.#remote?.trustFabric === true;
  }
}

const isFabricWay = ({ capabilities, isRelayed }: Way): boolean =>
  capabilities.isFabric === true && isRelayed !== true;
