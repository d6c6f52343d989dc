import { describe, expect, it } from 'vitest';
import type { ProbeResult, Transport } from 'xfer/plugin';
import { doctor, type DoctorOptions, type Finding } from '../../../src/app/doctor.js';
import { udpDefaults } from '../../../src/config/defaults.js';
import { XferError } from '../../../src/errors/index.js';
import type { BatchSocket, BatchSocketFeatures } from '../../../src/native/udp-api.js';
import { TransportRegistry } from '../../../src/transport/registry.js';

const machine = { version: 'v20.1.2', platform: 'linux', arch: 'x64' } as const;
const native = { kind: 'native', detail: 'Sealing is fast.' } as const;
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
    ...{ transports: registry({ tcp: () => works('TCP') }), native, machine },
    ...options,
    onFinding: (finding) => found.push(finding),
  });
  return found;
}

const of = (found: readonly Finding[], subject: string) => found.find((one) => one.subject === subject);

describe('a machine that has everything', () => {
  it('is told so, a line each', async () => {
    const { udp, seen } = datagrams();
    const found = await findings({ udp });
    expect(found.map(({ subject, state }) => [subject, state])).toEqual([
      ['node', 'ok'],
      ['sealing', 'ok'],
      ['datagrams', 'ok'],
      ['socket buffers', 'ok'],
      ['GSO', 'ok'],
      ['GRO', 'ok'],
      ['ECN', 'ok'],
      ['transport tcp', 'ok'],
    ]);
    expect(found.every(({ remedy }) => remedy === undefined)).toBe(true);
    expect(of(found, 'node')?.detail).toBe('Node 20.1.2 on linux x64');
    expect(of(found, 'sealing')?.detail).toBe('Sealing is fast.');
    expect(of(found, 'transport tcp')?.detail).toBe('tcp://, tcps:// TCP');
    expect(seen.closed).toBe(true);
  });
});

describe('what is slower', () => {
  it('is all that has no addon', async () => {
    const { udp } = datagrams();
    const found = await findings({
      native: { kind: 'typescript', detail: 'Slow, because …' },
      udp: { ...udp, kind: 'typescript', detail: 'Slow, too' },
    });
    expect(of(found, 'sealing')).toEqual({ subject: 'sealing', state: 'slower', detail: 'Slow, because …' });
    expect(of(found, 'datagrams')).toMatchObject({ state: 'slower', detail: 'Slow, too' });
  });

  it('is small buffers, with what to type against it', async () => {
    // What Linux gives where net.core.rmem_max is as it comes.
    const { udp } = datagrams({ receiveBufferBytes: 425_984 });
    expect(of(await findings({ udp }), 'socket buffers')).toEqual({
      subject: 'socket buffers',
      state: 'slower',
      detail: '213 kB to receive, 8.39 MB to send, of 8.39 MB that are wanted: bursts on fast links are lost',
      remedy: 'sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=8388608',
    });
    const { udp: sends } = datagrams({ sendBufferBytes: 425_984 });
    expect(of(await findings({ udp: sends }), 'socket buffers')).toMatchObject({ state: 'slower' });
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
    expect(found.filter(({ state }) => state !== 'ok')).toEqual([
      expect.objectContaining({ subject: feature.toUpperCase(), state: 'slower' }),
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
      ...{ transports: registry({ tcp: () => Promise.resolve(no) }), native, machine },
      onFinding: (finding) => found.push(finding),
    });
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_NO_TRANSPORT', exit: 7 });
    expect(of(found, 'transport tcp')?.state).toBe('missing');
    await expect(findings({ transports: new TransportRegistry() })).rejects.toMatchObject({ exit: 7 });
  });
});
