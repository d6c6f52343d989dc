import { describe, expect, it } from 'vitest';
import type { Connection, Transport } from 'xfer/plugin';
import { addressesOf, tryPaths } from '../../../src/app/doctor-paths.js';
import type { PathFinding } from '../../../src/app/finding.js';
import { measuringDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { formatAddress } from '../../../src/transport/address.js';
import { openErrorCode } from '../../../src/transport/contract.js';
import { MeasuringListener } from '../../../src/transport/measuring-listener.js';
import { measuringByte } from '../../../src/transport/measuring.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { memory } from '../../support/memory-transport.js';

const schemes = ['udp', 'quic', 'tcp', 'ws', 'wss', 'other'];
const urls = (target: string) => addressesOf(target, schemes).map(({ address }) => formatAddress(address));

describe('where a target may answer', () => {
  it('is wherever it would be sent to, and with other transports at the usual port', () => {
    expect(urls('host')).toEqual([
      ...['tcp://host:4840', 'udp://host:4840', 'quic://host:4841'],
      ...['tcp://host:443', 'wss://host:443', 'quic://host:443', 'udp://host:443', 'ws://host:4840'],
      'other://host:4840',
    ]);
    const aside = addressesOf('host', schemes).filter(({ isAside }) => isAside);
    expect(aside.map(({ address }) => address.port)).toEqual([443, 443, 443, 443]);
  });

  it('is at the port that is given, quic too', () => {
    expect(urls('[::1]:7000')).toEqual([
      ...['tcp://[::1]:7000', 'udp://[::1]:7000', 'quic://[::1]:7000'],
      ...['wss://[::1]:7000', 'ws://[::1]:7000', 'other://[::1]:7000'],
    ]);
    expect(urls('host:65535')).toContain('quic://host:65535');
    expect(urls('host:4840')).toContain('wss://host:4840');
    expect(addressesOf('host:443', schemes).some(({ isAside }) => isAside)).toBe(false);
  });

  it('is on a fabric as well, once, whatever provider may be pinned', () => {
    const all = [...schemes, 'rdma', 'rdma+efa', 'rdma+shm'];
    const found = addressesOf('host', all).map(({ address }) => formatAddress(address));
    expect(found.filter((url) => url.startsWith('rdma'))).toEqual(['rdma://host:4842']);
    const pinned = addressesOf('rdma+shm://host', all).map(({ address }) => formatAddress(address));
    expect(pinned).toEqual(['rdma+shm://host:4842']);
  });

  it('is nowhere that measuring would refuse one doctor', () => {
    const { streamsPerMinute, maxStreamsPerAddress } = measuringDefaults;
    expect(urls('host').length).toBeLessThanOrEqual(Math.min(streamsPerMinute, maxStreamsPerAddress));
  });

  it('is there alone where a scheme says so', () => {
    expect(urls('udp://host')).toEqual(['udp://host:4840']);
    expect(urls('wss://host:8443')).toEqual(['wss://host:8443']);
  });

  it('is nowhere for what is no address', () => {
    for (const target of ['room:4821', 'local:/tmp', 'host:99999', ''])
      expect(() => urls(target)).toThrow(XferError);
  });
});

const path = (scheme: string, isAside = false) => ({
  address: { scheme, host: 'host', port: 1 },
  isAside,
});

/** A registry with one transport in memory, on which somebody refuses every stream, and one that fails. */
async function network(code: number): Promise<TransportRegistry> {
  const registry = new TransportRegistry();
  const inner = memory();
  registry.add(inner, 'test');
  const transport = await registry.get('memory');
  await transport.listen(
    { scheme: 'memory', host: 'host', port: 1 },
    { onConnection: (connection) => connection.onStream((stream) => stream.refuse(code)) },
  );
  const broken: Transport = {
    probe: () => expect.unreachable(),
    listen: () => expect.unreachable(),
    dial: () => Promise.reject(new XferError('ERR_XFER_TIMEOUT', 'silence')),
  };
  const load = () => Promise.resolve(broken);
  registry.add({ apiVersion: 1, name: 'broken', schemes: ['broken'], load }, 'test');
  return registry;
}

async function tried(
  registry: TransportRegistry,
  signal = new AbortController().signal,
  addresses = ['memory', 'broken', 'unknown'].map((scheme) => path(scheme)),
) {
  const told: PathFinding[] = [];
  const { paths: found } = await tryPaths({
    ...{ transports: registry, timeoutMs: 1000, signal, interfaces: [] },
    addresses,
    onPath: (path) => told.push(path),
  });
  expect(told).toEqual(found);
  return new Map(found.map((path) => [path.transport, path]));
}

describe('the paths to a target', () => {
  it('are told of with why they fail', async () => {
    const found = await tried(await network(openErrorCode.refused));
    expect(found.get('broken')).toEqual({
      ...{ address: 'broken://host:1', transport: 'broken', state: 'fails' },
      ...{ code: 'ERR_XFER_TIMEOUT', detail: 'silence' },
    });
    expect(found.get('unknown')).toMatchObject({ state: 'fails', code: 'ERR_XFER_NO_TRANSPORT' });
  });

  it.each([
    ['not offered', openErrorCode.refused],
    ['not offered', openErrorCode.routeNotFound],
    ['busy', openErrorCode.resourceLimit],
    ['refused', openErrorCode.accessDenied],
  ])('have a round trip where measuring is %s (code %i), and no goodput', async (unmeasured, code) => {
    const found = (await tried(await network(code))).get('memory');
    expect(found).toMatchObject({ state: 'works', unmeasured });
    expect(found?.minRttMs).toBeGreaterThanOrEqual(0);
    expect(found).not.toHaveProperty('goodput');
  });

  it('are told of once where the transport is not on this machine', async () => {
    const addresses = [path('unknown'), path('broken'), path('unknown'), path('broken')];
    const told: string[] = [];
    await tryPaths({
      ...{ transports: await network(openErrorCode.refused), timeoutMs: 1000, interfaces: [], addresses },
      signal: new AbortController().signal,
      onPath: ({ transport }) => told.push(transport),
    });
    expect(told.toSorted()).toEqual(['broken', 'broken', 'unknown']);
  });

  it('stand aside at 443: those that fail are told of only where nothing else answers', async () => {
    const registry = await network(openErrorCode.refused);
    const states = async (...addresses: ReturnType<typeof path>[]) =>
      [...(await tried(registry, undefined, addresses)).values()].map(({ transport, state }) => [
        transport,
        state,
      ]);
    expect(await states(path('memory'), path('broken', true))).toEqual([['memory', 'works']]);
    expect(await states(path('memory', true), path('broken', true))).toEqual([
      ['broken', 'fails'],
      ['memory', 'works'],
    ]);
    expect(await states(path('unknown'), path('memory', true))).toEqual([
      ['unknown', 'fails'],
      ['memory', 'works'],
    ]);
  });

  it('leave no connection behind, and end with the signal', async () => {
    const registry = await network(openErrorCode.refused);
    const dialled: Connection[] = [];
    const transport = await registry.get('memory');
    const { dial } = transport;
    transport.dial = async (...args) => {
      const connection = await dial.apply(transport, args);
      dialled.push(connection);
      return connection;
    };
    await tried(registry);
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'stop');
    await expect(tried(registry, AbortSignal.abort(reason))).rejects.toBe(reason);
    await Promise.all(dialled.map(({ closed }) => closed));
    expect(dialled.length).toBeGreaterThan(0);
  });

  it('have the loss as it was counted, not rounded, and say whether it is this machine', async () => {
    const registry = new TransportRegistry();
    registry.add(memory(), 'test');
    const transport = await registry.get('memory');
    const listener = new MeasuringListener({
      isBusy: () => false,
      limits: { contentMs: 20, reportMs: 10 },
    });
    await transport.listen(
      { scheme: 'memory', host: 'host', port: 1 },
      {
        onConnection: (connection) =>
          connection.onStream((stream, header) => void listener.take(stream, header, 'source')),
      },
    );
    const dial = transport.dial.bind(transport);
    let asked = 0;
    transport.dial = async (...args) => {
      const connection = await dial(...args);
      const stats = connection.stats.bind(connection);
      connection.stats = () => ({ ...stats(), datagramsSent: 100_000 * asked, lost: 96 * asked++ });
      return connection;
    };
    const measured = (host: string, addresses: readonly string[] = []) =>
      tryPaths({
        ...{ transports: registry, timeoutMs: 1000, signal: new AbortController().signal },
        interfaces: [{ name: 'a', isLoopback: false, addresses, hasIPv6: false, mtuBytes: 1500 }],
        addresses: [{ address: { scheme: 'memory', host, port: 1 }, isAside: false }],
        onPath: () => undefined,
      });
    const far = await measured('192.0.2.9', ['192.0.2.1']);
    expect(far.paths[0]?.lossShare).toBe(0.00096);
    expect(far.isSameHost).toBe(false);
    expect((await measured('192.0.2.1', ['192.0.2.1'])).isSameHost).toBe(true);
    expect((await measured('127.0.0.1')).isSameHost).toBe(true);
  });

  it('end with the signal at once while they are measured, and tell of none from then on', async () => {
    const registry = new TransportRegistry();
    registry.add(memory(), 'test');
    const transport = await registry.get('memory');
    const stop = new AbortController();
    const accepted: Connection[] = [];
    await transport.listen(
      { scheme: 'memory', host: 'host', port: 1 },
      {
        onConnection: (connection) => {
          accepted.push(connection);
          connection.onStream((stream) => {
            stream.accept();
            // Pings are answered; content begins with another byte, and is taken without a word.
            stream.onData((bytes) => {
              if (bytes.length === 1 && bytes[0] === measuringByte.ping) stream.send(bytes.slice());
              else stop.abort(reason);
            });
          });
        },
      },
    );
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'stop');
    const told: PathFinding[] = [];
    const over = tryPaths({
      ...{ transports: registry, timeoutMs: 1000, signal: stop.signal, interfaces: [] },
      addresses: [path('memory'), path('memory')],
      onPath: (path) => told.push(path),
    });
    await expect(over).rejects.toBe(reason);
    expect(accepted).toHaveLength(2);
    await Promise.all(accepted.map(({ closed }) => closed));
    expect(told).toEqual([]);
  });

  it('end with the signal where what listens says nothing, or nobody heeds it', async () => {
    const registry = new TransportRegistry();
    registry.add(memory(), 'test');
    const deaf: Transport = {
      probe: () => expect.unreachable(),
      listen: () => expect.unreachable(),
      dial: () => new Promise(() => undefined),
    };
    const load = () => Promise.resolve(deaf);
    registry.add({ apiVersion: 1, name: 'deaf', schemes: ['deaf'], load }, 'test');
    const transport = await registry.get('memory');
    const stop = new AbortController();
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'stop');
    const over = new Promise<void>((resolve) => {
      const onConnection = (connection: Connection) => {
        connection.onStream(() => stop.abort(reason));
        void connection.closed.then(() => resolve());
      };
      void transport.listen({ scheme: 'memory', host: 'host', port: 1 }, { onConnection });
    });
    const told: PathFinding[] = [];
    const trying = tryPaths({
      ...{ transports: registry, timeoutMs: 60_000, signal: stop.signal, interfaces: [] },
      addresses: ['memory', 'deaf'].map((scheme) => path(scheme)),
      onPath: (path) => told.push(path),
    });
    await expect(trying).rejects.toBe(reason);
    await over;
    expect(told).toEqual([]);
  });
});
