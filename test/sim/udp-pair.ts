import { controllerFactory } from '../../plugins/udp/src/congestion/choose-controller.js';
import type { SimConnection } from './udp-connection.js';
import type { LinkShape, SimLink } from './udp-link.js';
import type { UserShape } from './udp-user.js';
import { UdpWorld } from './udp-world.js';

export interface Pair {
  readonly world: UdpWorld;
  readonly connection: SimConnection;
  readonly up: SimLink;
  readonly down: SimLink;
}

export interface PairOptions {
  readonly seed: number;
  readonly link?: Partial<LinkShape>;
  readonly user?: Partial<UserShape>;
  /** As for `--cc`. */
  readonly cc?: string;
}

/** A world with one connection in it, over the same link both ways. */
export function pair({ seed, link = {}, user = {}, cc = 'bbr' }: PairOptions): Pair {
  const world = new UdpWorld(seed);
  const { network } = world;
  const [up, down] = [network.link(link), network.link(link)];
  const rttMs = up.shape.delayMs + down.shape.delayMs;
  const controller = controllerFactory(cc);
  const connection = world.connect(
    { place: network.place(up, down), user, controller },
    { place: network.place(), user, controller },
    { rttMs },
  );
  return { world, connection, up, down };
}
