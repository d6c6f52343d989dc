import { describe, expect, it } from 'vitest';
import { LruMap } from '../../../src/relay/lru-map.js';

describe('a map of so many entries', () => {
  it('forgets what was set longest ago', () => {
    const map = new LruMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    map.set('c', 4);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([3, undefined, 4, 2]);
    map.deleteOldest();
    expect([map.get('a'), map.size]).toEqual([undefined, 1]);
    expect([map.delete('c'), map.delete('c'), map.size]).toEqual([true, false, 0]);
    map.deleteOldest();
    expect(map.size).toBe(0);
  });
});
