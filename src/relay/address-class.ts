import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { dottedOf, ipv6Groups, mappedIpv4 } from '../transport/ipv6-groups.js';

/** What an address is for. The last three are never reached but by naming them. */
export type AddressClass = 'public' | 'private' | 'loopback' | 'link-local' | 'metadata' | 'reserved';

/** Addresses of one class; `prefix` in bits. */
export interface AddressBlock {
  readonly addressClass: AddressClass;
  readonly prefix: number;
}

/**
 * All that a connection to `ip` may reach, each as an address by itself: an IPv4-mapped address is the IPv4 one and
 * nothing else; one that a gateway unpacks (NAT64, 6to4, Teredo, the old IPv4-compatible and translated ones) is both what
 * it looks like and what is inside. Empty for what is no address as `net.isIP` knows them. Zones are left out.
 */
export function facesOf(ip: string): readonly string[] {
  if (isIPv4(ip)) return [ip];
  const groups = isIPv6(ip) ? ipv6Groups(ip) : undefined;
  if (!groups) return [];
  const mapped = mappedIpv4(groups);
  if (mapped !== undefined) return [mapped];
  const outer = groups.map((group) => group.toString(16)).join(':');
  const inner = insideOf(groups);
  return inner === undefined ? [outer] : [outer, inner];
}

/** The block that an address of `facesOf` belongs to, the most special one of those that hold it. */
export function blockOf(face: string): AddressBlock {
  const family = isIPv4(face) ? 'ipv4' : 'ipv6';
  const block = blocks.find((candidate) => candidate.family === family && candidate.list.check(face, family));
  // The rows hold every address; were one missing, it would be for nobody.
  return block ?? { addressClass: 'reserved', prefix: Infinity };
}

/** RFC 6052, 8215 (NAT64), 3056 (6to4), 4380 (Teredo, the client's address inverted), 4291 §2.5.5.1 and 2765 (old). */
function insideOf(groups: readonly number[]): string | undefined {
  const [g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0] = groups;
  if (g0 === 0x2002) return dottedOf(g1, g2);
  if (g0 === 0x2001 && g1 === 0) return dottedOf(g6 ^ 0xffff, g7 ^ 0xffff);
  if (g0 === 0x64 && g1 === 0xff9b) return dottedOf(g6, g7);
  const isOld = g0 === 0 && g1 === 0 && g2 === 0 && g3 === 0 && (g4 === 0 || g4 === 0xffff) && g5 === 0;
  return isOld && (g4 !== 0 || g6 !== 0 || g7 > 1) ? dottedOf(g6, g7) : undefined;
}

interface ListedBlock extends AddressBlock {
  readonly family: 'ipv4' | 'ipv6';
  readonly list: BlockList;
}

/**
 * The first row that holds an address decides. IANA's registries of special-purpose addresses (RFC 6890), and what clouds
 * answer their machines' questions on.
 */
const rows: readonly (readonly [addressClass: AddressClass, ...networks: string[]])[] = [
  // AWS, Azure, Google and most others; AWS's tasks; Azure's wire server; Alibaba; Oracle.
  ['metadata', '169.254.169.254/32', '169.254.170.2/32', '168.63.129.16/32', '100.100.100.200/32'],
  ['metadata', '192.0.0.192/32'],
  // AWS, Google, Scaleway.
  ['metadata', 'fd00:ec2::254/128', 'fd20:ce::254/128', 'fd00:42::42/128'],
  ['link-local', '169.254.0.0/16', 'fe80::/10'],
  ['loopback', '127.0.0.0/8', '::1/128'],
  ['private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
  // This network, protocol assignments, documentation.
  ['reserved', '0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  // The old 6to4 relays, benchmarks, multicast, what was never given out, and broadcast in it.
  ['reserved', '192.88.99.0/24', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4'],
  // Benchmarks, ORCHID, documentation, the old site-local ones, multicast, a network's own NAT64.
  ['reserved', '2001:2::/48', '2001:10::/28', '2001:20::/28', '2001:db8::/32', '3fff::/20'],
  ['reserved', 'fec0::/10', 'ff00::/8', '64:ff9b:1::/48'],
  // NAT64's well-known prefix is as public as what is inside.
  ['public', '0.0.0.0/0', '2000::/3', '64:ff9b::/96'],
  // What was never given out, unspecified and discarded addresses in it.
  ['reserved', '::/8', '100::/8', '200::/7', '400::/6', '800::/5', '1000::/4', '4000::/3', '6000::/3'],
  ['reserved', '8000::/3', 'a000::/3', 'c000::/3', 'e000::/4', 'f000::/5', 'f800::/6', 'fe00::/9'],
];

const blocks: readonly ListedBlock[] = rows.flatMap(([addressClass, ...networks]) =>
  networks.map((network) => {
    const [address = '', prefix] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    const list = new BlockList();
    list.addSubnet(address, Number(prefix), family);
    return { addressClass, prefix: Number(prefix), family, list };
  }),
);
