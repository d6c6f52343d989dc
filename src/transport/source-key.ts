import { ipv6Groups, mappedIpv4 } from './ipv6-groups.js';

/**
 * What connections of one source are counted under: an IPv4 address, mapped or not, or the /64 of an IPv6 one, which is
 * what one host may choose from. Anything else counts as itself.
 */
export function sourceKey(address: string): string {
  const groups = ipv6Groups(address);
  if (!groups) return address.slice(0, mostCharacters);
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return mappedIpv4(groups) ?? `${network.join(':')}::/64`;
}

const mostCharacters = 64;
