import { describe, expect, it } from 'vitest';
import type { ProbeResult, Transport } from 'xfer/plugin';
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
  rdmaDevices: [{ name: 'rdmap0s6', driver: 'efa' }],
};
const native: NonNullable<DoctorOptions['native']> = {
  ...{ kind: 'native', detail: 'Sealing is fast.', preferredCipher: cipher.aes256gcm },
  seal: sealTwin(),
};
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
    ...{ transports: registry({ tcp: () => works('TCP') }), native, machine, udp: datagrams().udp },
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
      ['transport tcp', 'ok'],
      ['transport rdma', 'ok'],
    ]);
    expect(found.every(({ remedy }) => remedy === undefined)).toBe(true);
    expect(of(found, 'node')?.detail).toBe('Node 20.1.2 on linux x64, kernel 6.1, 2 processors');
    expect(of(found, 'cipher')?.detail).toMatch(/^AES-256-GCM, .*; one core seals [\d.]+ [MG]B\/s$/);
    expect(of(found, 'MTU')?.detail).toBe(
      'lo 65536, eth0 9001; jumbo frames on eth0, which udp uses where the whole path has them',
    );
    expect(of(found, 'RDMA')?.detail).toBe('rdmap0s6 (efa)');
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
      detail: 'rdmap0s6 (efa): no transport is installed that uses it',
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
