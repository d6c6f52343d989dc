import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Decision } from '../../../src/app/events.js';
import type { FabricGain } from '../../../src/app/fabric-gain.js';
import { directWays, type DirectWaysOptions } from '../../../src/app/ways-direct.js';
import type { NamedHost } from '../../../src/app/ways-plan.js';
import type { Ways, WayThere } from '../../../src/app/ways.js';
import { waysDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { formatAddress, type Address } from '../../../src/transport/address.js';
import { transportApiVersion, type DialOptions, type Transport } from '../../../src/transport/contract.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { fakeConnection, type FakeConnection } from '../../support/fake-connection.js';

interface World {
  readonly ways: Ways;
  readonly dialled: { readonly url: string; readonly options: DialOptions }[];
  readonly decisions: Decision[];
  readonly notes: string[];
  readonly connections: FakeConnection[];
}

/** Transports that connect to what `leads` says, each connection from an address of its own choice. */
function world(
  leads: (url: string) => boolean,
  { host = '192.0.2.7', port, ...rest }: Partial<DirectWaysOptions> & Partial<NamedHost> = {},
): World {
  const transports = new TransportRegistry();
  const [dialled, decisions, connections]: [World['dialled'], Decision[], FakeConnection[]] = [[], [], []];
  const notes: string[] = [];
  const transport = {
    dial: (to: Address, options: DialOptions) => {
      const url = formatAddress(to);
      dialled.push({ url, options });
      if (!leads(url)) return Promise.reject(new XferError('ERR_XFER_CONNECTION_REFUSED', `${url}: refused`));
      const connection = fakeConnection({ ...to, host: options.resolved?.[0] ?? to.host });
      connections.push(connection);
      return Promise.resolve(connection.connection);
    },
    listen: () => Promise.reject(new Error('not here')),
    probe: () => Promise.reject(new Error('not here')),
  } satisfies Transport;
  for (const schemes of [
    ['tcp'],
    ['ws', 'wss'],
    ['udp'],
    ['quic'],
    ['rdma', 'rdma+efa', 'rdma+tcp', 'rdma+shm'],
  ])
    transports.add(
      {
        apiVersion: transportApiVersion,
        name: schemes[0] ?? '',
        schemes,
        load: () => Promise.resolve(transport),
      },
      'for a test',
    );
  const ways = directWays({
    named: { host, port },
    transports,
    tuning: { congestion: 'cubic' },
    ...rest,
    onDecision: (decision) => decisions.push(decision),
    onNote: (message) => notes.push(message),
  });
  return { ways, dialled, decisions, notes, connections };
}

const never = new AbortController().signal;
const shown = (addresses: readonly Address[]) => addresses.map(formatAddress);

async function started(
  leads: string,
  options: Parameters<typeof world>[1] = {},
): Promise<World & { there: WayThere }> {
  const made = world((url) => url === leads, options);
  const there = await made.ways.dialFirst(never);
  made.connections[0]?.answer();
  await made.connections[0]?.connection.answered;
  return { ...made, there };
}

describe('directWays', () => {
  afterEach(() => void vi.useRealTimers());

  it('looks the host up once, gives the tuning on, and leaves names to HTTP proxies', async () => {
    const { dialled, there } = await started('ws://192.0.2.7:4840');
    expect(formatAddress(there.address)).toBe('ws://192.0.2.7:4840');
    const resolved = dialled.map(({ url, options }) => `${url} ${options.resolved?.join() ?? 'by name'}`);
    expect(resolved).toEqual([
      'tcp://192.0.2.7:4840 192.0.2.7',
      'udp://192.0.2.7:4840 192.0.2.7',
      'quic://192.0.2.7:4841 192.0.2.7',
      'tcp://192.0.2.7:443 192.0.2.7',
      'wss://192.0.2.7:443 by name',
      'quic://192.0.2.7:443 192.0.2.7',
      'udp://192.0.2.7:443 192.0.2.7',
      'ws://192.0.2.7:4840 by name',
    ]);
    expect(dialled.every(({ options }) => options.tuning?.congestion === 'cubic')).toBe(true);
  });

  it('a name that is looked up for long holds up nothing that is dialled by name', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const resolve = () => new Promise<never>(() => undefined);
    const { ways, dialled } = world((url) => url.startsWith('ws:'), { host: 'far.example', resolve });
    const first = ways.dialFirst(never);
    await vi.advanceTimersByTimeAsync(waysDefaults.nextWayMs - 10);
    expect(dialled).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(dialled.map(({ url }) => url)).toEqual(['wss://far.example:443', 'ws://far.example:4840']);
    expect(formatAddress((await first).address)).toBe('ws://far.example:4840');
  });

  it('begins with what answered last when it is asked again', async () => {
    const { ways, dialled } = await started('udp://192.0.2.7:4840');
    const before = dialled.length;
    const again = await ways.dialFirst(never);
    expect([again.address.scheme, dialled.length - before]).toEqual(['udp', 1]);
  });

  it('keeps the way that answered in mind over one that only connected since', async () => {
    const { ways, connections, dialled } = await started('udp://192.0.2.7:4840');
    const ending = new AbortController();
    await ways.dialFirst(ending.signal);
    // Nobody answers this time, and it is given up.
    ending.abort(new Error('enough'));
    connections[1]?.cut(new Error('silent'));
    const before = dialled.length;
    await ways.dialFirst(never);
    expect(dialled[before]?.url).toBe('udp://192.0.2.7:4840');
  });

  it('has the next way behind a connection on which nobody answered', async () => {
    const { ways, connections, dialled } = world(() => true);
    const first = await ways.dialFirst(never);
    connections[0]?.cut(new XferError('ERR_XFER_CONNECTION_LOST', 'reset'));
    const second = await ways.dialFirst(never);
    expect([first.address.scheme, second.address.scheme]).toEqual(['tcp', 'udp']);
    expect(dialled.length).toBe(2);
  });

  it('begins anew after all have failed', async () => {
    let isThere = false;
    const { ways } = world(() => isThere);
    await expect(ways.dialFirst(never)).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_REFUSED',
      message:
        '192.0.2.7: tcp 4840 refused, udp 4840 refused, quic 4841 refused, tcp 443 refused, wss 443 refused, ' +
        'quic 443 refused, udp 443 refused, ws 4840 refused',
    });
    isThere = true;
    expect((await ways.dialFirst(never)).address.scheme).toBe('tcp');
  });

  it('uses nothing but what may be used', async () => {
    const { dialled, ways, there } = await started('udp://192.0.2.7:443', { use: ['udp'] });
    expect(dialled.map(({ url }) => url)).toEqual(['udp://192.0.2.7:4840', 'udp://192.0.2.7:443']);
    expect(shown(ways.candidates(there, ['tcp://[::]:4840', 'quic://[::]:4841']))).toEqual([
      'udp://192.0.2.7:4840',
    ]);
  });

  it('leaves quic out, which has no other congestion control than cubic, unless it is named', async () => {
    const options = { tuning: { congestion: 'bbr' } };
    const { dialled, ways, there } = await started('udp://192.0.2.7:443', options);
    expect(dialled.filter(({ url }) => url.startsWith('quic:'))).toEqual([]);
    expect(shown(ways.candidates(there, ['udp://[::]:443', 'quic://[::]:4841']))).toEqual([]);
    const named = await started('quic://192.0.2.7:4841', { ...options, use: ['quic'] });
    expect(formatAddress(named.there.address)).toBe('quic://192.0.2.7:4841');
  });

  it('offers what the receiver tells of, one for each transport and port', async () => {
    const { ways, there, decisions } = await started('tcp://192.0.2.7:4840');
    const told = [
      'udp://[::]:5000',
      'tcp://0.0.0.0:4840',
      'udp://192.0.2.7:5000',
      'tcp://192.0.2.99:4841',
      'quic://[::]:4841',
    ];
    expect(shown(ways.candidates(there, told))).toEqual(['udp://192.0.2.7:5000', 'quic://192.0.2.7:4841']);
    expect(decisions.slice(-2)).toEqual([
      {
        decision: 'refuse',
        message: 'told tcp://192.0.2.99:4841: another host than the one that answered',
      },
      {
        decision: 'offer',
        message: 'ways to try beside tcp://192.0.2.7:4840: udp://192.0.2.7:5000, quic://192.0.2.7:4841',
        numbers: { told: 5, candidates: 2 },
      },
    ]);
  });

  it('guesses where the receiver tells nothing, or not of the way that works', async () => {
    const { ways, there } = await started('tcp://192.0.2.7:14840', { port: 14840 });
    expect(shown(ways.candidates(there, []))).toEqual(['udp://192.0.2.7:14840', 'quic://192.0.2.7:14840']);
    expect(shown(ways.candidates(there, ['tcp://[::]:4840', 'udp://[::]:4840']))).toEqual([
      'tcp://192.0.2.7:4840',
      'udp://192.0.2.7:4840',
      'udp://192.0.2.7:14840',
      'quic://192.0.2.7:14840',
    ]);
  });

  it('dials what was told nowhere but at the address that answered, by name as well', async () => {
    const { ways, there, dialled } = await started('tcp://192.0.2.7:4840');
    const [byName] = ways.candidates(there, ['tcp://[::]:4840', 'wss://[::]:8443']);
    expect(byName).toMatchObject({ scheme: 'wss', port: 8443 });
    if (byName) await ways.dial(byName, never).catch(() => undefined);
    expect(dialled.at(-1)).toMatchObject({
      url: 'wss://192.0.2.7:8443',
      options: { resolved: ['192.0.2.7'] },
    });
  });

  it('offers 16 at most', async () => {
    const { ways, there } = await started('tcp://192.0.2.7:4840');
    const told = Array.from({ length: 100 }, (_, i) => `udp://[::]:${5000 + i}`);
    expect(ways.candidates(there, told).length).toBe(16);
  });

  it('ends with its signal', async () => {
    const { ways } = world(() => true);
    const ending = new AbortController();
    ending.abort(new Error('enough'));
    await expect(ways.dialFirst(ending.signal)).rejects.toThrow('enough');
  });
});

