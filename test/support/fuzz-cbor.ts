import { encode } from 'cborg';
import type { FuzzRandom } from './fuzz-random.js';

/** Any value that CBOR can carry, small. */
export function randomValue(random: FuzzRandom, depth = 3): unknown {
  const kinds = depth > 0 ? 10 : 8;
  switch (random.below(kinds)) {
    case 0:
      return null;
    case 1:
      return random.chance(2);
    case 2:
      return random.oddInteger();
    case 3:
      return -random.oddInteger();
    case 4:
      return random.oddInteger() / 7 + 0.25;
    case 5:
      return random.bytes(random.below(24));
    case 6:
      return random.pick(texts);
    case 7:
      return 'x'.repeat(random.chance(9) ? 5000 : random.below(600));
    case 8:
      return Array.from({ length: random.below(5) }, () => randomValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [random.pick(texts), randomValue(random, depth - 1)]),
      );
  }
}

/** The same message with one place of it changed: another value, one less, one more, one twice, one under another key. */
export function mutatedValue(value: unknown, random: FuzzRandom): unknown {
  if (Array.isArray(value))
    return random.chance(3) ? mutatedArray(value, random) : mutatedChild(value, random);
  if (isRecord(value)) return random.chance(3) ? mutatedMap(value, random) : mutatedMember(value, random);
  if (typeof value === 'number' && random.chance(2)) return random.oddInteger();
  return randomValue(random);
}

/** A message as CBOR that need not fit any schema. */
export const encodeAny = (value: unknown): Uint8Array => encode(value);

/** The message with bytes of its encoding changed, so that lengths and types lie. */
export function mutatedEncoding(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  switch (random.below(5)) {
    case 0:
      return random.flipped(bytes);
    case 1:
      return bytes.subarray(0, random.below(bytes.length));
    case 2:
      return Buffer.concat([bytes, random.bytes(1 + random.below(9))]);
    case 3: {
      const at = random.below(bytes.length);
      return Buffer.concat([bytes.subarray(0, at), random.pick(heads), bytes.subarray(at + random.below(3))]);
    }
    default:
      return random.pick(hostile);
  }
}

const texts = [
  '',
  'type',
  'entries',
  'ids',
  'id',
  'manifest',
  'end',
  'v',
  '__proto__',
  'constructor',
  'a\0b',
  'ø',
  '😀',
  '../x',
];

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/ /g, ''), 'hex'));

/** Heads that claim much, reserved and indefinite ones, tags, floats that are no numbers. */
const heads = [
  '9b7fffffffffffffff',
  'bb7fffffffffffffff',
  '5bffffffffffffffff',
  '7a7fffffff',
  '9f',
  'bf',
  '5f',
  '7f',
  'ff',
  '1c',
  '1d',
  'fc',
  'c0',
  'd9d9f7',
  'c2',
  'f7',
  'f97e00',
  'f97c00',
  'fb7ff8000000000000',
  '3bffffffffffffffff',
  '1bffffffffffffffff',
  '1800',
  '190000',
  'f8ff',
].map(hex);

const hostile: readonly Uint8Array[] = [
  new Uint8Array(),
  Buffer.alloc(4000, 0x81),
  Buffer.alloc(4000, 0xa1),
  Buffer.alloc(4000, 0x9f),
  Buffer.alloc(4000, 0xc1),
  Buffer.concat([Uint8Array.of(0x9a, 0, 0, 0x40, 0), Buffer.alloc(0x4000, 0x80)]),
  hex('a2 6474797065 63656e64 6474797065 63656e64'),
  hex('a1 6474797065 63ffffff'),
  hex('a1 6474797065 7fff'),
  hex('00'),
  hex('f6'),
  hex('80'),
  hex('a0'),
];

function mutatedArray(items: readonly unknown[], random: FuzzRandom): unknown[] {
  const at = random.below(items.length + 1);
  const [before, after] = [items.slice(0, at), items.slice(at)];
  switch (random.below(4)) {
    case 0:
      return [...before, ...after.slice(1)];
    case 1:
      return [...before, randomValue(random), ...after];
    case 2:
      return [...before, ...after.slice(0, 1), ...after];
    default:
      return items.length === 0
        ? [null]
        : Array.from({ length: random.pick([513, 2049, 600]) }, (_, i) => items[i % items.length]);
  }
}

function mutatedChild(items: readonly unknown[], random: FuzzRandom): unknown[] {
  const at = random.below(Math.max(1, items.length));
  return items.map((item, index) => (index === at ? mutatedValue(item, random) : item));
}

function mutatedMap(map: Readonly<Record<string, unknown>>, random: FuzzRandom): Record<string, unknown> {
  const keys = Object.keys(map);
  const without = random.pick(keys);
  const rest = Object.fromEntries(keys.filter((key) => key !== without).map((key) => [key, map[key]]));
  switch (random.below(3)) {
    case 0:
      return rest;
    case 1:
      return { ...rest, [random.pick(texts)]: map[without] };
    default:
      return { ...map, [random.pick(texts)]: randomValue(random) };
  }
}

function mutatedMember(map: Readonly<Record<string, unknown>>, random: FuzzRandom): Record<string, unknown> {
  const changed = random.pick(Object.keys(map));
  return { ...map, [changed]: mutatedValue(map[changed], random) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
