import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { XferError } from '../../src/errors/index.js';
import { TransportRegistry } from '../../src/transport/registry.js';
import {
  isContestant,
  type BenchSetup,
  type Contestant,
  type RunProgress,
  type RunResult,
} from '../../src/bench/contract.js';
import { Kept } from '../../src/bench/kept.js';
import { xferProcesses } from '../../src/bench/processes.js';
import type { BenchSkipped } from '../../src/bench/report.js';
import type { BenchWork } from '../../src/bench/work.js';
import { tcp } from '@xfer/mux';
import { udp } from '@xfer/udp';
import { nearVariable } from '../../src/bench/near-variable.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

const MiB = 2 ** 20;
const file: BenchWork = {
  ...{ pattern: 'file', bytes: 8 * MiB, count: 1, limit: { iterations: 1 }, isBothWays: false },
};

const kept = new Kept();
afterAll(() => kept.close());

async function setupFor(work: BenchWork, more: Partial<BenchSetup> = {}): Promise<BenchSetup> {
  const transports = new TransportRegistry();
  transports.add(tcp(), 'test');
  return {
    ...{ work, transports, use: ['tcp'], tuning: {}, hops: 0, isSealed: true, peers: [], countsCpu: false },
    place: { farHost: '127.0.0.1', near: [], far: [], isHere: true },
    directory: await temporaryDirectory(),
    kept,
    signal: new AbortController().signal,
    ...more,
  };
}

async function found(setup: BenchSetup): Promise<(Contestant | BenchSkipped)[]> {
  const all: (Contestant | BenchSkipped)[] = [];
  for await (const one of xferProcesses(setup)) all.push(one);
  return all;
}

async function runOf(setup: BenchSetup): Promise<RunResult> {
  const [one] = await found(setup);
  if (!one || !isContestant(one)) throw new Error(JSON.stringify(one));
  return one.run(() => undefined);
}

/** Processes of this test, by what only they have in their environment. */
async function leftProcesses(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')),
  );
  return pids.filter((_, i) => environments[i]?.includes(directory));
}

/** The content that was made is for the next run; who the ends are, too. */
async function expectNothingLeft({ directory }: BenchSetup): Promise<void> {
  expect(await leftProcesses(directory)).toEqual([]);
  const names = await readdir(directory);
  expect(names.filter((name) => !/^(home-|file-|tree-)/.test(name))).toEqual([]);
}

it('a file goes over a relay, is checked, and each process says what it used', async () => {
  const setup = await setupFor(file, { hops: 1, countsCpu: true });
  const seen: RunProgress[] = [];
  const [one, ...others] = await found(setup);
  if (!one || !isContestant(one)) throw new Error(JSON.stringify(one));
  expect([one.name, one.transport, one.isSealed, others]).toEqual(['tcp', 'tcp', true, []]);
  const result = await one.run((progress) => seen.push(progress));
  expect(result).toMatchObject({ iterations: 1, totalBytes: 8 * MiB, path: { lanes: 1 } });
  expect(result.insideSeconds).toBeLessThan(result.seconds);
  expect(result.cpu?.map(({ process }) => process)).toEqual(['sender', 'receiver', 'relay 1']);
  for (const { seconds } of result.cpu ?? []) expect(seconds).toBeGreaterThan(0);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.at(-1)?.cpu?.map(({ process }) => process)).toContain('sender');
  await expectNothingLeft(setup);
}, 60_000);

it('a file goes unsealed over a relay, in small records, between two ends of one run', async () => {
  const setup = await setupFor(file, { hops: 1, isSealed: false, recordBytes: 64 * 1024 });
  const [one] = await found(setup);
  expect(one).toMatchObject({ name: 'tcp', isSealed: false, how: 'unsealed' });
  // Rejects where the sender has not told that it went so.
  expect(await runOf(setup)).toMatchObject({ totalBytes: 8 * MiB });
}, 60_000);

it('leaves the choice among several transports to xfer', async () => {
  const transports = new TransportRegistry();
  for (const each of [tcp(), udp()]) transports.add(each, 'test');
  const all = await found(await setupFor(file, { transports, use: ['tcp', 'udp'] }));
  const auto = all.find(({ name }) => name === 'auto');
  if (!auto || !isContestant(auto)) throw new Error(JSON.stringify(all));
  expect(await auto.run(() => undefined)).toMatchObject({ totalBytes: 8 * MiB });
});

