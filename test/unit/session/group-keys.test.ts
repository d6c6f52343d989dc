import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import {
  groupKeys,
  groupLaneMac,
  isGroupLaneMac,
  type GroupKey,
  type GroupLaneProof,
} from '../../../src/session/group-keys.js';

const key: GroupKey = { epoch: new Uint8Array(16).fill(1), key: new Uint8Array(32).fill(2), cipher: 1 };
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('the keys of a group', () => {
  it('are the same for all who have key, epoch and cipher, and no others', () => {
    const changes: Partial<GroupKey>[] = [
      {},
      { epoch: new Uint8Array(16).fill(9) },
      { key: new Uint8Array(32).fill(9) },
      { cipher: 2 },
    ];
    const firsts = changes.map((change) => hex(groupKeys({ ...key, ...change }).next().key));
    expect(new Set(firsts).size).toBe(changes.length);
    expect(hex(groupKeys(key).next().key)).toBe(firsts[0]);
    expect(groupKeys({ ...key, cipher: 2 }).next().cipher).toBe(2);
  });

  it('count with the records, and never give a pair twice', () => {
    const keys = groupKeys(key);
    const every = sessionDefaults.recordsPerKey;
    const pairs = new Set<string>();
    for (const number of [0, 1, 2]) {
      const { key: first, counter } = keys.next();
      expect(counter).toBe(number);
      pairs.add(`${hex(first)} ${counter}`);
    }
    for (let number = 3; number < every; number++) keys.next();
    const ratcheted = keys.next();
    expect([ratcheted.counter, keys.count]).toEqual([0, every + 1]);
    expect(pairs.has(`${hex(ratcheted.key)} 0`)).toBe(false);
  });
});

describe('the proof of a lane of a group', () => {
  const proof: GroupLaneProof = {
    secret: new Uint8Array(32).fill(1),
    transcript: new Uint8Array(64).fill(2),
    lane: 3,
    epoch: key.epoch,
  };

  it('is right for its session, lane and epoch alone', () => {
    const mac = groupLaneMac(proof);
    expect(mac).toHaveLength(32);
    expect(isGroupLaneMac(proof, mac)).toBe(true);
    const changes: Partial<GroupLaneProof>[] = [
      { secret: new Uint8Array(32).fill(9) },
      { transcript: new Uint8Array(64).fill(9) },
      { lane: 4 },
      { epoch: new Uint8Array(16).fill(9) },
    ];
    for (const change of changes) expect(isGroupLaneMac({ ...proof, ...change }, mac)).toBe(false);
    for (let at = 0; at < mac.length; at++) {
      const altered = Uint8Array.from(mac);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(isGroupLaneMac(proof, altered)).toBe(false);
    }
    expect(isGroupLaneMac(proof, mac.subarray(1))).toBe(false);
  });
});
