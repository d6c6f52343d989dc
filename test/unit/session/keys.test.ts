import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import {
  isLaneJoinMac,
  laneJoinMac,
  laneJoinTranscript,
  sessionId,
  type LaneJoin,
} from '../../../src/session/join.js';
import { DirectionKeys, laneKeys, type LaneSecrets } from '../../../src/session/keys.js';

const secrets: LaneSecrets = {
  secret: new Uint8Array(32).fill(1),
  transcript: new Uint8Array(64).fill(2),
  cipher: 1,
  role: 'dialer',
  lane: 0,
};
const keyOf = (keys: DirectionKeys) => Buffer.from(keys.next().key).toString('hex');

describe('lane keys', () => {
  it('let each side open what the other seals, and nothing that it sealed itself', () => {
    const [dialer, listener] = [laneKeys(secrets), laneKeys({ ...secrets, role: 'listener' })];
    expect(keyOf(dialer.sealing)).toBe(keyOf(listener.opening));
    expect(keyOf(dialer.opening)).toBe(keyOf(listener.sealing));
    expect(keyOf(laneKeys(secrets).sealing)).not.toBe(keyOf(laneKeys(secrets).opening));
  });

  it('differ by secret, transcript, lane and cipher', () => {
    const changes: Partial<LaneSecrets>[] = [
      {},
      { secret: new Uint8Array(32).fill(9) },
      { transcript: new Uint8Array(64).fill(9) },
      { lane: 1 },
      { lane: 256 },
      { cipher: 2 },
    ];
    const keys = changes.map((change) => keyOf(laneKeys({ ...secrets, ...change }).sealing));
    expect(new Set(keys).size).toBe(changes.length);
  });

  it('are ratcheted after so many records, with the counter at 0 again, in step on both sides', () => {
    const [ours, theirs] = [laneKeys(secrets).sealing, laneKeys({ ...secrets, role: 'listener' }).opening];
    const every = sessionDefaults.recordsPerKey;
    const first = ours.next();
    for (let i = 1; i < every - 1; i++) ours.next();
    const last = ours.next();
    expect([first.counter, last.counter]).toEqual([0, every - 1]);
    expect(last.key).toEqual(first.key);
    const after = ours.next();
    expect(after.counter).toBe(0);
    expect(after.key).not.toEqual(first.key);
    expect(ours.count).toBe(every + 1);
    for (let i = 0; i < every; i++) theirs.next();
    expect(theirs.next()).toEqual(after);
  });

  it('never give one pair of key and counter twice', () => {
    const keys = new DirectionKeys(1, new Uint8Array(32).fill(5), 3);
    const pairs = Array.from({ length: 20 }, () => keys.next()).map(
      ({ key, counter }) => `${Buffer.from(key).toString('hex')} ${counter}`,
    );
    expect(new Set(pairs).size).toBe(20);
  });

  it('are as they were in version 1', () => {
    const { sealing, opening } = laneKeys(secrets);
    expect([keyOf(sealing), keyOf(opening)]).toMatchInlineSnapshot(`
      [
        "3e485640e10a38c05fa02480abcdab475a3cc70f19a2efbc77a9b43412e51b8d",
        "b2cfe5986df9b22c6d26e7cd9dea21b88cd3f9af74a98491774b1bd787503199",
      ]
    `);
    const short = new DirectionKeys(1, new Uint8Array(32).fill(5), 1);
    short.next();
    expect(keyOf(short)).toMatchInlineSnapshot(
      `"1f0f665d56d3f283b7ab3ed7d780cb41aee531f478b9177bb2fdc6ec85f54ba0"`,
    );
  });
});

describe('a lane join', () => {
  const join: LaneJoin = {
    sessionTranscript: new Uint8Array(64).fill(3),
    lane: 1,
    dialerNonce: new Uint8Array(32).fill(4),
    listenerNonce: new Uint8Array(32).fill(5),
  };
  const { secret } = secrets;

  it('is proved with a MAC that only the secret, both nonces, the lane and the role give', () => {
    const transcript = laneJoinTranscript(join);
    const proof = laneJoinMac(secret, transcript, 'dialer');
    expect(isLaneJoinMac(secret, transcript, 'dialer', proof)).toBe(true);
    expect(isLaneJoinMac(secret, transcript, 'listener', proof)).toBe(false);
    expect(isLaneJoinMac(new Uint8Array(32), transcript, 'dialer', proof)).toBe(false);
    const others: Partial<LaneJoin>[] = [
      { lane: 2 },
      { dialerNonce: new Uint8Array(32) },
      { listenerNonce: new Uint8Array(32) },
      { sessionTranscript: new Uint8Array(64) },
      { dialerNonce: join.listenerNonce, listenerNonce: join.dialerNonce },
    ];
    for (const other of others)
      expect(isLaneJoinMac(secret, laneJoinTranscript({ ...join, ...other }), 'dialer', proof)).toBe(false);
    for (const i of proof.keys()) {
      const changed = proof.slice();
      changed[i] = (changed[i] ?? 0) ^ 0x10;
      expect(isLaneJoinMac(secret, transcript, 'dialer', changed)).toBe(false);
    }
    for (const cut of [proof.subarray(1), new Uint8Array()])
      expect(isLaneJoinMac(secret, transcript, 'dialer', cut)).toBe(false);
  });

  it('gives keys that are those of no other lane', () => {
    const joined = { ...secrets, lane: 1, transcript: laneJoinTranscript(join) };
    const again = {
      ...joined,
      transcript: laneJoinTranscript({ ...join, dialerNonce: new Uint8Array(32).fill(8) }),
    };
    expect(new Set([secrets, joined, again].map((of) => keyOf(laneKeys(of).sealing))).size).toBe(3);
  });

  it('names its session without telling anything of the secret', () => {
    const id = sessionId(secret, join.sessionTranscript);
    expect(id).toHaveLength(16);
    expect(id).not.toEqual(sessionId(new Uint8Array(32).fill(6), join.sessionTranscript));
  });
});
