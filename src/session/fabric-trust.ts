import type { Connection } from '../transport/contract.js';
import type { Hello } from './hello.js';

/** What of a connection decides whether content may go unsealed on it. */
export type Way = Pick<Connection, 'isRelayed' | 'remote'> & {
  readonly capabilities: Pick<Connection['capabilities'], 'isFabric'>;
};

export interface FabricTrustOptions {
  /** Whether the user of this side trusts fabrics. */
  readonly wanted: boolean;
  /** Of the first lane, on which HELLO is said. Not asked for where trust is not wanted. */
  way(): Way;
}

/**
 * Whether the dialer's content need not be sealed: only where the users of both sides have said so, the HELLOs went over a fabric and no
 * relay, and then on the lanes of which the same is true. What is not known is sealed.
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

  /** What our HELLO says. */
  get isOffered(): boolean {
    const { wanted, way } = this.#options;
    return wanted && isFabricWay(way());
  }

  handleHello(remote: Pick<Hello, 'trustFabric'>): void {
    this.#remote = remote;
  }

  /** `way` is that of the lane's own connection, and as this side sees it. */
  handleLane(lane: number, way: () => Way): void {
    if (this.#options.wanted && isFabricWay(way())) this.#lanes.add(lane);
  }

  isSealed(lane: number): boolean {
    return !(this.isOffered && this.#remote?.trustFabric === true && this.#lanes.has(lane));
  }

  handlePlain(): void {
    this.#hasCarriedPlain = true;
  }

  /** Whether any content went unsealed. */
  get hasCarriedPlain(): boolean {
    return this.#hasCarriedPlain;
  }

  /** Why content is sealed although this side's user would trust a fabric, for people; undefined where he would not, or it is not. */
  get whySealed(): string | undefined {
    const { wanted, way } = this.#options;
    if (!wanted || (this.isOffered && this.#remote?.trustFabric === true)) return undefined;
    const first = way();
    if (first.isRelayed === true) return 'the way leads over a relay';
    return isFabricWay(first)
      ? 'the other side does not say the same'
      : `${first.remote.scheme} is no fabric`;
  }
}

const isFabricWay = ({ capabilities, isRelayed }: Way): boolean =>
  capabilities.isFabric === true && isRelayed !== true;
