import { randomBytes } from 'node:crypto';
import { recordLayout, type NativeApi } from '../native/api.js';

const bodyBytes = 2 ** 20;
const sampleMs = 20;

/** Bytes a second that one core seals, tried for some 20 ms; undefined where it cannot. */
export async function sealingRate({
  preferredCipher,
  seal,
}: Pick<NativeApi, 'preferredCipher' | 'seal'>): Promise<number | undefined> {
  const key = randomBytes(32);
  const header = new Uint8Array(recordLayout.headerBytes);
  const out = new Uint8Array(recordLayout.overheadBytes + bodyBytes);
  const one = (counter: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const job = { cipher: preferredCipher, key, counter, bodyBytes, header, out };
      seal.sealBody(job, (error) => (error ? reject(error) : resolve()));
    });
  try {
    // The first touches the memory.
    await one(0);
    const beganAt = performance.now();
    let records = 0;
    while (performance.now() - beganAt < sampleMs) await one(++records);
    return ((records * bodyBytes) / (performance.now() - beganAt)) * 1000;
  } catch {
    return undefined;
  }
}
