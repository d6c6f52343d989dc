import { describe, expect, it, vi } from 'vitest';
import type { FabricFinding, FabricProvider, ProbeResult, Transport } from 'xfer/plugin';
import { doctor, type DoctorOptions } from '../../../src/app/doctor.js';
import type { Finding } from '../../../src/app/finding.js';
import type { MachineFacts } from '../../../src/app/machine-facts.js';
import { udpDefaults } from '../../../src/config/defaults.js';
import { XferError } from '../../../src/errors/index.js';
import { cipher } from '../../../src/native/api.js';
import { sealTwin } from '../../../src/native/seal-twin.js';
import type { BatchSocket, BatchSocketFeatures } from '../../../src/native/udp-api.js';
import { TransportRegistry } from '../../../src/transport/registry.js';

const machine: MachineFacts = {
  ...{ version: 'v20.1.2', platform: 'linux', arch: 'x64', kernel: '6.1', processors: 2 },
  ...{ isRoot: true, packageDirectory: '/opt/xfer', isNativeOff: false },
  ...{ openFiles: 65_536, mayRaiseLimits: true },
  interfaces: [
    { name: 'lo', isLoopback: true, addresses: ['127.0.0.1'], hasIPv6: false, mtuBytes: 65_536 },
    { name: 'eth0', isLoopback: false, addresses: ['192.0.2.1'], hasIPv6: true, mtuBytes: 9001 },
  ],
  rdmaDevices: [{ name: 'rdmap0s6', driver: 'efa', link: '100 Gb/sec (4X EDR)' }],
  ...{ lockedBytes: Infinity, hugePages: { total: 8, free: 6, bytes: 2 ** 21 } },
};
const native: NonNullable<DoctorOptions['native']> = {
  ...{ kind: 'native', detail: 'Sealing is fast.', preferredCipher: cipher.aes256gcm },
  hasWideGcm: () => false,
  seal: sealTwin(),
};
const provider = (name: string, rest: Partial<FabricProvider> = {}): FabricProvider => ({
  ...{ provider: name, fabric: name, domain: name, version: '117.0', source: '', modes: [], memoryModes: [] },
  ...{ maxMessageBytes: 2 ** 30, injectBytes: 64, threading: 'SAFE', progress: 'MANUAL', ...rest },
});
const notHere = (): Error => new Error('it does not');
const libfabric = (providers: () => Promise<readonly FabricProvider[]>) => (): Promise<FabricFinding> =>
  Promise.resolve({
    ok: true,
    api: {
      ...{ version: '1.17', providers },
      ...{ open: () => Promise.reject(notHere()), loop: () => Promise.reject(notHere()) },
    },
  });
const elastic = provider('efa', {
  ...{ fabric: 'fe80::/64', domain: 'rdmap0s6-rdm', device: 'rdmap0s6', bitsPerSecond: 100e9 },
});
const software = [
  provider('tcp;ofi_rxm', { fabric: '192.0.2.0/24', domain: 'eth0' }),
  provider('tcp;ofi_rxm', { fabric: '127.0.0.1/32', domain: 'lo' }),
  provider('shm'),
];
const fabric = libfabric(() => Promise.resolve([elastic, ...software]));
const works = (detail: string): Promise<ProbeResult> => Promise.resolve({ ok: true, detail });
const enough: BatchSocketFeatures = {
  ...{ kind: 'native', gso: true, gro: true, ecn: true },
  receiveBufferBytes: 2 * udpDefaults.socketBufferBytes,
  sendBufferBytes: 2 * udpDefaults.socketBufferBytes,
};

function registry(probes: Record<string, () => Promise<ProbeResult>>): TransportRegistry {
  const all = new TransportRegistry();
  const refuse = () => Promise.reject(new Error('it does not'));
  for (const [name, probe] of Object.entries(probes)) {
    const transport: Transport = { probe, listen: refuse, dial: refuse };
    const schemes = [name, `${name}s`];
    all.add({ apiVersion: 1, name, schemes, load: () => Promise.resolve(transport) }, `plugin-${name}`);
  }
  return all;
}

