import { XferError } from '../errors/index.js';

/**
 * What the opening header of a stream to a relay says: where it goes from here, and nothing of its content.
 * On the wire: `xfer` 03 · TTL u8 · visited u8 and 8 bytes each · relays u8, each: alternatives u8, each: length u8 and
 * text · branches u8, each: length u8 and text, length u16 and opening header.
 */
export interface Route {
  /** Relays that it may still pass, this one included. */
  readonly ttl: number;
  /** Those that it has passed, by the number that each made up for itself, 8 bytes in hexadecimal digits. */
  readonly visited: readonly string[];
  /** The relays that follow, next first, each with its alternatives as URLs. */
  readonly relays: readonly (readonly string[])[];
  /** Where the last relay takes it: one place, or several of which each gets all of it. */
  readonly branches: readonly Branch[];
}

export interface Branch {
  /** A URL, `room:NAME`, or nothing for the last relay itself. */
  readonly to: string;
  /** The opening header of the stream there. */
  readonly header: Uint8Array;
}

/** Most relays on a path (DESIGN §4, §8). */
export const maxHops = 16;
export const maxAlternatives = 8;
export const maxBranches = 16;
const maxTextBytes = 255;
const maxHeaderBytes = 4096;
const idBytes = 8;

const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 3);

export function isRoute(header: Uint8Array): boolean {
  return prefix.every((byte, i) => header[i] === byte);
}

/** Throws ERR_XFER_USAGE for a path that is too long. */
export function encodeRoute(route: Route): Uint8Array {
  const { visited, relays, branches } = route;
  const isTooLong =
    visited.length + relays.length > maxHops ||
    branches.length > maxBranches ||
    relays.some((hop) => hop.length > maxAlternatives);
  if (isTooLong) throw tooLong();
  const parts: Uint8Array[] = [prefix, Uint8Array.of(route.ttl, visited.length)];
  for (const id of visited) parts.push(Buffer.from(id, 'hex'));
  parts.push(Uint8Array.of(relays.length));
  for (const hop of relays) parts.push(Uint8Array.of(hop.length), ...hop.flatMap(encodeText));
  parts.push(Uint8Array.of(branches.length));
  for (const { to, header } of branches)
    parts.push(...encodeText(to), Uint8Array.of(header.length >> 8, header.length & 0xff), header);
  const encoded = Buffer.concat(parts);
  if (encoded.length > maxHeaderBytes) throw tooLong();
  return encoded;
}

/** undefined for what is no route, or none that anybody would make. */
export function decodeRoute(header: Uint8Array): Route | undefined {
  if (!isRoute(header) || header.length > maxHeaderBytes) return undefined;
  const reader = new Reader(header.subarray(prefix.length));
  const ttl = reader.byte();
  const visited = reader.list(maxHops, () => Buffer.from(reader.bytes(idBytes)).toString('hex'));
  const relays = reader.list(maxHops, () => reader.list(maxAlternatives, () => reader.text(1)));
  const branches = reader.list(maxBranches, () => ({
    to: reader.text(0),
    header: new Uint8Array(reader.bytes(reader.byte() * 256 + reader.byte())),
  }));
  const isWhole = reader.isAtEnd && branches.length > 0 && relays.every((hop) => hop.length > 0);
  return isWhole ? { ttl, visited, relays, branches } : undefined;
}

function encodeText(text: string): Uint8Array[] {
  const bytes = Buffer.from(text);
  if (bytes.length > maxTextBytes) throw tooLong();
  return [Uint8Array.of(bytes.length), bytes];
}

const tooLong = () =>
  new XferError('ERR_XFER_USAGE', 'the path is too long: too many relays, alternatives, targets or letters');

/** Reads past the end as zeros and remembers it. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return !this.#isBroken && this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  bytes(count: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    if (bytes.length < count) this.#isBroken = true;
    return bytes;
  }

  list<Item>(most: number, item: () => Item): Item[] {
    const count = this.byte();
    if (count > most) this.#isBroken = true;
    const items: Item[] = [];
    while (items.length < count && !this.#isBroken) items.push(item());
    return items;
  }

  /** Printable ASCII without spaces: what an address or a room is made of. */
  text(least: number): string {
    const bytes = this.bytes(this.byte());
    if (bytes.length < least || bytes.some((byte) => byte < 0x21 || byte > 0x7e)) this.#isBroken = true;
    return Buffer.from(bytes).toString('latin1');
  }
}
