import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExplainEvent, XferEvent } from '../../src/app/events.js';
import { readDiagnosis } from '../support/doctor.js';
import { runXfer, temporaryDirectory, type Ended } from '../support/run-xfer.js';
import { SlowProxy } from '../support/slow-proxy.js';
import { whyNoFabric } from '../support/why-no-fabric.js';

const MB = 1_000_000;
const timeoutMs = 60_000;
const loopback = (scheme: string): string[] => ['--listen', `${scheme}://127.0.0.1:0`];
/** Stands for the host that answered, which is the proxy's; tcp listens on another one, so that nobody gets round the proxy. */
const anywhere = (scheme: string): string[] => ['--listen', `${scheme}://[::]:0`];
const behindHost = '127.0.0.2';

const reason = await whyNoFabric();
const title = reason === undefined ? 'rdma' : `rdma (skipped: ${reason})`;

interface Case {
  readonly listen: readonly string[];
  readonly megabytes: number;
  /** What tcp carries to the receiver, in bytes a second. */
  readonly tcpRate: number;
  readonly flags?: readonly string[];
  readonly receiverFlags?: readonly string[];
  readonly senderEnv?: Readonly<Record<string, string>>;
  readonly receiverEnv?: Readonly<Record<string, string>>;
}

interface Sent {
  readonly sent: Ended;
  readonly told: readonly string[];
  readonly done: Extract<XferEvent, { event: 'done' }>;
  readonly explained: readonly ExplainEvent[];
  readonly notes: readonly string[];
}

/** A file from a sender that was told an address without a scheme, behind which tcp is slow; it has arrived. */
async function sendBehindSlowTcp(given: Case): Promise<Sent> {
  const {
    listen,
    megabytes,
    tcpRate,
    flags = [],
    senderEnv = {},
    receiverEnv = {},
    receiverFlags = [],
  } = given;
  const directory = await temporaryDirectory();
  const [path, out] = [join(directory, 'file'), join(directory, 'out')];
  const content = randomBytes(megabytes * MB);
  await writeFile(path, content);
  const args = [
    'recv',
    out,
    '--once',
    '--json',
    '--listen',
    `tcp://${behindHost}:0`,
    ...listen,
    ...receiverFlags,
  ];
  const recv = await runXfer(args, { timeoutMs, env: receiverEnv });
  const { addresses, code } = await recv.event('listening');
  const proxy = await SlowProxy.open(addresses[0] ?? '', tcpRate);
  const target = proxy.address.replace('tcp://', '');
  const send = await runXfer(['send', path, target, '--json', '--explain', ...flags], {
    timeoutMs,
    env: { XFER_CODE: code, ...senderEnv },
  });
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  await proxy.close();
  expect([sent.status, received.status], sent.stdout + sent.stderr + received.stdout).toEqual([0, 0]);
  expect(content.equals(await readFile(join(out, 'file')))).toBe(true);
  return {
    ...{ sent, told: addresses, done: await send.event('done') },
    explained: sent.events.flatMap((event) => (event.event === 'explain' ? [event] : [])),
    notes: sent.events.flatMap((event) => (event.event === 'note' ? [event.message] : [])),
  };
}