/** Datagrams with these features, and whether the socket was closed. */
function datagrams(features: Partial<BatchSocketFeatures> = {}) {
  const seen = { closed: false };
  const socket = { features: { ...enough, ...features }, close: () => (seen.closed = true) };
  const udp: DoctorOptions['udp'] = {
    ...{ kind: 'native', detail: 'Datagrams are fast.' },
    batchSocket: () => Promise.resolve(socket as unknown as BatchSocket),
  };
  return { udp, seen };
}

async function findings(options: Partial<DoctorOptions> = {}): Promise<Finding[]> {
  const found: Finding[] = [];
  await doctor({
    ...{ transports: registry({ tcp: () => works('TCP') }), native, machine, udp: datagrams().udp, fabric },
    ...options,
    onFinding: (finding) => found.push(finding),
  });
  return found;
}

const of = (found: readonly Finding[], subject: string) => found.find((one) => one.subject === subject);

describe('a machine that has everything', () => {
  it('is told so, a line each', async () => {
    const { udp, seen } = datagrams();
    const found = await findings({
      transports: registry({ tcp: () => works('TCP'), rdma: () => works('RDMA') }),
      udp,
    });
    expect(found.map(({ subject, state }) => [subject, state])).toEqual([
      ['node', 'ok'],
      ['sealing', 'ok'],
      ['cipher', 'ok'],
      ['datagrams', 'ok'],
      ['socket buffers', 'ok'],
      ['GSO', 'ok'],
      ['GRO', 'ok'],
      ['ECN', 'ok'],
      ['MTU', 'ok'],
      ['IPv6', 'ok'],
      ['open files', 'ok'],
      ['RDMA', 'ok'],
      ['libfabric', 'ok'],
      ['provider efa', 'ok'],
      ['provider tcp', 'ok'],
      ['provider shm', 'ok'],
      ['locked memory', 'ok'],
      ['huge pages', 'ok'],
      ['EFA network', 'ok'],
      ['transport tcp', 'ok'],
      ['transport rdma', 'ok'],
    ]);
    expect(found.every(({ remedy }) => remedy === undefined)).toBe(true);
    expect(of(found, 'node')?.detail).toBe('Node 20.1.2 on linux x64, kernel 6.1, 2 processors');
    expect(of(found, 'cipher')?.detail).toMatch(/^AES-256-GCM, .*; one core seals [\d.]+ [MG]B\/s$/);
    expect(of(found, 'MTU')?.detail).toBe(
      'lo 65536, eth0 9001; jumbo frames on eth0, which udp uses where the whole path has them',
    );
    expect(of(found, 'RDMA')?.detail).toBe('rdmap0s6 (efa, 100 Gb/sec (4X EDR))');
    expect(of(found, 'libfabric')?.detail).toBe('1.17');
    expect(of(found, 'provider efa')?.detail).toBe(
      'efa 117.0: rdmap0s6-rdm on rdmap0s6 (fe80::/64, 100 Gbit/s)',
    );
    expect(of(found, 'provider tcp')?.detail).toBe(
      'tcp;ofi_rxm 117.0: eth0 (192.0.2.0/24), lo (127.0.0.1/32)',
    );
    expect(of(found, 'locked memory')?.detail).toMatch(/^as much as there is; one connection over a device/);
    expect(of(found, 'huge pages')?.detail).toBe('6 of 8 free, of 2.10 MB each');
    expect(of(found, 'EFA network')?.detail).toMatch(/security group .* placement group/);
    expect(of(found, 'sealing')?.detail).toBe('Sealing is fast.');
    expect(of(found, 'transport tcp')?.detail).toBe('tcp://, tcps:// TCP');
    expect(seen.closed).toBe(true);
  });
});

