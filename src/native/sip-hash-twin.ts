/**
 * SipHash-2-4 (Aumasson, Bernstein 2012) by 32-bit halves, as JavaScript has no 64-bit integers that are quick. The tag is
 * written to `out` at `outAt`, little-endian. `key` is 16 bytes; of `bytes`, those from `from` to `to` are covered.
 */
export function sipHashInto(
  ...[key, bytes, from, to, out, outAt]: [
    ...[key: Uint8Array, bytes: Uint8Array, from: number, to: number],
    ...[out: Uint8Array, outAt: number],
  ]
): void {
  const [k0l, k0h, k1l, k1h] = [word(key, 0), word(key, 4), word(key, 8), word(key, 12)];
  state[0] = k0l ^ 0x70736575;
  state[1] = k0h ^ 0x736f6d65;
  state[2] = k1l ^ 0x6e646f6d;
  state[3] = k1h ^ 0x646f7261;
  state[4] = k0l ^ 0x6e657261;
  state[5] = k0h ^ 0x6c796765;
  state[6] = k1l ^ 0x79746573;
  state[7] = k1h ^ 0x74656462;
  const count = to - from;
  const whole = from + (count & ~7);
  for (let at = from; at < whole; at += 8) compress(word(bytes, at), word(bytes, at + 4));
  let low = 0;
  let high = (count & 0xff) << 24;
  for (let at = whole, shift = 0; at < to; at++, shift += 8) {
    if (shift < 32) low |= (bytes[at] ?? 0) << shift;
    else high |= (bytes[at] ?? 0) << (shift - 32);
  }
  compress(low, high);
  state[4] = at(4) ^ 0xff;
  for (let round = 0; round < 4; round++) sipRound();
  writeWord(out, outAt, at(0) ^ at(2) ^ at(4) ^ at(6));
  writeWord(out, outAt + 4, at(1) ^ at(3) ^ at(5) ^ at(7));
}

/** v0 to v3, the low half of each before the high one. */
const state = new Int32Array(8);
const at = (index: number): number => state[index] ?? 0;

function compress(low: number, high: number): void {
  state[6] = at(6) ^ low;
  state[7] = at(7) ^ high;
  sipRound();
  sipRound();
  state[0] = at(0) ^ low;
  state[1] = at(1) ^ high;
}

function sipRound(): void {
  addTo(0, 2);
  rotate(2, 13);
  mix(2, 0);
  swap(0);
  addTo(4, 6);
  rotate(6, 16);
  mix(6, 4);
  addTo(0, 6);
  rotate(6, 21);
  mix(6, 0);
  addTo(4, 2);
  rotate(2, 17);
  mix(2, 4);
  swap(4);
}

function addTo(one: number, other: number): void {
  const low = (at(one) >>> 0) + (at(other) >>> 0);
  state[one] = low;
  state[one + 1] = at(one + 1) + at(other + 1) + (low > 0xffff_ffff ? 1 : 0);
}

/** By less than 32 bits to the left. */
function rotate(index: number, bits: number): void {
  const low = at(index);
  const high = at(index + 1);
  state[index] = (low << bits) | (high >>> (32 - bits));
  state[index + 1] = (high << bits) | (low >>> (32 - bits));
}

function mix(one: number, other: number): void {
  state[one] = at(one) ^ at(other);
  state[one + 1] = at(one + 1) ^ at(other + 1);
}

/** A rotation by 32 bits. */
function swap(index: number): void {
  const low = at(index);
  state[index] = at(index + 1);
  state[index + 1] = low;
}

function word(bytes: Uint8Array, from: number): number {
  return (
    (bytes[from] ?? 0) |
    ((bytes[from + 1] ?? 0) << 8) |
    ((bytes[from + 2] ?? 0) << 16) |
    ((bytes[from + 3] ?? 0) << 24)
  );
}

function writeWord(out: Uint8Array, from: number, value: number): void {
  for (let i = 0; i < 4; i++) out[from + i] = value >>> (8 * i);
}
