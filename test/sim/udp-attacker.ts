import type { FuzzRandom } from '../support/fuzz-random.js';
import type { Place } from './udp-network.js';
import type { SimPacket } from './udp-packet.js';
import type { UdpWorld } from './udp-world.js';

/** Chances of one that a packet which passes makes the attacker do something. */
export interface AttackShape {
  readonly drop: number;
  /** Sends a packet seen before: as it was, from an address of its own, or altered where the tag shows it. */
  readonly replay: number;
  readonly forge: number;
  /** Sends the packet on itself, from an address of its own; the other end never sees it come from its sender. */
  readonly steal: number;
  /** Other content of the same length, in its place. */
  readonly alter: number;
  /** How many addresses it has. */
  readonly places: number;
}

export const plainAttack: AttackShape = Object.freeze({
  drop: 0,
  replay: 0,
  forge: 0,
  steal: 0,
  alter: 0,
  places: 1,
});

interface Order {
  readonly from: Place;
  readonly isWanted: (packet: SimPacket) => boolean;
  left: number;
}

const mostRemembered = 4_096;
/** What was seen so long ago has arrived, in the worlds where there is no loss. */
const mostOnTheWayMs = 150;

/**
 * Is in the path of all packets, and has no key. What it alters but content is known by its tag and never reaches a core
 * (`isForged`), what it turns around too, as each direction has a key of its own; what it repeats does reach the core.
 */
export class UdpAttacker {
  readonly #world: UdpWorld;
  readonly #random: FuzzRandom;
  readonly #shape: AttackShape;
  readonly #seen: SimPacket[] = [];
  readonly #orders: Order[] = [];
  readonly places: readonly Place[];
  /** UDP payload that came to its addresses. */
  gottenBytes = 0;
  dropsAll = false;
  /** All packets go by its first address, both ways: it proves that one with the ends' own answers. */
  forwards = false;
  replayed = 0;
  forged = 0;
  stolen = 0;
  forwarded = 0;

  constructor(world: UdpWorld, shape: Partial<AttackShape>) {
    this.#world = world;
    this.#random = world.random;
    this.#shape = { ...plainAttack, ...shape };
    const { network } = world;
    this.places = Array.from({ length: this.#shape.places }, () => network.place());
    for (const place of this.places) place.host = { receive: (packet) => this.#receive(packet) };
    network.tap = (packet) => this.#see(packet);
  }

  /** Sends a random one of what it saw, from where it came or from `from`. */
  replay(from?: Place): void {
    const packet = this.#recall();
    if (!packet) return;
    if (from) packet.from = from;
    this.replayed++;
    this.#send(packet);
  }

  /** Takes the next `count` packets of the kind out of the way, and sends them from an address of its own. */
  order(from: Place, count: number, isWanted: (packet: SimPacket) => boolean): void {
    this.#orders.push({ from, isWanted, left: count });
  }

  /** Sends from there what it saw long enough ago to have arrived. */
  replayDelivered(from: Place, count: number): void {
    const { clock, network } = this.#world;
    for (let sent = 0; sent < count; sent++) {
      const packet = this.#recall();
      if (!packet) return;
      if (clock.now - packet.arrivesAt < mostOnTheWayMs) {
        packet.release();
        continue;
      }
      this.replayed++;
      network.inject(Object.assign(packet, { from }));
    }
  }

  #see(packet: SimPacket): 'pass' | 'drop' {
    if (this.dropsAll) return 'drop';
    if (this.forwards && packet.to && !this.places.includes(packet.to)) {
      this.#forward(packet, packet.to);
      return 'drop';
    }
    this.#remember(packet);
    const order = this.#orders.find(({ left, isWanted }) => left > 0 && isWanted(packet));
    if (order) {
      order.left--;
      this.stolen++;
      this.#world.network.inject(Object.assign(packet.copy(), { from: order.from }));
      return 'drop';
    }
    const { drop, replay, forge, steal, alter } = this.#shape;
    if (this.#happens(replay)) this.replay(this.#happens(0.5) ? this.#random.pick(this.places) : undefined);
    if (this.#happens(forge)) this.#forge();
    if (packet.isData && this.#happens(alter)) {
      packet.source = this.#random.bytes(packet.bytes);
      packet.at = 0;
    }
    if (this.#happens(steal)) {
      this.stolen++;
      this.#send(Object.assign(packet.copy(), { from: this.#random.pick(this.places) }));
      return 'drop';
    }
    return this.#happens(drop) ? 'drop' : 'pass';
  }

  /** A packet with another number, stream, offset or end, or turned around. */
  #forge(): void {
    const packet = this.#recall();
    if (!packet) return;
    const random = this.#random;
    packet.isForged = true;
    const act = random.below(5);
    if (act === 0) packet.number += 1 + random.below(2 ** 30);
    else if (act === 1) packet.streamId += 2;
    else if (act === 2) packet.offset += 1 + random.below(2 ** 20);
    else if (act === 3) packet.fin = !packet.fin;
    else [packet.from, packet.to] = [packet.to, packet.from];
    this.forged++;
    this.#send(packet);
  }

  /** Late, as an attacker likes; past the links, so that it is first or last as it likes. */
  #send(packet: SimPacket): void {
    const late = this.#random.pick([0, 0, 5, 300, 5_000]);
    this.#world.clock.after(this.#random.below(late + 1), () => this.#world.network.inject(packet));
  }

  #remember(packet: SimPacket): void {
    const copy = Object.assign(packet.copy(), { arrivesAt: this.#world.clock.now });
    if (this.#seen.length < mostRemembered) this.#seen.push(copy);
    else {
      const at = this.#random.below(mostRemembered);
      this.#seen[at]?.release();
      this.#seen[at] = copy;
    }
  }

  #recall(): SimPacket | undefined {
    const seen = this.#seen[this.#random.below(Math.max(1, this.#seen.length))];
    return seen && Object.assign(seen.copy(), { arrivesAt: seen.arrivesAt });
  }

  #receive(packet: SimPacket): void {
    this.gottenBytes += packet.datagramBytes;
    const { dialer, listener } = this.#world.connections[0] ?? {};
    const other = packet.from === dialer?.end.place ? listener : dialer;
    if (this.forwards && other) this.#forward(packet, other.end.place);
    packet.release();
  }

  #forward(packet: SimPacket, to: Place): void {
    this.forwarded++;
    this.#world.network.inject(Object.assign(packet.copy(), { from: this.places[0], to }));
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#random.word() < chance * 2 ** 32;
  }
}