describe('fabrics', () => {
  const efa: FabricGain = { ok: true, providers: ['efa'], isOffloaded: true };
  const gives = (gain: FabricGain) => ({ gain: () => Promise.resolve(gain) });

  it('are not asked for by who was not told of one', async () => {
    const gain = () => Promise.reject(new Error('was asked'));
    const { ways, there, dialled } = await started('ws://192.0.2.7:4840', { gain });
    expect(dialled.filter(({ url }) => url.startsWith('rdma'))).toEqual([]);
    expect(shown(ways.candidates(there, []))).not.toContain('rdma://192.0.2.7:4842');
    expect(await ways.lateCandidates?.(there, ['tcp://[::]:4840', 'udp://[::]:4840'])).toEqual([]);
  });

  it('come late, where this machine gains something by them', async () => {
    const { ways, there } = await started('tcp://192.0.2.7:4840', gives(efa));
    const told = ['tcp://[::]:4840', 'rdma://[::]:4842', 'rdma+efa://[::]:5000', 'rdma+tcp://[::]:5001'];
    expect(shown(ways.candidates(there, told))).toEqual([]);
    const late = await ways.lateCandidates?.(there, told);
    expect(late?.map(({ address, isOffloaded }) => [formatAddress(address), isOffloaded])).toEqual([
      ['rdma://192.0.2.7:4842', true],
      ['rdma+efa://192.0.2.7:5000', true],
    ]);
  });

  it('are dialled at the address that answered alone', async () => {
    const { ways, there, decisions } = await started('tcp://192.0.2.7:4840', gives(efa));
    expect(await ways.lateCandidates?.(there, ['rdma://192.0.2.99:4842'])).toEqual([]);
    expect(decisions.at(-1)).toEqual({
      decision: 'refuse',
      message: 'told rdma://192.0.2.99:4842: another host than the one that answered',
    });
  });

  it('are left out with the reason where nothing is gained', async () => {
    const none = gives({ ok: false, reason: 'no EFA or verbs device is here' });
    const { ways, there, decisions, notes } = await started('tcp://192.0.2.7:4840', none);
    expect(await ways.lateCandidates?.(there, ['rdma://[::]:4842'])).toEqual([]);
    expect(decisions.at(-1)).toEqual({
      decision: 'refuse',
      message: 'told rdma://[::]:4842: no EFA or verbs device is here',
    });
    expect(notes).toEqual([]);
  });

  it('count shared memory on this host alone', async () => {
    const asked: boolean[] = [];
    const gain = (isSameHost: boolean): Promise<FabricGain> => {
      asked.push(isSameHost);
      return Promise.resolve({ ok: false, reason: 'only asked' });
    };
    for (const host of ['127.0.0.1', '192.0.2.7']) {
      const { ways, there } = await started(`tcp://${host}:4840`, { host, gain });
      await ways.lateCandidates?.(there, ['rdma+shm://[::]:4842']);
    }
    expect(asked).toEqual([true, false]);
  });

  it('are tried like all others by who names them, whatever is gained', async () => {
    const gain = () => Promise.reject(new Error('was asked'));
    const named = await started('rdma://192.0.2.7:4842', { gain, use: ['rdma'] });
    expect(named.dialled.map(({ url }) => url)).toEqual(['rdma://192.0.2.7:4842']);
    const told = ['rdma://[::]:4842', 'rdma+shm://[::]:5000', 'tcp://[::]:4840'];
    expect(shown(named.ways.candidates(named.there, told))).toEqual(['rdma+shm://192.0.2.7:5000']);
    const pinned = await started('rdma+tcp://192.0.2.7:4842', { gain, use: ['rdma+tcp'] });
    expect(pinned.dialled.map(({ url }) => url)).toEqual(['rdma+tcp://192.0.2.7:4842']);
    const tuned = await started('tcp://192.0.2.7:4840', { gain, tuning: { provider: 'tcp;ofi_rxm' } });
    expect(shown(tuned.ways.candidates(tuned.there, ['tcp://[::]:4840', 'rdma://[::]:4842']))).toEqual([
      'rdma://192.0.2.7:4842',
    ]);
  });

  it('that fail beside a transfer are told of once to people, and each time as a decision', async () => {
    const { ways, decisions, notes } = await started('tcp://192.0.2.7:4840', gives(efa));
    const [scheme, host] = ['rdma', '192.0.2.7'];
    const silent = new XferError('ERR_XFER_TIMEOUT', 'no answer over the fabric');
    for (let times = 0; times < 2; times++) ways.handleFailed?.({ scheme, host, port: 4842 }, silent);
    ways.handleFailed?.({ scheme: 'udp', host, port: 4840 }, silent);
    expect(notes).toEqual([
      'rdma://192.0.2.7:4842 cannot be used, going on without it: no answer over the fabric',
    ]);
    expect(decisions.slice(-3).map(({ decision, address }) => [decision, address])).toEqual([
      ['fail', 'rdma://192.0.2.7:4842'],
      ['fail', 'rdma://192.0.2.7:4842'],
      ['fail', 'udp://192.0.2.7:4840'],
    ]);
  });
});
