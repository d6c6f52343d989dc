import { FuzzRandom } from '../support/fuzz-random.js';
import { auditMemory } from './udp-audit.js';
import { SimConnection, type ConnectionOptions, type Side, type SideOptions } from './udp-connection.js';
import { SimNetwork } from './udp-network.js';
import { VirtualClock } from './virtual-clock.js';

/** With a path that works something comes within this; an end whose address changed may have nothing to say for half of it. */
const mostStandstillMs = 30_000;
/** That it is over is known within this after the last that came, or found out by silence (idleTimeoutMs). */
const mostEndMs = 70_000;
/** Steps between looks at what goes forward. */
const lookEvery = 256;

/** A network in virtual time, and the connections in it. */
export class UdpWorld {
  readonly clock = new VirtualClock();
  readonly random: FuzzRandom;
  readonly network: SimNetwork;
  readonly connections: SimConnection[] = [];
  #excusedUntil = 0;
  #standstillMs = mostStandstillMs;

  constructor(seed: number) {
    this.random = new FuzzRandom(seed);
    this.network = new SimNetwork(this.clock, this.random.word());
  }

  connect(dialer: SideOptions, listener: SideOptions, options?: ConnectionOptions): SimConnection {
    const connection = new SimConnection(this.network, this.random, dialer, listener, options);
    this.connections.push(connection);
    return connection;
  }

  /** Nothing need go forward for the next `ms`. */
  excuse(ms: number): void {
    this.#excusedUntil = Math.max(this.#excusedUntil, this.clock.now + ms);
  }

  /** Until the condition holds. Throws where nothing goes forward before. */
  runUntil(isDone: () => boolean): void {
    for (let step = 0; !isDone(); step++) {
      const isDue = this.clock.step();
      if (!isDue || step % lookEvery === 0) this.#look();
      if (!isDue) throw new Error(`nothing is due: ${this.#describe()}`);
    }
  }

  runFor(ms: number): void {
    const end = this.clock.now + ms;
    this.clock.after(ms, () => undefined);
    while (this.clock.now < end && this.clock.step());
  }

  /** Until all is sent, then the end of each connection by `closer`'s orderly close. */
  finish(connection: SimConnection, closer: Side = connection.dialer): void {
    this.runUntil(() => connection.isComplete);
    this.close(connection, closer);
  }

  /** Where the other side may be out of reach, it may find out by silence. */
  close(connection: SimConnection, closer: Side, mayBeSilent = (): boolean => false): void {
    closer.user.isClosing = true;
    closer.end.work((core, now) => core.close(now, 0, ''));
    this.#standstillMs = mostEndMs;
    this.excuse(0);
    this.runUntil(() => connection.isOver);
    for (const { user } of connection.sides) {
      const expected = user === closer.user ? 'finished' : 'closed';
      const isSilent = mayBeSilent() && user.ended?.kind === 'silent';
      if (user.ended?.kind !== expected && !isSilent)
        throw new Error(`ends with ${JSON.stringify(user.ended)} instead of ${expected}`);
      if (user.pendingContent !== 0) throw new Error('content was pulled and never done');
    }
  }

  #look(): void {
    const { now } = this.clock;
    for (const { sides, isOver, progressAt, config } of this.connections) {
      for (const side of sides) auditMemory(side, config);
      if (isOver) continue;
      for (const { user } of sides)
        if (user.ended && user.ended.kind !== 'closed' && user.ended.kind !== 'finished')
          throw new Error(`ended after ${now} ms: ${JSON.stringify(user.ended)}`);
      const since = Math.max(progressAt, this.#excusedUntil);
      if (now - since <= this.#standstillMs) continue;
      throw new Error(`nothing goes forward since ${since} ms: ${this.#describe()}`);
    }
  }

  #describe(): string {
    const sides = this.connections.flatMap((connection) => connection.sides);
    return JSON.stringify(sides.map(({ end, user }) => ({ ...user.describe(), ...end.core.stats() })));
  }
}