describe('what is slower', () => {
  it('is all that has no addon', async () => {
    const { udp } = datagrams();
    const found = await findings({
      native: { ...native, kind: 'typescript', detail: 'Slow, because …' },
      udp: { ...udp, kind: 'typescript', detail: 'Slow, too' },
    });
    const remedy = 'npm --prefix /opt/xfer run install';
    const slower = { state: 'slower', remedy };
    expect(of(found, 'sealing')).toEqual({ subject: 'sealing', detail: 'Slow, because …', ...slower });
    expect(of(found, 'datagrams')).toEqual({ subject: 'datagrams', detail: 'Slow, too', ...slower });
  });

  it('is an addon that is switched off, or not for this system: then building it is no remedy', async () => {
    const twins = {
      native: { ...native, kind: 'typescript', detail: 'Slow' },
      udp: { ...datagrams().udp, kind: 'typescript', detail: 'Slow, too' },
    } as const;
    const off = await findings({ ...twins, machine: { ...machine, isNativeOff: true } });
    expect(of(off, 'sealing')?.remedy).toBe('unset XFER_NATIVE');
    const mac = await findings({ ...twins, machine: { ...machine, platform: 'darwin' } });
    expect(of(mac, 'sealing')?.remedy).toMatch(/run install$/);
    expect(of(mac, 'datagrams')).not.toHaveProperty('remedy');
    const windows = await findings({ ...twins, machine: { ...machine, platform: 'win32' } });
    expect(of(windows, 'sealing')).not.toHaveProperty('remedy');
  });

  it('is a limit of open files that a busy relay would come to', async () => {
    const low = await findings({ machine: { ...machine, openFiles: 1024 } });
    expect(of(low, 'open files')).toMatchObject({
      state: 'slower',
      remedy: 'prlimit --pid $$ --nofile=65536:65536',
    });
    const inside = await findings({ machine: { ...machine, openFiles: 1024, mayRaiseLimits: false } });
    expect(of(inside, 'open files')?.remedy).toMatch(/ docker run --ulimit nofile=65536:65536$/);
    const mac = await findings({ machine: { ...machine, openFiles: 256, platform: 'darwin' } });
    expect(of(mac, 'open files')).not.toHaveProperty('remedy');
    const untold = await findings({ machine: { ...machine, openFiles: undefined } });
    expect(of(untold, 'open files')).toBeUndefined();
    const all = await findings({ machine: { ...machine, openFiles: Infinity } });
    expect(of(all, 'open files')).toMatchObject({ state: 'ok', detail: 'as many as there are' });
  });

  it('is mended with sudo by who is not root, at a path that the shell takes as it is', async () => {
    const mine = { ...machine, isRoot: false, openFiles: 1024, packageDirectory: "/it's here" };
    const { udp } = datagrams({ receiveBufferBytes: 1 });
    const found = await findings({ udp, machine: mine, native: { ...native, kind: 'typescript' } });
    expect(of(found, 'open files')?.remedy).toMatch(/^sudo prlimit /);
    expect(of(found, 'socket buffers')?.remedy).toMatch(/^sudo sysctl /);
    expect(of(found, 'sealing')?.remedy).toBe(String.raw`npm --prefix '/it'\''s here' run install`);
  });

  it('is small buffers, with what to type against it', async () => {
    // What Linux gives where net.core.rmem_max is as it comes.
    const { udp } = datagrams({ receiveBufferBytes: 425_984 });
    expect(of(await findings({ udp }), 'socket buffers')).toEqual({
      subject: 'socket buffers',
      state: 'slower',
      detail: '213 kB to receive, 8.39 MB to send, of 8.39 MB that are wanted: bursts on fast links are lost',
      // What is large enough stays as it is.
      remedy: 'sysctl -w net.core.rmem_max=8388608',
    });
    const { udp: sends } = datagrams({ sendBufferBytes: 425_984 });
    expect(of(await findings({ udp: sends }), 'socket buffers')).toMatchObject({
      state: 'slower',
      remedy: 'sysctl -w net.core.wmem_max=8388608',
    });
  });

  it('is judged by what other systems tell, and they have other commands', async () => {
    const { udp } = datagrams({
      receiveBufferBytes: udpDefaults.socketBufferBytes,
      sendBufferBytes: udpDefaults.socketBufferBytes,
    });
    const mac = { ...machine, platform: 'darwin' } as const;
    expect(of(await findings({ udp, machine: mac }), 'socket buffers')?.state).toBe('ok');
    const { udp: small } = datagrams({ receiveBufferBytes: 1 });
    const finding = of(await findings({ udp: small, machine: mac }), 'socket buffers');
    expect(finding).toMatchObject({ state: 'slower' });
    expect(finding).not.toHaveProperty('remedy');
  });

  it.each(['gso', 'gro', 'ecn'] as const)('is a kernel without %s', async (feature) => {
    const { udp } = datagrams({ [feature]: false });
    const found = await findings({ udp });
    expect(found.filter(({ state }) => state === 'slower')).toEqual([
      expect.objectContaining({ subject: feature.toUpperCase(), state: 'slower' }),
    ]);
  });
});

