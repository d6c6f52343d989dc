/** The eight groups of an IPv6 address, a zone behind it left out; undefined for what is none. */
export function ipv6Groups(address: string): readonly number[] | undefined {
  const [text = ''] = address.slice(0, mostCharacters).split('%');
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [partsOf(halves[0], halves.length === 1), partsOf(halves[1], true)];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** `a.b.c.d` of two groups. */
export function dottedOf(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The IPv4 address that an IPv4-mapped one (::ffff:a.b.c.d) stands for: what a socket of both families says of a peer. */
export function mappedIpv4(groups: readonly number[]): string | undefined {
  const [high = 0, low = 0] = groups.slice(6);
  return groups.slice(0, 6).join() === '0,0,0,0,0,65535' ? dottedOf(high, low) : undefined;
}

/** The longest spelling, with a zone as long as a name of an interface, is shorter. */
const mostCharacters = 80;

/** Dotted bytes stand at the very end only. */
function partsOf(half: string | undefined, isEnd: boolean): number[] | undefined {
  if (half === undefined || half === '') return [];
  const groups: number[] = [];
  const texts = half.split(':');
  for (const [at, text] of texts.entries()) {
    const bytes =
      isEnd && at === texts.length - 1 && dotted.test(text) ? text.split('.').map(Number) : undefined;
    if (bytes) {
      if (bytes.some((byte) => byte > 255)) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[\da-f]{1,4}$/i.test(text)) groups.push(parseInt(text, 16));
    else return undefined;
  }
  return groups;
}

/** Without leading zeros, which some read as octal. */
const dotted = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;
