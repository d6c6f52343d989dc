import { SimLink, type LinkShape } from './udp-link.js';
import type { SimPacket } from './udp-packet.js';
import type { VirtualClock } from './virtual-clock.js';

/** Who has an address. */
export interface Host {
  receive(packet: SimPacket): void;
}

/** An address, who has it, and the links that lead to the core of the network and back. */
export interface Place {
  readonly address: number;
  /** Undefined: what goes there is lost. */
  host: Host | undefined;
  readonly up: SimLink | undefined;
  readonly down: SimLink | undefined;
}

/** Sees each packet that is sent before any link does. */
export type Tap = (packet: SimPacket) => 'pass' | 'drop';

/** Places and the links between them. A packet goes up the link of where it comes from and down the one of where it goes. */
export class SimNetwork {
  readonly clock: VirtualClock;
  readonly #links: SimLink[] = [];
  #places = 0;
  #linkSeed: number;
  tap: Tap | undefined;

  constructor(clock: VirtualClock, seed: number) {
    this.clock = clock;
    this.#linkSeed = seed;
  }

  get packets(): number {
    return this.#links.reduce((sum, { sent }) => sum + sent, 0);
  }

  link(shape: Partial<LinkShape>): SimLink {
    this.#linkSeed = (this.#linkSeed * 31 + 17) >>> 0;
    const link = new SimLink(this.clock, this.#linkSeed, shape);
    this.#links.push(link);
    return link;
  }

  /** A new address. Links may be those of other places, too: then they are shared. */
  place(up?: SimLink, down?: SimLink): Place {
    if (up) up.deliver = this.#forward;
    if (down) down.deliver = this.#arrive;
    return { address: this.#places++, host: undefined, up, down };
  }

  send(packet: SimPacket): void {
    if (this.tap?.(packet) === 'drop') packet.release();
    else this.inject(packet);
  }

  /** As `send`, unseen by the tap. */
  inject(packet: SimPacket): void {
    const up = packet.from?.up;
    if (up) up.send(packet);
    else this.#forward(packet);
  }

  readonly #forward = (packet: SimPacket): void => {
    const down = packet.to?.down;
    if (down) down.send(packet);
    else this.#arrive(packet);
  };

  readonly #arrive = (packet: SimPacket): void => {
    const host = packet.to?.host;
    if (host) host.receive(packet);
    else packet.release();
  };
}