describe('what there is none of', () => {
  it('is no fault', async () => {
    const found = await findings({ machine: { ...machine, interfaces: [], rdmaDevices: [] } });
    const none = found.filter(({ state }) => state !== 'ok');
    expect(none.map(({ subject, state }) => [subject, state])).toEqual([
      ['MTU', 'none'],
      ['IPv6', 'none'],
      ['RDMA', 'none'],
    ]);
    expect(none.every(({ remedy }) => remedy === undefined)).toBe(true);
  });

  it('is the use of a device that no transport knows', async () => {
    expect(of(await findings(), 'RDMA')).toEqual({
      subject: 'RDMA',
      state: 'none',
      detail: 'rdmap0s6 (efa, 100 Gb/sec (4X EDR)): no transport is installed that uses it',
    });
  });

  it('is AES in a processor without it', async () => {
    const found = await findings({ native: { ...native, preferredCipher: cipher.chacha20poly1305 } });
    expect(of(found, 'cipher')?.detail).toMatch(/^ChaCha20-Poly1305, for .*; one core seals /);
    const broken = { ...native, seal: { ...native.seal, sealBody: () => expect.unreachable() } };
    expect(of(await findings({ native: broken }), 'cipher')?.detail).not.toContain('seals');
  });
});

describe('a machine that has nothing', () => {
  it('works all the same, and hears what to do about each thing', async () => {
    const found = await findings({
      native: { ...native, kind: 'typescript', detail: 'Slow' },
      udp: {
        ...datagrams({ gso: false, gro: false, ecn: false, receiveBufferBytes: 1, sendBufferBytes: 1 }).udp,
        kind: 'typescript',
        detail: 'Slow, too',
      },
      machine: { ...machine, openFiles: 256, interfaces: [], rdmaDevices: [] },
    });
    expect(found.filter(({ state }) => state === 'slower').map(({ subject }) => subject)).toEqual([
      ...['sealing', 'datagrams', 'socket buffers', 'GSO', 'GRO', 'ECN', 'open files'],
    ]);
    expect(found.flatMap(({ remedy }) => remedy ?? [])).toEqual([
      'npm --prefix /opt/xfer run install',
      'npm --prefix /opt/xfer run install',
      'sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=8388608',
      'prlimit --pid $$ --nofile=65536:65536',
    ]);
  });
});

