import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { PairingGate, type PairingRun } from '../../../src/session/pairing-gate.js';
import { makeGate, never, secret } from './handshake-kit.js';

const code = (error: unknown) => (error as { code?: string }).code;
const limited = expect.objectContaining({ code: 'ERR_XFER_LIMIT' }) as Error;
const spentError = expect.objectContaining({ code: 'ERR_XFER_CODE_SPENT' }) as Error;

describe('the pairing gate', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('lets one in at a time', async () => {
    const { gate } = makeGate();
    const first = await gate.enter('a', never);
    let entered = false;
    const second = gate.enter('b', never).then((run) => ((entered = true), run));
    await vi.advanceTimersByTimeAsync(1);
    expect(entered).toBe(false);
    first.finish('aborted');
    expect((await second).secret).toBe(secret);
  });

  it('ends the turn of who keeps silent and lets the next one in', async () => {
    const { gate, spent } = makeGate();
    const first = await gate.enter('a', never);
    const second = gate.enter('b', never);
    await vi.advanceTimersByTimeAsync(sessionDefaults.pairingRunTimeoutMs);
    expect(first.signal.aborted && code(first.signal.reason)).toBe('ERR_XFER_TIMEOUT');
    await second;
    first.finish('wrong');
    expect(spent).toEqual([]);
  });

  it('gives one turn in a round to an IPv6 host, whatever addresses it chooses', async () => {
    const { gate } = makeGate();
    const order: string[] = [];
    const enter = (source: string) =>
      gate.enter(source, never).then((run) => (order.push(source), run.finish('aborted')));
    const running = await gate.enter('192.0.2.1', never);
    const all = ['2001:db8::1', '2001:db8::2', '192.0.2.2'].map(enter);
    running.finish('aborted');
    await Promise.all(all);
    expect(order).toEqual(['2001:db8::1', '192.0.2.2', '2001:db8::2']);
  });

  it('gives turns to sources, not to who asks most often', async () => {
    const { gate } = makeGate();
    const order: string[] = [];
    const enter = (source: string) =>
      gate.enter(source, never).then((run) => (order.push(source), run.finish('aborted')));
    const first = await gate.enter('flood', never);
    const all = [...Array.from({ length: 5 }, () => enter('flood')), enter('honest'), enter('other')];
    first.finish('aborted');
    await Promise.all(all);
    expect(order.slice(0, 3).sort()).toEqual(['flood', 'honest', 'other']);
  });

  it('refuses who comes past the limits, in all and from one source', async () => {
    const gate = new PairingGate({
      code: { secret, kind: 'made' },
      onSpent: () => undefined,
      maxWaiting: 3,
      maxWaitingPerSource: 2,
    });
    await gate.enter('a', never);
    for (const source of ['a', 'a', 'b']) void gate.enter(source, never);
    await expect(gate.enter('b', never)).rejects.toThrow(limited);
    const other = new PairingGate({
      code: { secret, kind: 'made' },
      onSpent: () => undefined,
      maxWaiting: 9,
      maxWaitingPerSource: 2,
    });
    await other.enter('a', never);
    for (const source of ['a', 'a']) void other.enter(source, never);
    await expect(other.enter('a', never)).rejects.toThrow(limited);
    void other.enter('b', never);
  });

  it('has limits by default', async () => {
    const { gate } = makeGate();
    await gate.enter('a', never);
    for (let i = 0; i < sessionDefaults.maxHandshakesPerAddress; i++) void gate.enter('a', never);
    await expect(gate.enter('a', never)).rejects.toThrow(limited);
  });

  it('forgets who leaves the queue', async () => {
    const { gate } = makeGate();
    const first = await gate.enter('a', never);
    const leaving = new AbortController();
    const gone = gate.enter('b', leaving.signal);
    const patient = gate.enter('c', never);
    leaving.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    await expect(gate.enter('d', leaving.signal)).rejects.toThrow('gone');
    first.finish('aborted');
    await patient;
  });

  it('spends the code by a wrong guess, once, and refuses all that waited or come', async () => {
    const { gate, spent } = makeGate('chosen');
    const run = await gate.enter('a', never);
    const waiting = expect(gate.enter('b', never)).rejects.toThrow(spentError);
    run.finish('wrong');
    run.finish('wrong');
    await waiting;
    expect(spent).toEqual(['wrong']);
    expect(gate.isSpent).toBe(true);
    await expect(gate.enter('c', never)).rejects.toThrow(spentError);
  });

  it('refuses who waited for the old code, so that the new one is not spent by them', async () => {
    const runs: PairingRun[] = [];
    const gate: PairingGate = new PairingGate({
      code: { secret: 'the old code', kind: 'made' },
      onSpent: () => gate.replace({ secret: 'the new code', kind: 'made' }),
    });
    runs.push(await gate.enter('a', never));
    const waiting = expect(gate.enter('b', never)).rejects.toThrow(spentError);
    runs[0]?.finish('wrong');
    await waiting;
    expect((await gate.enter('c', never)).secret).toBe('the new code');
  });

  it('does not spend a new code by a run under the one before', async () => {
    const { gate, spent } = makeGate('chosen');
    const run = await gate.enter('a', never);
    gate.replace({ secret: 'the new code', kind: 'chosen' });
    run.finish('wrong');
    expect(spent).toEqual([]);
    expect((await gate.enter('b', never)).secret).toBe('the new code');
  });

  it('uses a made code up by the pairing that it made, and keeps a chosen one', async () => {
    for (const kind of ['made', 'chosen'] as const) {
      const { gate, spent } = makeGate(kind);
      (await gate.enter('a', never)).finish('paired');
      expect(spent).toEqual(kind === 'made' ? ['used'] : []);
    }
  });
});