describe.skipIf(reason !== undefined)(title, { timeout: timeoutMs + 10_000 }, () => {
  it('carries content unsealed where both trust fabrics, while tcp before and beside it is sealed', async () => {
    const trust = ['--trust-fabric'];
    const { sent, done } = await sendBehindSlowTcp({
      ...{ listen: anywhere('rdma+shm'), megabytes: 150, tcpRate: 15 * MB },
      ...{ flags: trust, receiverFlags: trust },
    });
    expect(done).toMatchObject({ sealed: false });
    const up = sent.events.flatMap((event) =>
      event.event === 'lane' && event.state === 'up' ? [event] : [],
    );
    expect(up[0]).toMatchObject({ lane: 0, transport: 'tcp' });
    expect(up.map(({ transport, sealed }) => [transport, sealed])).toEqual(
      up.map(({ transport }) => [transport, transport === 'tcp' ? undefined : false]),
    );
    expect(up.some(({ transport }) => transport === 'rdma+shm')).toBe(true);
  });

  it('is tried beside a transfer on one host, and carries it where tcp is slow', async () => {
    const { done, told, explained, notes } = await sendBehindSlowTcp({
      ...{ listen: anywhere('rdma+shm'), megabytes: 150, tcpRate: 15 * MB },
    });
    const url = (told[1] ?? '').replace('[::]', '127.0.0.1');
    expect(url).toMatch(/^rdma\+shm:/);
    const why = explained.map(({ message }) => message).join('\n');
    expect(
      explained.find(({ decision, address }) => decision === 'dial' && address === url),
      why,
    ).toBeDefined();
    expect(done.transports['rdma+shm'] ?? 0, why).toBeGreaterThan(50 * MB);
    expect(notes).toEqual([]);
  });

  it('is left, with the reason for people, where the two have no provider in common', async () => {
    const { done, told, explained, notes } = await sendBehindSlowTcp({
      ...{ listen: anywhere('rdma'), megabytes: 40, tcpRate: 15 * MB },
      ...{ senderEnv: { FI_PROVIDER: 'shm' }, receiverEnv: { FI_PROVIDER: 'tcp' } },
    });
    const url = (told[1] ?? '').replace('[::]', '127.0.0.1');
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(
      /^rdma:\/\/127\.0\.0\.1:\d+ cannot be used, going on without it: .*no common provider/,
    );
    expect(explained.some(({ decision, address }) => decision === 'fail' && address === url)).toBe(true);
    expect(Object.keys(done.transports)).toEqual(['tcp']);
  });

  it('is not tried, and only --explain says why, where the sender gains nothing by it', async () => {
    const { done, explained, notes } = await sendBehindSlowTcp({
      ...{ listen: anywhere('rdma'), megabytes: 20, tcpRate: 15 * MB, senderEnv: { FI_PROVIDER: 'tcp' } },
    });
    expect(notes).toEqual([]);
    expect(
      explained.filter(({ decision }) => decision === 'refuse').map(({ message }) => message),
    ).toContainEqual(
      expect.stringMatching(/^told rdma:.*: libfabric has no provider here that gains something over tcp$/),
    );
    expect(Object.keys(done.transports)).toEqual(['tcp']);
  });

  it('is tried whatever is gained by who names its provider', async () => {
    const { done } = await sendBehindSlowTcp({
      ...{ listen: anywhere('rdma+tcp'), megabytes: 150, tcpRate: 15 * MB },
      flags: ['--provider', 'tcp;ofi_rxm'],
    });
    expect(done.transports['rdma+tcp'] ?? 0).toBeGreaterThan(50 * MB);
  });

  it.each(['rdma', 'rdma+shm', 'rdma+tcp'])('carries a transfer alone at %s://', async (scheme) => {
    const directory = await temporaryDirectory();
    const [path, out] = [join(directory, 'file'), join(directory, 'out')];
    const content = randomBytes(5 * MB);
    await writeFile(path, content);
    const recv = await runXfer(['recv', out, '--once', '--json', ...loopback(scheme)], { timeoutMs });
    const { addresses, code } = await recv.event('listening');
    const args = ['send', path, addresses[0] ?? '', '--json'];
    const send = await runXfer(args, { timeoutMs, env: { XFER_CODE: code } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
    expect(content.equals(await readFile(join(out, 'file')))).toBe(true);
    expect(Object.keys((await send.event('done')).transports)).toEqual([scheme]);
  });

  it('is measured by the doctor like all others', async () => {
    const directory = await temporaryDirectory();
    const recv = await runXfer(['recv', directory, '--json', ...loopback('rdma+shm')], { timeoutMs });
    const { addresses } = await recv.event('listening');
    const doctor = await runXfer(['doctor', addresses[0] ?? '', '--json'], { timeoutMs });
    const { status, stdout } = await doctor.ended;
    recv.child.kill('SIGINT');
    await recv.ended;
    expect(status, stdout).toBe(0);
    const { findings, paths } = readDiagnosis(stdout);
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['libfabric', 'provider tcp', 'provider shm', 'transport rdma']),
    );
    expect(paths).toMatchObject([{ address: addresses[0], state: 'works' }]);
    expect(paths[0]?.goodput).toBeGreaterThan(10 * MB);
  });
});

describe('without libfabric', () => {
  it('everything else works, and who names rdma hears why it does not', async () => {
    const env = { XFER_NATIVE: 'off' };
    const directory = await temporaryDirectory();
    const recv = await runXfer(['recv', directory, '--once', '--json', ...loopback('rdma')], { env });
    const refused = await recv.ended;
    expect(refused.status).toBe(7);
    expect(await recv.event('error')).toMatchObject({ code: 'ERR_XFER_NO_TRANSPORT' });
    const doctor = await (await runXfer(['doctor', '--json'], { env })).ended;
    expect(doctor.status).toBe(0);
    const found = readDiagnosis(doctor.stdout).findings;
    for (const subject of ['libfabric', 'transport rdma'])
      expect(found.find((one) => one.subject === subject)?.state, subject).toMatch(/none|missing/);
  });
});
