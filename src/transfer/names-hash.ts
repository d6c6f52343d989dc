/** Two halves of a 64-bit hash. */
export interface Hash64 {
  low: number;
  high: number;
}

/** Hashes text into `out`. */
export type TextHash = (text: string, out: Hash64) => void;

/**
 * HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", and its
 * reference code), over the UTF-16 units of a text, low byte first. Keyed: who does not know the 8 bytes of
 * `key` cannot choose texts that collide.
 */
export function textHash(key: Uint8Array): TextHash {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const k0 = view.getUint32(0, true);
  const k1 = view.getUint32(4, true);
  return (text, out) => halfSipHash(text, k0, k1, out);
}

function halfSipHash(text: string, k0: number, k1: number, out: Hash64): void {
  let v0 = k0;
  let v1 = k1 ^ 0xee;
  let v2 = k0 ^ 0x6c796765;
  let v3 = k1 ^ 0x74656462;

  const round = (): void => {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  };
  const absorb = (word: number): void => {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };

  const units = text.length;
  for (let at = 0; at + 1 < units; at += 2) absorb(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
  absorb((units % 2 === 1 ? text.charCodeAt(units - 1) : 0) | ((units * 2) << 24));

  v2 ^= 0xee;
  for (let turn = 0; turn < 4; turn++) round();
  out.low = (v1 ^ v3) >>> 0;
  v1 ^= 0xdd;
  for (let turn = 0; turn < 4; turn++) round();
  out.high = (v1 ^ v3) >>> 0;
}