describe('fabrics', () => {
  const transports = () => registry({ tcp: () => works('TCP'), rdma: () => works('RDMA') });
  const plain = { ...machine, rdmaDevices: [], lockedBytes: 65_536 };
  const build = 'npm --prefix /opt/xfer run install';
  const absent = (): Promise<FabricFinding> =>
    Promise.resolve({ ok: false, code: 'ERR_X', reason: 'the addon is not built', remedy: 'see elsewhere' });

  it('are no fault where there are none, and nothing is asked where nothing could use them', async () => {
    const none = { ok: false, code: 'ERR_X', reason: 'no libfabric', remedy: 'install it' } as const;
    const without = registry({ tcp: () => works('TCP'), rdma: () => Promise.resolve(none) });
    const found = await findings({ transports: without, machine: plain, fabric: absent });
    expect(of(found, 'libfabric')).toEqual({
      ...{ subject: 'libfabric', state: 'none', detail: 'the addon is not built; only rdma needs it' },
      remedy: `apt-get install -y libfabric-dev pkg-config && ${build}`,
    });
    expect(of(found, 'transport rdma')).toEqual({
      ...{ subject: 'transport rdma', state: 'none', detail: 'rdma://, rdmas:// no libfabric (ERR_X)' },
    });
    expect(found.every(({ state }) => state === 'ok' || state === 'none')).toBe(true);
    await findings({ fabric: () => Promise.reject(new Error('was asked')) });
  });

  it('are software alone on most machines, which locks nothing', async () => {
    const some = libfabric(() => Promise.resolve(software));
    const found = await findings({
      ...{ transports: transports(), fabric: some },
      machine: { ...plain, hugePages: { total: 0, free: 0, bytes: 2 ** 21 } },
    });
    expect(found.every(({ state, remedy }) => remedy === undefined && state !== 'missing')).toBe(true);
    expect(of(found, 'locked memory')).toMatchObject({
      ...{ state: 'ok', detail: '65.5 kB at most; without a device nothing is locked' },
    });
    expect(of(found, 'huge pages')?.state).toBe('none');
    expect(of(found, 'EFA network')).toBeUndefined();
  });

  it('are missing where a device is there and libfabric is not', async () => {
    const elasticOnly = await findings({ transports: transports(), fabric: absent });
    expect(of(elasticOnly, 'libfabric')).toMatchObject({
      ...{ state: 'missing', detail: 'the addon is not built' },
      remedy: `install the EFA software of AWS (docs/rdma.md), then: ${build}`,
    });
    const rdmaDevices = [{ name: 'mlx5_0', driver: 'mlx5_core', link: undefined }];
    const verbs = await findings({
      transports: transports(),
      fabric: absent,
      machine: { ...machine, rdmaDevices, isRoot: false },
    });
    expect(of(verbs, 'RDMA')?.detail).toBe('mlx5_0 (mlx5_core)');
    expect(of(verbs, 'libfabric')?.remedy).toMatch(/^sudo apt-get install -y libfabric-dev /);
    const off = { transports: transports(), fabric: absent, machine: { ...machine, isNativeOff: true } };
    expect(of(await findings(off), 'libfabric')?.remedy).toBe('unset XFER_NATIVE');
    const mac = { ...off, machine: { ...plain, platform: 'darwin' } } as const;
    expect(of(await findings(mac), 'libfabric')).not.toHaveProperty('remedy');
  });

  it('are missing where libfabric leaves the device out', async () => {
    const some = { transports: transports(), fabric: libfabric(() => Promise.resolve(software)) };
    expect(of(await findings(some), 'libfabric')).toMatchObject({
      ...{ state: 'missing', detail: '1.17: no provider for the device' },
      remedy: 'see what is said by: FI_LOG_LEVEL=warn fi_info -p efa',
    });
    vi.stubEnv('FI_PROVIDER', 'tcp');
    expect(of(await findings(some), 'libfabric')).toMatchObject({
      ...{ state: 'missing', remedy: 'unset FI_PROVIDER' },
      detail: '1.17; FI_PROVIDER=tcp leaves all others out: no provider for the device',
    });
    vi.unstubAllEnvs();
  });

  it.each([
    [65_536, 'missing'],
    [100_000_000, 'slower'],
    [1_000_000_000, 'ok'],
  ])('want more locked memory than %d bytes: %s', async (lockedBytes, state) => {
    const found = await findings({ transports: transports(), machine: { ...machine, lockedBytes } });
    const finding = of(found, 'locked memory');
    expect(finding?.state).toBe(state);
    const remedy = 'prlimit --pid $$ --memlock=unlimited:unlimited';
    expect(finding?.remedy).toBe(state === 'ok' ? undefined : remedy);
    const inside = { ...machine, lockedBytes: 65_536, mayRaiseLimits: false };
    const contained = await findings({ transports: transports(), machine: inside });
    expect(of(contained, 'locked memory')?.remedy).toMatch(/ docker run --ulimit memlock=-1:-1$/);
  });

  it('that say nothing hold nothing up', async () => {
    for (const silent of [() => new Promise<never>(() => undefined), () => Promise.reject(new Error('no'))]) {
      const found = await findings({
        ...{ transports: transports(), fabric: libfabric(silent), machine: plain, probeTimeoutMs: 20 },
      });
      expect(of(found, 'provider')).toMatchObject({ state: 'none' });
    }
  });
});

