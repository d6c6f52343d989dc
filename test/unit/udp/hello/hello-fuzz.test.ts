import { describe, expect, it } from 'vitest';
import { dialer, dialerAt, listener, secondHello } from './hello-kit.js';

/** A small generator (mulberry32), so that a failure can be had again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const seed = Number(process.env['XFER_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const datagrams = 1_000_000;
const longestMs = 20_000;

describe('a listener that gets a million datagrams of strangers', () => {
  it(`remembers nothing, throws nothing, and answers with less than it got (XFER_FUZZ_SEED=${seed})`, () => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const to = listener();
    const from = dialer(Uint8Array.of(1, 2, 3));
    const first = from.poll(0)!.slice();
    const second = secondHello(dialer(Uint8Array.of(1, 2, 3)), to);
    const buffer = new Uint8Array(1_500);
    const froms = Array.from({ length: 64 }, (_, i) => ({ host: `198.51.100.${i}`, port: 1_000 + i }));
    const started = performance.now();
    let [answered, largest] = [0, 0];
    let count = 0;
    for (; count < datagrams && performance.now() - started < longestMs; count++) {
      const length = below(8) === 0 ? below(buffer.length) : 1200;
      // Of a real HELLO, of noise, or of zeros: all change in a few places.
      const kind = below(4);
      if (kind < 2) buffer.set(kind === 0 ? first : second);
      else if (kind === 2) buffer.fill(below(256), 0, 90);
      else buffer.fill(0);
      for (let changes = below(6); changes > 0; changes--) buffer[below(below(4) ? 90 : 1_200)] = below(256);
      const outcome = to.handleDatagram(count / 10, froms[below(froms.length)]!, buffer.subarray(0, length));
      if (!outcome) continue;
      if (outcome.kind !== 'answer') throw new Error(`a stranger got through with datagram ${count}`);
      answered++;
      largest = Math.max(largest, outcome.bytes.length / length);
    }
    // All of them, but on a machine that is very busy.
    expect(count).toBeGreaterThan(datagrams / 10);
    expect(to.remembered).toBe(0);
    expect(largest).toBeLessThan(0.1);
    expect(answered).toBeGreaterThan(count / 10);
  }, 30_000);

  it('throws nothing at a dialer either, and never connects it', () => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const [from, to] = [dialer(), listener()];
    const hello = secondHello(from, to);
    const outcome = to.handleDatagram(0, dialerAt, hello);
    const accept = outcome?.kind === 'dialer' ? to.accept(0, outcome.dialer)!.bytes : new Uint8Array();
    for (let count = 0; count < 20_000; count++) {
      const bytes = accept.slice(0, below(4) ? accept.length : below(accept.length + 1));
      bytes[0] = 0x11 + below(4);
      for (let changes = 1 + below(3); changes > 0; changes--) bytes[9 + below(66)] = below(256);
      // Rarely nothing was changed after all.
      if (Buffer.compare(bytes, accept) === 0) continue;
      expect(from.handleDatagram(1, bytes)?.kind).not.toBe('connected');
    }
  });
});
