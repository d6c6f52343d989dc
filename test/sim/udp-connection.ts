import type { ControllerFactory } from '../../plugins/udp/src/congestion/controller.js';
import { udpConfig, type UdpConfig } from '../../plugins/udp/src/config.js';
import { ConnectionCore } from '../../plugins/udp/src/core/connection-core.js';
import type { CoreUser } from '../../plugins/udp/src/core/contract.js';
import type { FuzzRandom } from '../support/fuzz-random.js';
import { plainEnd, SimEnd, type EndShape } from './udp-end.js';
import type { Place, SimNetwork } from './udp-network.js';
import { SimUser, type UserShape } from './udp-user.js';

export interface SideOptions {
  readonly place: Place;
  readonly end?: Partial<EndShape>;
  readonly user?: Partial<UserShape>;
  readonly controller: ControllerFactory;
}

export interface ConnectionOptions {
  readonly config?: Partial<UdpConfig>;
  /** What the hellos measured; 0: nothing. */
  readonly rttMs?: number;
}

export interface Side {
  readonly end: SimEnd;
  readonly user: SimUser;
}

/** A connection behind its hellos: two cores, each with its driver and its user. */
export class SimConnection {
  readonly dialer: Side;
  readonly listener: Side;
  /** Of the dialer's side and the listener's. */
  readonly sides: readonly [Side, Side];
  readonly config: UdpConfig;

  constructor(
    network: SimNetwork,
    random: FuzzRandom,
    dialer: SideOptions,
    listener: SideOptions,
    { config = {}, rttMs = 0 }: ConnectionOptions = {},
  ) {
    const make = ({ place, end, user }: SideOptions, side: 0 | 1): Side => {
      const simEnd = new SimEnd(network, place, end);
      return { end: simEnd, user: new SimUser(network.clock, simEnd, random.word(), side, user) };
    };
    this.dialer = make(dialer, 0);
    this.listener = make(listener, 1);
    this.sides = [this.dialer, this.listener];
    this.dialer.user.peer = this.listener.user;
    this.listener.user.peer = this.dialer.user;
    const all = (this.config = udpConfig(config));
    const start = ({ end, user }: Side, own: SideOptions, other: SideOptions): void =>
      end.start(core(all, rttMs, random, end.now, user, own, other), other.place);
    start(this.dialer, dialer, listener);
    start(this.listener, listener, dialer);
  }

  /** All that was planned is done, and each side knows. */
  get isComplete(): boolean {
    return this.sides.every(
      ({ user }) =>
        user.isComplete && user.controlSentBytes === user.peer?.controlReceivedBytes && user.isControlWhole,
    );
  }

  get isOver(): boolean {
    return this.sides.every(({ user }) => user.ended !== undefined);
  }

  get progressAt(): number {
    return Math.max(...this.sides.map(({ user }) => user.progressAt));
  }
}

function core(
  config: UdpConfig,
  rttMs: number,
  random: FuzzRandom,
  now: number,
  user: CoreUser,
  own: SideOptions,
  other: SideOptions,
): ConnectionCore {
  return new ConnectionCore({
    config,
    now,
    randomBytes: (into) => into.set(random.bytes(into.length)),
    random: () => random.word() / 2 ** 32,
    controller: own.controller,
    path: 0,
    peer: {
      maxDatagramBytes: config.maxDatagramBytes,
      receiveBufferBytes: other.end?.receiveBufferBytes ?? plainEnd.receiveBufferBytes,
      creditBytes: config.creditBytes,
    },
    rttMs,
    controlSentBytes: 0,
    controlReceivedBytes: 0,
    user,
  });
}
