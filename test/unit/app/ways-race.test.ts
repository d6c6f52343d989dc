import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { planWays } from '../../../src/app/ways-plan.js';
import { WayRace } from '../../../src/app/ways-race.js';
import type { Decision } from '../../../src/app/events.js';
import { waysDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import type { Address } from '../../../src/transport/address.js';
import { fakeConnection, type FakeConnection } from '../../support/fake-connection.js';

interface Dialled {
  readonly name: string;
  readonly atMs: number;
  readonly signal: AbortSignal;
  connect(): FakeConnection;
  fail(code?: 'ERR_XFER_CONNECTION_REFUSED' | 'ERR_XFER_VERSION' | 'ERR_XFER_UNKNOWN_HOST'): void;
}

const schemes = new Set(['tcp', 'udp', 'quic', 'ws', 'wss']);
const nameOf = ({ scheme, port }: Address) => `${scheme} ${port}`;

/** A race of which the test is the network. */
function race(schemesThere: ReadonlySet<string> = schemes) {
  const dialled: Dialled[] = [];
  const decisions: Decision[] = [];
  const ending = new AbortController();
  const began = performance.now();
  const running = new WayRace({
    host: 'far',
    plan: planWays({ host: 'far', port: undefined }, schemesThere),
    signal: ending.signal,
    onDecision: (decision) => decisions.push(decision),
    dial: (address, signal, begin) =>
      new Promise((resolve, reject) => {
        begin();
        const name = nameOf(address);
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        dialled.push({
          ...{ name, signal, atMs: performance.now() - began },
          connect: () => {
            const fake = fakeConnection(address);
            resolve(fake.connection);
            return fake;
          },
          fail: (code = 'ERR_XFER_CONNECTION_REFUSED') => reject(new XferError(code, `${name}: for a test`)),
        });
      }),
  });
  const at = (name: string): Dialled => {
    const found = dialled.find((one) => one.name === name);
    if (!found) throw new Error(`${name} is not dialled yet, but ${dialled.map((one) => one.name).join()}`);
    return found;
  };
  return { running, dialled, at, decisions, ending, names: () => dialled.map(({ name }) => name) };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('WayRace', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('dials nothing but tcp where that answers at once', async () => {
    const { running, at, names } = race();
    const first = running.next();
    await pass(0);
    const tcp = at('tcp 4840').connect();
    const there = await first;
    expect([there.connection === tcp.connection, there.hasAnswered?.()]).toEqual([true, false]);
    tcp.answer();
    await pass(20_000);
    expect([there.hasAnswered?.(), names(), tcp.ended]).toEqual([true, ['tcp 4840'], 'no']);
    expect(running.isOver).toBe(true);
  });

  it('has all ways under way within about a second where nothing is heard', async () => {
    const { running, dialled } = race();
    void running.next().catch(() => undefined);
    await pass(1_100);
    expect(dialled.map(({ name, atMs }) => `${name} at ${Math.round(atMs / 50) * 50}`)).toEqual([
      'tcp 4840 at 0',
      'udp 4840 at 150',
      'quic 4841 at 300',
      'tcp 443 at 500',
      'wss 443 at 600',
      'quic 443 at 700',
      'udp 443 at 800',
      'ws 4840 at 900',
    ]);
  });

  it('goes on at once where a way is refused', async () => {
    const { running, at, names } = race();
    void running.next();
    await pass(0);
    at('tcp 4840').fail();
    await pass(0);
    expect(names()).toEqual(['tcp 4840', 'udp 4840']);
    at('udp 4840').fail();
    await pass(0);
    expect(names()).toEqual(['tcp 4840', 'udp 4840', 'quic 4841']);
  });

  it('does not count the time before a dial begins as silence', async () => {
    const begins: (() => void)[] = [];
    const running = new WayRace({
      host: 'far',
      plan: planWays({ host: 'far', port: undefined }, schemes),
      signal: new AbortController().signal,
      onDecision: () => undefined,
      dial: (_address, _signal, begin) => new Promise(() => begins.push(begin)),
    });
    void running.next();
    await pass(5_000);
    expect(begins.length).toBe(1);
    begins[0]?.();
    await pass(waysDefaults.nextWayMs + 10);
    expect(begins.length).toBe(2);
  });

  it('keeps to tcp where others answer while there is still time for its own answer', async () => {
    const { running, at } = race();
    const first = running.next();
    await pass(waysDefaults.nextWayMs + 10);
    const tcp = at('tcp 4840').connect();
    await first;
    const udp = at('udp 4840').connect();
    await pass(50);
    udp.answer();
    await pass(100);
    expect([tcp.ended, udp.ended]).toEqual(['no', 'no']);
    tcp.answer();
    await pass(0);
    expect([tcp.ended, udp.ended]).toEqual(['no', 'closed']);
  });

  it('goes over to what answers where something takes the connection and says nothing', async () => {
    const { running, at, decisions } = race();
    const first = running.next();
    await pass(2);
    const tcp = at('tcp 4840').connect();
    const there = await first;
    await pass(waysDefaults.silenceMs + 10);
    const udp = at('udp 4840').connect();
    udp.answer();
    await pass(0);
    expect([there.hasAnswered?.(), tcp.ended]).toEqual([false, 'aborted']);
    expect((await there.connection.closed).error).toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
    expect(running.isOver).toBe(false);
    const second = await running.next();
    expect([second.address.scheme, second.connection === udp.connection]).toEqual(['udp', true]);
    expect([second.hasAnswered?.(), running.isOver]).toEqual([true, true]);
    expect(decisions.map(({ decision, address }) => `${decision} ${address}`)).toEqual([
      'dial tcp://far:4840',
      'open tcp://far:4840',
      'dial udp://far:4840',
      'open udp://far:4840',
      'fail tcp://far:4840',
      'win udp://far:4840',
    ]);
  });

  it('tcp silent, udp silent, 443 answers: what is in front and silent holds nothing up', async () => {
    const { running, at, dialled } = race();
    const first = running.next();
    await pass(0);
    const tcp = at('tcp 4840').connect();
    await first;
    await pass(1_100);
    expect(dialled.map(({ name, atMs }) => `${name} at ${Math.round(atMs / 50) * 50}`)).toEqual([
      'tcp 4840 at 0',
      'udp 4840 at 250',
      'quic 4841 at 400',
      'tcp 443 at 600',
      'wss 443 at 700',
      'quic 443 at 800',
      'udp 443 at 900',
      'ws 4840 at 1000',
    ]);
    at('tcp 443').connect().answer();
    await pass(0);
    expect(tcp.ended).toBe('aborted');
    expect((await running.next()).address).toMatchObject({ scheme: 'tcp', port: 443 });
  });

  it('a way that is refused behind a silent front starts the next at once', async () => {
    const { running, at, names } = race();
    void running.next();
    await pass(0);
    at('tcp 4840').connect();
    await pass(waysDefaults.silenceMs + 10);
    at('udp 4840').fail();
    await pass(0);
    expect(names()).toEqual(['tcp 4840', 'udp 4840', 'quic 4841']);
  });

  it('while what is in front has time to answer nothing more is dialled, even where one fails', async () => {
    const { running, at, names } = race();
    void running.next();
    await pass(waysDefaults.nextWayMs + 10);
    at('tcp 4840').connect();
    await pass(0);
    at('udp 4840').fail();
    await pass(waysDefaults.silenceMs - 50);
    expect(names()).toEqual(['tcp 4840', 'udp 4840']);
  });

  it('has the next where a connection is cut before anybody answered', async () => {
    const { running, at } = race();
    const first = running.next();
    await pass(0);
    const tcp = at('tcp 4840').connect();
    const there = await first;
    tcp.cut(new XferError('ERR_XFER_PROTOCOL', 'the other side is not an xfer'));
    const second = running.next();
    await pass(0);
    expect(there.hasAnswered?.()).toBe(false);
    const udp = at('udp 4840').connect();
    expect((await second).connection).toBe(udp.connection);
  });

  it('gives out one that waits behind the one that was cut', async () => {
    const { running, at } = race();
    const first = running.next();
    await pass(waysDefaults.nextWayMs + 10);
    const tcp = at('tcp 4840').connect();
    await first;
    const udp = at('udp 4840').connect();
    await pass(0);
    tcp.cut(new XferError('ERR_XFER_CONNECTION_LOST', 'reset'));
    expect((await running.next()).connection).toBe(udp.connection);
  });

  it('closes in order what comes too late', async () => {
    const { running, at } = race();
    const first = running.next();
    await pass(waysDefaults.nextWayMs + 10);
    const udp = at('udp 4840').connect();
    udp.answer();
    await first;
    const { signal } = at('tcp 4840');
    expect(signal.aborted).toBe(true);
    const late = race();
    void late.running.next().catch(() => undefined);
    await pass(waysDefaults.nextWayMs + 10);
    const [tcp, other] = [late.at('tcp 4840').connect(), late.at('udp 4840').connect()];
    await pass(0);
    tcp.answer();
    await pass(0);
    expect([tcp.ended, other.ended]).toEqual(['no', 'closed']);
  });

  it('nothing that is left keeps the process', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const { running, at } = race();
    const first = running.next();
    await pass(waysDefaults.nextWayMs + 10);
    const tcp = at('tcp 4840').connect();
    await first;
    const udp = at('udp 4840').connect();
    vi.spyOn(udp.connection, 'close').mockReturnValue(new Promise(() => undefined));
    await pass(0);
    tcp.answer();
    await pass(0);
    const leaving = timers.mock.calls.findIndex(([, ms]) => ms === waysDefaults.leaveMs);
    expect((timers.mock.results[leaving]?.value as NodeJS.Timeout).hasRef()).toBe(false);
    await pass(waysDefaults.leaveMs);
    expect(udp.ended).toBe('aborted');
  });

  it('says of each way why it does not lead there, and waits little for silence beside a refusal', async () => {
    const { running, at } = race(new Set(['tcp', 'udp']));
    const failed = running.next().catch((error: unknown) => error);
    await pass(0);
    at('tcp 4840').fail();
    await pass(0);
    at('udp 4840');
    await pass(waysDefaults.otherPortsMs + waysDefaults.nextWayMs);
    at('tcp 443').fail();
    await pass(waysDefaults.leastPatienceMs);
    expect(await failed).toMatchObject({
      code: 'ERR_XFER_CONNECTION_REFUSED',
      message: 'far: tcp 4840 refused, tcp 443 refused, udp 4840 silent, udp 443 silent',
      remedy: 'check that it is started there (xfer recv, xfer pipe --listen) and listens on this port',
    });
    await expect(running.next()).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
  });

  it('tells of another version rather than of silence', async () => {
    const { running, at } = race(new Set(['udp']));
    const failed = running.next().catch((error: unknown) => error);
    await pass(400);
    at('udp 4840').fail('ERR_XFER_VERSION');
    at('udp 443').fail();
    await pass(0);
    expect(await failed).toMatchObject({ code: 'ERR_XFER_VERSION' });
  });

  it('has one plain error for a host that is not known', async () => {
    const { running, dialled, names } = race(new Set(['tcp']));
    const failed = running.next().catch((error: unknown) => error);
    await pass(0);
    for (const at of [0, 1]) {
      dialled[at]?.fail('ERR_XFER_UNKNOWN_HOST');
      await pass(0);
    }
    expect(names()).toEqual(['tcp 4840', 'tcp 443']);
    expect(await failed).toMatchObject({ code: 'ERR_XFER_UNKNOWN_HOST', message: 'tcp 4840: for a test' });
  });

  it('ends with its signal, and leaves alone what was given out', async () => {
    const { running, at, ending, names } = race();
    const first = running.next();
    await pass(waysDefaults.nextWayMs + 10);
    const tcp = at('tcp 4840').connect();
    await first;
    const udp = at('udp 4840').connect();
    await pass(0);
    ending.abort(new Error('enough'));
    await pass(20_000);
    expect([tcp.ended, udp.ended, names().length]).toEqual(['no', 'closed', 2]);
    await expect(running.next()).rejects.toThrow('enough');
  });

  it('drops a connection that nobody fetched when its signal says so', async () => {
    const { running, at, ending } = race();
    const first = running.next();
    await pass(2);
    at('tcp 4840').connect();
    await first;
    await pass(waysDefaults.silenceMs + 10);
    const udp = at('udp 4840').connect();
    udp.answer();
    await pass(0);
    ending.abort(new Error('enough'));
    expect(udp.ended).toBe('closed');
  });
});
