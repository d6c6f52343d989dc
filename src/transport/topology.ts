import { BlockList } from 'node:net';
import { schemeFamily } from './scheme-family.js';

/** How far apart two hosts are, as their addresses tell it. */
export type Topology = 'same-host' | 'same-subnet' | 'same-site' | 'wide-area';

/** An address of this machine and the network that it is in: `192.0.2.7/24`. */
export interface OwnNetwork {
  readonly address: string;
  readonly cidr: string | null;
}

/** What is thought of the transports before anything was measured, in bytes a millisecond. */
export interface Guess {
  /** What each reaches; a transport that is not named reaches `otherRate`. */
  readonly rates: Readonly<Record<string, number>>;
  readonly otherRate: number;
  /** Where less than this goes through something is in the way, and another transport may get round it. */
  readonly usualRate: number;
}

export type Guesses = Readonly<Record<Topology, Guess>>;

const MB = 1_000_000 / 1_000;

/**
 * Starting guesses, from DESIGN §10 for what costs processor time, and from what loss and delay do to TCP for the wide area
 * (Mathis et al., "The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm", 1997). They decide what is tried
 * first and how soon. What is kept is decided by measurement alone.
 */
export const guesses: Guesses = Object.freeze({
  'same-host': {
    rates: { rdma: 3_000 * MB, tcp: 1_000 * MB, ws: 600 * MB, wss: 400 * MB, udp: 500 * MB, quic: 300 * MB },
    otherRate: 200 * MB,
    usualRate: 50 * MB,
  },
  // A listener says `rdma` only where it has the device.
  'same-subnet': {
    rates: { rdma: 3_000 * MB, tcp: 800 * MB, ws: 500 * MB, wss: 400 * MB, udp: 500 * MB, quic: 300 * MB },
    otherRate: 200 * MB,
    usualRate: 10 * MB,
  },
  'same-site': {
    rates: { rdma: 1_000 * MB, tcp: 500 * MB, udp: 400 * MB, quic: 300 * MB, ws: 300 * MB, wss: 300 * MB },
    otherRate: 100 * MB,
    usualRate: 10 * MB,
  },
  'wide-area': {
    rates: { udp: 50 * MB, quic: 40 * MB, tcp: 10 * MB, ws: 8 * MB, wss: 8 * MB, rdma: 1 * MB },
    otherRate: 5 * MB,
    usualRate: 5 * MB,
  },
});

/** What a guess expects of a transport. */
export const guessedRate = ({ rates, otherRate }: Guess, scheme: string): number =>
  rates[scheme] ?? rates[schemeFamily(scheme)] ?? otherRate;

/** Where the other end is. `remote` is an IP address; anything else counts as far away. */
export function topologyOf(remote: string, own: readonly OwnNetwork[]): Topology {
  const host = plain(remote);
  if (isIn(host, ['127.0.0.0/8', '::1/128']) || own.some(({ address }) => plain(address) === host))
    return 'same-host';
  if (
    isIn(
      host,
      own.map(({ cidr }) => cidr).filter((cidr) => cidr !== null),
    )
  )
    return 'same-subnet';
  return isIn(host, sites) ? 'same-site' : 'wide-area';
}

/** RFC 1918, 6598 (also what overlays hand out), 3927, 4193, 4291 §2.5.6. */
const sites = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'],
  ...['fc00::/7', 'fe80::/10'],
];

/** Without a zone, and an IPv4 address as one. */
const plain = (address: string): string =>
  (address.split('%')[0] ?? '').toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');

function isIn(host: string, networks: readonly string[]): boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits = '0'] = network.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list.check(host, familyOf(host));
}

/** Of what is an address: `isIPv6` would compile its long expression in each process, for 5 ms. */
const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');