describe('what is missing', () => {
  it('is a transport that says so, which is no failure where another works', async () => {
    const no = { ok: false, code: 'ERR_X', reason: 'no device', remedy: 'buy one' } as const;
    const found = await findings({
      transports: registry({ tcp: () => works('TCP'), rdma: () => Promise.resolve(no) }),
    });
    expect(of(found, 'transport rdma')).toEqual({
      subject: 'transport rdma',
      state: 'missing',
      detail: 'rdma://, rdmas:// no device (ERR_X)',
      remedy: 'buy one',
    });
  });

  it('is a transport that breaks, or says nothing', async () => {
    const found = await findings({
      transports: registry({
        tcp: () => works('TCP'),
        broken: () => Promise.reject(new XferError('ERR_XFER_PERMISSION', 'not for you')),
        silent: () => new Promise(() => undefined),
      }),
      probeTimeoutMs: 20,
    });
    expect(of(found, 'transport broken')).toMatchObject({
      state: 'missing',
      detail: 'broken://, brokens:// not for you (ERR_XFER_PERMISSION)',
    });
    expect(of(found, 'transport silent')?.detail).toMatch(/said nothing for 20 ms \(ERR_XFER_TIMEOUT\)$/);
  });

  it('is a plugin that failed', async () => {
    const transports = registry({ tcp: () => works('TCP') });
    transports.offer({ apiVersion: 9 }, 'plugin-new');
    const finding = of(await findings({ transports }), 'plugin plugin-new');
    expect(finding?.state).toBe('missing');
    expect(finding?.detail).toMatch(/apiVersion is 9.*\(ERR_XFER_PLUGIN_VERSION\)$/);
    expect(finding?.remedy).not.toBe('');
  });

  it('is a socket that cannot be had', async () => {
    const { udp } = datagrams();
    const error = Object.assign(new Error('EACCES'), { code: 'EACCES' });
    const found = await findings({ udp: { ...udp, batchSocket: () => Promise.reject(error) } });
    expect(of(found, 'udp socket')).toMatchObject({ state: 'missing' });
    expect(of(found, 'GSO')).toBeUndefined();
  });

  it('is an old Node', async () => {
    const finding = of(await findings({ machine: { ...machine, version: 'v18.20.0' } }), 'node');
    expect(finding).toMatchObject({ state: 'missing', remedy: 'install Node 20 or newer' });
  });

  it('is everything where no transport works: that fails, behind all findings', async () => {
    const found: Finding[] = [];
    const no = { ok: false, code: 'ERR_X', reason: 'no network', remedy: '' } as const;
    const running = doctor({
      ...{ transports: registry({ tcp: () => Promise.resolve(no) }), native, machine, udp: datagrams().udp },
      onFinding: (finding) => found.push(finding),
    });
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_NO_TRANSPORT', exit: 7 });
    expect(of(found, 'transport tcp')?.state).toBe('missing');
    await expect(findings({ transports: new TransportRegistry() })).rejects.toMatchObject({ exit: 7 });
  });
});

it('ends with its signal, whatever it waits for', async () => {
  const stop = new AbortController();
  const reason = new XferError('ERR_XFER_INTERRUPTED', 'stop');
  const probe = () => {
    stop.abort(reason);
    return new Promise<ProbeResult>(() => undefined);
  };
  const found: Finding[] = [];
  const looking = doctor({
    ...{ transports: registry({ slow: probe }), native, machine, udp: datagrams().udp },
    ...{ signal: stop.signal, probeTimeoutMs: 60_000 },
    onFinding: (finding) => found.push(finding),
  });
  await expect(looking).rejects.toBe(reason);
  expect(found.map(({ subject }) => subject)).not.toContain('transport slow');
});
