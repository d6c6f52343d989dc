import type { FuzzRandom } from './fuzz-random.js';

export interface Alteration {
  /** Of the dialer's messages: 0 its hello, 1 its proof, 2 its identity. */
  readonly index: number;
  readonly name: string;
  alter(unit: Buffer, random: FuzzRandom): { readonly units: readonly Uint8Array[]; readonly cut?: boolean };
}

const one = (unit: Uint8Array) => ({ units: [unit] });

/** The message with another length than it says, or another body under a right length. */
function framed(body: Uint8Array, length = body.length): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(length & 0xffff);
  return Buffer.concat([head, body]);
}

function patched(unit: Buffer, at: number, bytes: Uint8Array): { units: readonly Uint8Array[] } {
  const altered = Buffer.from(unit);
  altered.set(bytes, at);
  return { units: [altered] };
}

/** Holds for any message of any handshake; none of them leaves a proof that could be taken for a guess. */
const anywhere: readonly Omit<Alteration, 'index'>[] = [
  {
    name: 'of another type',
    alter: (unit, random) => patched(unit, 2, Uint8Array.of(random.pick([0, 2, 4, 6, 9, 255]))),
  },
  { name: 'empty', alter: () => one(framed(new Uint8Array(), 0)) },
  { name: 'too long', alter: (_unit, random) => one(framed(random.bytes(30), 4097 + random.below(60_000))) },
  {
    name: 'longer',
    alter: (unit, random) =>
      one(framed(Buffer.concat([unit.subarray(2), random.bytes(1 + random.below(90))]))),
  },
  {
    name: 'shorter',
    alter: (unit, random) => one(framed(unit.subarray(2, 3 + random.below(unit.length - 3)))),
  },
  {
    name: 'random',
    alter: (unit, random) => one(framed(Buffer.concat([Uint8Array.of(0x55), random.bytes(unit.length)]))),
  },
  { name: 'a refusal', alter: (_unit, random) => one(framed(Uint8Array.of(0x7f, random.below(256)))) },
  {
    name: 'cut',
    alter: (unit, random) => ({ units: [unit.subarray(0, random.below(unit.length))], cut: true }),
  },
  { name: 'in crumbs', alter: (unit) => ({ units: [...unit].map((byte) => Uint8Array.of(byte)) }) },
];

const everyIndex = (alterations: readonly Omit<Alteration, 'index'>[]): Alteration[] =>
  [0, 1, 2].flatMap((index) => alterations.map((alteration) => ({ ...alteration, index })));

const hellos: readonly Alteration[] = [
  { index: 0, name: 'bits', alter: (unit, random) => one(framed(random.flipped(unit.subarray(2)))) },
  { index: 0, name: 'versions', alter: (unit, random) => patched(unit, 7, random.bytes(4)) },
  {
    index: 0,
    name: 'mode',
    alter: (unit, random) => patched(unit, 11, Uint8Array.of(3 + random.below(250))),
  },
  {
    index: 0,
    name: 'count of ciphers',
    alter: (unit, random) => patched(unit, 12, Uint8Array.of(random.pick([0, 1, 3, 9, 255]))),
  },
  { index: 0, name: 'ciphers', alter: (unit, random) => patched(unit, 13, random.bytes(2)) },
  {
    index: 0,
    name: 'and more behind',
    alter: (unit, random) => ({ units: [Buffer.concat([unit, framed(random.bytes(1 + random.below(80)))])] }),
  },
];

/** Places in a known peer's messages that hold points of the curve. */
const knownPoints: readonly Alteration[] = [
  {
    index: 1,
    name: 'a point of small order',
    alter: (unit, random) => patched(unit, 3, random.pick(smallOrder)),
  },
  {
    index: 1,
    name: 'bits',
    alter: (unit, random) => one(Buffer.concat([unit.subarray(0, 3), random.flipped(unit.subarray(3))])),
  },
  {
    index: 2,
    name: 'bits',
    alter: (unit, random) => one(Buffer.concat([unit.subarray(0, 3), random.flipped(unit.subarray(3))])),
  },
];

/** What a known peer, or an unknown key, can do wrong. */
export const alterations: readonly Alteration[] = [
  ...everyIndex(anywhere),
  ...hellos,
  ...hellos,
  ...knownPoints,
  ...knownPoints,
];

/** Bytes of the length, the type, the share and the tag in front of Noise's part of the proof. */
const noiseAt = 2 + 1 + 32 + 64;

/** With the right code: elements that are none, and proofs that are right with something wrong behind them. */
export const codeAlterations: readonly Alteration[] = [
  ...everyIndex(anywhere).filter(({ index, name }) => index === 0 || name !== 'in crumbs'),
  ...hellos,
  ...['first', 'second', 'third'].map((name): Alteration => ({
    index: 1,
    name: `an element that is none (${name} pick)`,
    alter: (unit, random) => patched(unit, 3, random.pick(badElements)),
  })),
  {
    index: 1,
    name: 'bits behind the proof',
    alter: (unit, random) =>
      one(Buffer.concat([unit.subarray(0, noiseAt), random.flipped(unit.subarray(noiseAt))])),
  },
  {
    index: 1,
    name: 'a point of small order behind the proof',
    alter: (unit, random) => patched(unit, noiseAt, random.pick(smallOrder)),
  },
  {
    index: 2,
    name: 'bits',
    alter: (unit, random) => one(Buffer.concat([unit.subarray(0, 3), random.flipped(unit.subarray(3))])),
  },
];

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

/** RFC 9496 appendix A.2: not canonical, negative, no square; and the identity, which is an element that is refused. */
export const badElements: readonly Uint8Array[] = [
  '00'.repeat(32),
  '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20',
  'c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(hex);

/** RFC 7748 §6.1: with these X25519 gives zero, whatever the other key. */
const smallOrder: readonly Uint8Array[] = [
  '00'.repeat(32),
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(hex);
