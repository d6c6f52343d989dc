import { expect, it } from 'vitest';
import { describeBoth } from './implementations.js';

describeBoth('memory that nobody reads any more', ({ name, freeMemory }) => {
  it('is given back at once, or left to the collector', () => {
    const bytes = new Uint8Array(2 ** 16).fill(1);
    freeMemory(bytes);
    expect(bytes.length).toBe(name === 'addon' ? 0 : 2 ** 16);
  });

  it('is not that of others: a part of an ArrayBuffer stays as it is', () => {
    const all = new Uint8Array(16).fill(1);
    for (const part of [all.subarray(0, 8), all.subarray(8), Buffer.from('a few bytes')])
      expect(() => freeMemory(part)).toThrow(RangeError);
    expect(all).toEqual(new Uint8Array(16).fill(1));
  });

  it.each<unknown>([undefined, 'text', new ArrayBuffer(8)])('is nothing but bytes: %s', (wrong) => {
    expect(() => freeMemory(wrong as Uint8Array)).toThrow(TypeError);
  });
});
