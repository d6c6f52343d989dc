/**
 * SipHash-2-4 (Aumasson, Bernstein 2012) as the paper's §2 says it, slowly: 8 bytes, little-endian. The tests of
 * protocols have their tags from here, whatever the code under test has.
 */
export function sipHash(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const words = new DataView(key.buffer, key.byteOffset, 16);
  const k0 = words.getBigUint64(0, true);
  const k1 = words.getBigUint64(8, true);
  const v: State = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const padded = new Uint8Array(Math.floor(bytes.length / 8) * 8 + 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const message = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word = message.getBigUint64(at, true);
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
  }
  v[2] ^= 0xffn;
  rounds(v, 4);
  const hash = new Uint8Array(8);
  new DataView(hash.buffer).setBigUint64(0, v[0] ^ v[1] ^ v[2] ^ v[3], true);
  return hash;
}

type State = [bigint, bigint, bigint, bigint];

function rounds(v: State, count: number): void {
  for (let round = 0; round < count; round++) {
    v[0] = add(v[0], v[1]);
    v[1] = rotated(v[1], 13n) ^ v[0];
    v[0] = rotated(v[0], 32n);
    v[2] = add(v[2], v[3]);
    v[3] = rotated(v[3], 16n) ^ v[2];
    v[0] = add(v[0], v[3]);
    v[3] = rotated(v[3], 21n) ^ v[0];
    v[2] = add(v[2], v[1]);
    v[1] = rotated(v[1], 17n) ^ v[2];
    v[2] = rotated(v[2], 32n);
  }
}

const add = (a: bigint, b: bigint): bigint => BigInt.asUintN(64, a + b);
const rotated = (a: bigint, by: bigint): bigint => BigInt.asUintN(64, a << by) | (a >> (64n - by));
