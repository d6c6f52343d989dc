import { FuzzRandom } from '../support/fuzz-random.js';
import { controllerFactory } from '../../plugins/udp/src/congestion/choose-controller.js';
import { auditPackets } from './udp-audit.js';
import type { SimConnection } from './udp-connection.js';
import type { EndShape } from './udp-end.js';
import type { LinkShape, SimLink } from './udp-link.js';
import type { StreamPlan, UserShape } from './udp-user.js';
import { UdpWorld } from './udp-world.js';

const KiB = 2 ** 10;
const MiB = 2 ** 20;
/** What bursts take of all packets. */
const mostBurstLoss = 0.1;

/** A connection drawn from a seed: its path, its ends, what they say to each other and what happens to them. */
export class UdpScenario {
  readonly world: UdpWorld;
  readonly connection: SimConnection;
  readonly #random: FuzzRandom;
  readonly #link: LinkShape;
  readonly #closesEarly: boolean;
  readonly #isAdaptive: boolean;
  /** One end may be out of reach of the other when it says that it ends. */
  #isCut = false;

  constructor(seed: number) {
    this.world = new UdpWorld(seed);
    const random = (this.#random = new FuzzRandom(seed ^ 0x0dd5));
    this.#link = drawLink(random);
    const { network } = this.world;
    const links = [
      network.link(this.#link),
      network.link({ ...this.#link, ...drawBack(random, this.#link) }),
    ];
    const [client, server] = [network.place(...links), network.place()];
    const user = drawUser(random);
    this.#closesEarly = user.lateOneIn === 0 && random.chance(2);
    const cc = random.pick(['bbr', 'bbr', 'cubic', 'ledbat', 'fixed:40mbit']);
    this.#isAdaptive = !cc.startsWith('fixed');
    const controller = controllerFactory(cc);
    this.connection = this.world.connect(
      { place: client, end: drawEnd(random, user), user, controller },
      { place: server, end: drawEnd(random, user), user, controller },
      {
        config: {
          creditBytes: random.pick([128 * KiB, 4 * MiB, 64 * MiB]),
          maxAckRanges: random.pick([8, 256]),
        },
        rttMs: random.chance(2) ? 2 * this.#link.delayMs + 0.1 : 0,
      },
    );
    this.#plan(links);
  }

  run(): void {
    const { world, connection } = this;
    const { dialer, listener } = connection;
    const [closer, other] = this.#random.chance(2) ? [dialer, listener] : [listener, dialer];
    const isReady = (): boolean =>
      connection.isComplete ||
      (this.#closesEarly && closer.user.isSent && closer.user.incomingStreams === 0 && other.user.isSent);
    world.runUntil(isReady);
    world.close(connection, closer, () => this.#isCut);
    if (other.user.controlReceivedBytes !== closer.user.controlSentBytes)
      throw new Error('control is missing at the end');
    const { loss, burst } = this.#link;
    // A fixed rate may be many times the link's.
    if (!this.#isAdaptive) return;
    for (const side of connection.sides)
      auditPackets(side, world.clock.now / 1_000, loss + (burst ? mostBurstLoss : 0));
  }

  #plan(links: readonly SimLink[]): void {
    const random = this.#random;
    const { world, connection } = this;
    const rate = Math.min(this.#link.rate, 20_000);
    const wanted = random.pick([20 * KiB, 400 * KiB, 4 * MiB, 24 * MiB, 64 * MiB]);
    const most = Math.max(20 * KiB, Math.min(wanted, rate * 15_000));
    for (const { user } of connection.sides) {
      const streams = random.below(random.pick([2, 6, 30]));
      user.keepAlive();
      user.plan(Array.from({ length: streams }, () => drawStream(random, Math.floor(most / streams))));
      for (let chats = random.below(random.pick([2, 40])); chats > 0; chats--)
        world.clock.after(random.below(3_000), () => user.chat(random.below(random.pick([10, 300, 5_000]))));
    }
    world.excuse(3_500);
    for (let acts = random.pick([0, 0, 1, 4]); acts > 0; acts--)
      world.clock.after(random.below(random.pick([200, 4_000])), () => this.#disturb(links));
  }

  #disturb(links: readonly SimLink[]): void {
    const random = this.#random;
    const { world, connection } = this;
    const { end } = random.pick(connection.sides);
    const acts = [
      () => {
        const ms = random.below(random.pick([100, 2_000, 20_000]));
        for (const link of random.chance(3) ? links.slice(0, 1) : links) link.black(ms);
        world.excuse(ms);
        this.#isCut = true;
      },
      () => end.jump(random.pick([-3_600_000, -50, 50, 5_000, 3_600_000, 86_400_000])),
      () => {
        const ms = random.below(random.pick([50, 2_000, 8_000]));
        end.stall(ms);
        world.excuse(ms);
      },
      () => {
        const { dialer } = connection;
        const { up, down } = dialer.end.place;
        dialer.end.move(world.network.place(up, down));
        this.#isCut = true;
      },
      // Another way through the network.
      () => {
        const factor = random.pick([0.2, 0.7, 3]);
        for (const { shape } of links) {
          shape.delayMs *= factor;
          shape.mtuBytes = random.pick([1_232, 1_472, shape.mtuBytes]);
          shape.rate *= random.pick([0.3, 1, 2]);
        }
      },
    ];
    random.pick(acts)();
  }
}

function drawLink(random: FuzzRandom): LinkShape {
  const rate = random.pick([Infinity, 250, 1_250, 12_500, 125_000]);
  const delayMs = random.pick([0.05, 1, 10, 50, 150]);
  const queueBytes = Math.max(30_000, rate * 2 * delayMs * random.pick([0.3, 1, 4]));
  const isBursty = random.chance(5);
  return {
    delayMs,
    rate,
    queueBytes,
    jitterMs: random.pick([0, 0, 1, delayMs / 2]),
    markAboveBytes: random.chance(4) ? queueBytes / 4 : Infinity,
    mtuBytes: random.pick([1_232, 1_400, 1_472, 1_472, 8_972, 65_507]),
    loss: random.pick([0, 0, 0, 0.001, 0.01, 0.05, 0.15]),
    ...(isBursty && { burst: { enter: 0.002, leave: random.pick([0.02, 0.2]), loss: 0.8, mostMs: 300 } }),
    reorder: random.pick([0, 0, 0, 0.01, 0.3]),
    reorderMs: delayMs * random.pick([0.2, 1, 3]),
    duplicate: random.pick([0, 0, 0.01, 0.1]),
  };
}

/** The way back is often another one. */
function drawBack(random: FuzzRandom, { rate, delayMs }: LinkShape): Partial<LinkShape> {
  if (random.chance(2)) return {};
  return {
    rate: rate / random.pick([1, 10]),
    delayMs: delayMs * random.pick([1, 2]),
    loss: random.pick([0, 0.02]),
  };
}

function drawEnd(random: FuzzRandom, user: UserShape): EndShape {
  return {
    receiveBufferBytes: random.pick([96 * KiB, 416 * KiB, 8 * MiB]),
    wakeMs: random.pick([0, 0.05, 0.05, 1, 4]),
    timerMs: random.pick([1, 1, 4, 15]),
    clockMs: random.pick([0, 1e6, 1.7e12]),
    copies: user.owns,
  };
}

function drawUser(random: FuzzRandom): UserShape {
  return {
    windowBytes: random.pick([64 * KiB, 256 * KiB, 4 * MiB]),
    slowOneIn: random.pick([0, 0, 3]),
    lateOneIn: random.pick([0, 0, 3]),
    fickleOneIn: random.pick([0, 0, 0, 100]),
    owns: random.chance(4),
    isBlind: false,
  };
}

function drawStream(random: FuzzRandom, most: number): StreamPlan {
  const bytes = random.below(random.pick([2, 2_000, most]) + 1);
  const resetAfterMs = random.chance(6) ? random.below(random.pick([5, 500, 3_000])) : undefined;
  return {
    atMs: random.below(random.pick([1, 3_000])),
    bytes,
    backBytes: random.chance(3) ? random.below(Math.floor(most / 4) + 1) : 0,
    ...(resetAfterMs !== undefined && { resetAfterMs }),
  };
}