it('small files go both ways at once', async () => {
  const setup = await setupFor({ ...file, pattern: 'small-files', bytes: 1000, count: 50, isBothWays: true });
  const result = await runOf(setup);
  expect(result).toMatchObject({ iterations: 100, totalBytes: 100_000 });
  expect(result).not.toHaveProperty('cpu');
  await expectNothingLeft(setup);
}, 60_000);

it('a pipe goes both ways for a time, and carries what came out of it', async () => {
  const setup = await setupFor(
    { ...file, pattern: 'pipe', isBothWays: true, bytes: 2 * MiB, limit: { timeMs: 20_000 } },
    { countsCpu: true },
  );
  const result = await runOf(setup);
  expect(result).toMatchObject({ iterations: 1, totalBytes: 4 * MiB });
  expect(result.cpu?.map(({ process }) => process)).toEqual(['sender', 'receiver']);
  await expectNothingLeft(setup);
}, 60_000);

it('a pipe for a time ends although its content would not', async () => {
  const setup = await setupFor({ ...file, pattern: 'pipe', bytes: 2 ** 42, limit: { timeMs: 50 } });
  const result = await runOf(setup);
  expect(result.totalBytes).toBeGreaterThan(0);
  expect(result.totalBytes).toBeLessThan(2 ** 42);
  await expectNothingLeft(setup);
}, 60_000);

it('a run that is ended leaves nothing, and rejects with the reason', async () => {
  const ending = new AbortController();
  const setup = await setupFor(file, { hops: 1, signal: ending.signal });
  const [one] = await found(setup);
  if (!one || !isContestant(one)) throw new Error(JSON.stringify(one));
  const reason = new XferError('ERR_XFER_INTERRUPTED', 'enough');
  const running = one.run(() => ending.abort(reason));
  await expect(running).rejects.toBe(reason);
  await expectNothingLeft(setup);
}, 60_000);

it('who is not there is skipped by name, and other patterns are none of its business', async () => {
  const setup = await setupFor(file, { use: ['wss', 'carrier-pigeon', 'tcp'] });
  const all = await found(setup);
  expect(all.map((one) => [one.name, isContestant(one)])).toEqual([
    ...[
      ['wss', false],
      ['carrier-pigeon', false],
      ['tcp', true],
    ],
  ]);
  expect(await found({ ...setup, work: { ...file, pattern: 'latency' } })).toEqual([]);
});

it('compares with another build round by round, and says what that lacks', async () => {
  const build = await temporaryDirectory();
  const args = ['bench', '--transport', 'tcp', '--size', '1MiB', '--repeat', '1', '--json'];
  const run = async (baseline: string, more: string[] = []) =>
    (await runXfer([...args, '--baseline', baseline, ...more])).ended;
  const none = await run(build);
  expect([none.status, none.stdout]).toEqual([2, expect.stringContaining('there is no bin/run.js in')]);
  await mkdir(join(build, 'bin'));
  const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
  await writeFile(join(build, 'bin/run.js'), `await import(${JSON.stringify(program)});\n`);
  await writeFile(join(build, 'package.json'), '{"type":"module"}');
  const same = await run(build, ['--tolerance', '99%']);
  expect(same.status, same.stdout).toBe(0);
  const [comparison, report] = same.stdout
    .trim()
    .split('\n')
    .slice(-2)
    .map((line) => JSON.parse(line) as { rows: { id: string; kind?: string }[] });
  expect(comparison).toMatchObject({ event: 'baseline', basis: 'raw', rows: [{ id: 'file/1MiB/tcp' }] });
  expect(report?.rows.map(({ kind }) => kind)).toEqual(['xfer', 'baseline', 'reference']);
  await writeFile(join(build, 'bin/run.js'), 'process.exit(3);\n');
  const broken = await run(build);
  expect([broken.status, broken.stdout]).toEqual([2, expect.stringContaining('ended with status 3')]);
  const inside = await run(build, ['--pattern', 'memory']);
  expect([inside.status, inside.stdout]).toEqual([2, expect.stringContaining('not compared by memory')]);
});

it('answers at the near end of a link what is asked before it has loaded anything', async () => {
  const input = '{"ask":"close","number":7}\n';
  const near = await runXfer(['bench', '--json'], { input, env: { [nearVariable]: '1' } });
  const { stdout } = await near.ended;
  expect(JSON.parse(stdout)).toMatchObject({ answer: 'failed', message: 'there is no such contestant' });
});
