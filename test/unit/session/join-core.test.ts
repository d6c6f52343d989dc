import { describe, expect, it } from 'vitest';
import type { HandshakeCore } from '../../../src/session/handshake-core.js';
import { encodeRefusal, frame } from '../../../src/session/handshake-messages.js';
import { JoinDialerCore, JoinListenerCore } from '../../../src/session/join-core.js';
import { laneKeys, type SessionSecrets } from '../../../src/session/keys.js';

const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
const deadline = 5_000;

function secretsOf(role: 'dialer' | 'listener', changes: Partial<SessionSecrets> = {}): SessionSecrets {
  const common = { secret: filled(1), transcript: filled(2, 64), peerKey: filled(3), cipher: 1 } as const;
  return { ...common, role, leftover: new Uint8Array(), ...changes };
}

const dialer = (changes: Partial<SessionSecrets> = {}, lane = 1, dialerNonce = filled(4)) =>
  new JoinDialerCore({ secrets: secretsOf('dialer', changes), lane, dialerNonce, deadline });
const listener = (changes: Partial<SessionSecrets> = {}, lane = 1, listenerNonce = filled(5)) =>
  new JoinListenerCore({
    secrets: secretsOf('listener', changes),
    lane,
    dialerNonce: filled(4),
    listenerNonce,
    deadline,
  });

/** What a core has to say. */
function said(core: HandshakeCore): Buffer {
  const parts: Uint8Array[] = [];
  for (let bytes = core.pollOutput(); bytes; bytes = core.pollOutput()) parts.push(bytes);
  return Buffer.concat(parts);
}

/** Both say what they have to; the proofs that went. */
function join(one: HandshakeCore, other: HandshakeCore) {
  const answer = said(other);
  one.handleData(answer);
  const proof = said(one);
  other.handleData(proof);
  return { answer, proof };
}

const failed = (code: string) => ({ kind: 'failed', error: { code } });

describe('a lane that joins', () => {
  it('has the same keys on both sides, and others than any other lane', () => {
    const [one, other] = [dialer(), listener()];
    join(one, other);
    const outcomes = [one.outcome, other.outcome];
    expect(outcomes).toMatchObject([{ kind: 'done' }, { kind: 'done' }]);
    const [here, there] = outcomes.map((outcome) => {
      if (outcome?.kind !== 'done') throw new Error('not joined');
      return laneKeys({ ...outcome.keys, lane: 1 });
    });
    expect(here?.sealing.next()).toEqual(there?.opening.next());
    const [again, andAgain] = [dialer(), listener({}, 1, filled(6))];
    join(again, andAgain);
    if (again.outcome?.kind !== 'done') throw new Error('not joined');
    const anew = laneKeys({ ...again.outcome.keys, lane: 1 });
    expect(anew.opening.next().key).not.toEqual(there?.sealing.next().key);
  });

  it('keeps what came behind the proof', () => {
    const [one, other] = [dialer(), listener()];
    one.handleData(said(other));
    const bytes = Buffer.concat([said(one), Buffer.from('a record')]);
    other.handleData(bytes);
    // They are the transport's, a Buffer or not.
    bytes.fill(0);
    const { outcome } = other;
    expect(outcome?.kind === 'done' && Buffer.from(outcome.keys.leftover).toString()).toBe('a record');
  });

  it.each([
    ['secret', { secret: filled(9) }],
    ['transcript', { transcript: filled(9, 64) }],
  ])('is refused with another %s, by either side', (_, changes) => {
    const one = dialer(changes);
    one.handleData(said(listener()));
    expect(one.outcome).toMatchObject(failed('ERR_XFER_HANDSHAKE'));
    const other = listener();
    other.handleData(join(dialer(changes), listener(changes)).proof);
    expect(other.outcome).toMatchObject(failed('ERR_XFER_HANDSHAKE'));
  });

  it.each([
    ['number', dialer({}, 2), listener()],
    ['nonce of the dialer', dialer({}, 1, filled(7)), listener()],
  ])('is refused with another %s', (_, one, other) => {
    join(one, other);
    expect(one.outcome).toMatchObject(failed('ERR_XFER_HANDSHAKE'));
    expect(other.outcome?.kind).not.toBe('done');
  });

  it('is refused with a proof of an earlier one', () => {
    const { answer, proof } = join(dialer(), listener());
    const fresh = listener({}, 1, filled(8));
    said(fresh);
    fresh.handleData(proof);
    expect(fresh.outcome).toMatchObject(failed('ERR_XFER_HANDSHAKE'));
    const one = dialer({}, 1, filled(9));
    one.handleData(answer);
    expect(one.outcome).toMatchObject(failed('ERR_XFER_HANDSHAKE'));
  });

  it('is refused with its own proof sent back', () => {
    const other = listener();
    const answer = said(other);
    other.handleData(answer);
    expect(other.outcome).toMatchObject({ kind: 'failed' });
  });

  it('is refused with any byte of the answer or the proof altered', () => {
    const { answer, proof } = join(dialer(), listener());
    for (let at = 0; at < answer.length; at++) {
      const altered = Buffer.from(answer);
      altered[at] = (altered[at] ?? 0) ^ 1;
      const one = dialer();
      one.handleData(altered);
      expect(one.outcome?.kind).not.toBe('done');
    }
    for (let at = 0; at < proof.length; at++) {
      const altered = Buffer.from(proof);
      altered[at] = (altered[at] ?? 0) ^ 1;
      const other = listener();
      other.handleData(altered);
      expect(other.outcome?.kind).not.toBe('done');
    }
  });

  it('ends with what the other side refuses it for', () => {
    const one = dialer();
    one.handleData(frame(encodeRefusal('ERR_XFER_LIMIT')));
    expect(one.outcome).toMatchObject(failed('ERR_XFER_LIMIT'));
  });

  it('ends when the other side leaves, and at its deadline', () => {
    const [left, late] = [dialer(), listener()];
    left.handleEnd();
    late.handleTime(deadline - 1);
    expect(late.outcome).toBeUndefined();
    late.handleTime(deadline);
    expect([left.outcome, late.outcome]).toMatchObject([
      failed('ERR_XFER_CONNECTION_LOST'),
      failed('ERR_XFER_TIMEOUT'),
    ]);
  });
});
