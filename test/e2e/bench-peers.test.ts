import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { isContestant, type BenchSetup, type Contestant } from '../../src/bench/contract.js';
import { Kept } from '../../src/bench/kept.js';
import { otherTools } from '../../src/bench/peers.js';
import type { BenchReport, BenchSkipped } from '../../src/bench/report.js';
import type { BenchWork } from '../../src/bench/work.js';
import { loopback } from '../support/bench-setup.js';
import { runXfer } from '../support/run-xfer.js';

const directories: string[] = [];
const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'xfer-bench-peers-'));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const one of directories.splice(0)) rmSync(one, { recursive: true, force: true });
});

/** Processes whose home or configuration is below the directory: all that a bench there has started, their guard included. */
function processesOf(home: string): number[] {
  const has = (pid: string): boolean => {
    try {
      // A server writes what it does over its environment.
      const [environment = '', command = ''] = ['environ', 'cmdline'].map((file) =>
        readFileSync(`/proc/${pid}/${file}`, 'latin1'),
      );
      return environment.includes(`HOME=${home}/`) || command.includes(`${home}/`);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && has(name))
    .map(Number);
}

/** Ten seconds at most. */
async function untilGone(home: string): Promise<number[]> {
  for (let tries = 0; tries < 200 && processesOf(home).length > 0; tries++) await delay(50);
  return processesOf(home);
}

const MiB = 1 << 20;
const works: Partial<BenchWork>[] = [
  { pattern: 'file', bytes: 4 * MiB },
  { pattern: 'small-files', bytes: 4096, count: 120 },
  { pattern: 'pipe', bytes: 4 * MiB, isBothWays: true },
  { pattern: 'memory', bytes: 65_536, limit: { timeMs: 200 } },
  { pattern: 'latency', bytes: 64, limit: { timeMs: 200 } },
];

async function ready(setup: BenchSetup): Promise<{ contestants: Contestant[]; skipped: BenchSkipped[] }> {
  const [contestants, skipped]: [Contestant[], BenchSkipped[]] = [[], []];
  for await (const one of otherTools(setup))
    if (isContestant(one)) contestants.push(one);
    else skipped.push(one);
  return { contestants, skipped };
}

describe.skipIf(process.platform !== 'linux')('other tools', () => {
  it(
    'each does the work once, all of it arrives, and nothing is left behind',
    { timeout: 120_000 },
    async () => {
      const home = directory();
      const kept = new Kept();
      const lacking = new Set<string>();
      for (const work of works) {
        const setup: BenchSetup = { ...loopback(home, work), kept, countsCpu: true };
        const { contestants, skipped } = await ready(setup);
        for (const { name, reason } of skipped) lacking.add(`${name}: ${reason}`);
        const { pattern, bytes = 0, count = 1, isBothWays = false } = work;
        const ways = isBothWays ? 2 : 1;
        for (const contestant of contestants) {
          const what = `${contestant.name}, ${pattern}`;
          const result = await contestant.run(() => undefined);
          expect(result.seconds, what).toBeGreaterThan(0);
          if (pattern !== 'memory' && pattern !== 'latency') {
            expect(result.totalBytes, what).toBe(ways * bytes * count);
            expect(result.iterations, what).toBe(ways * count);
          } else expect(result.iterations, what).toBeGreaterThan(0);
          expect(result.halfTrips !== undefined, what).toBe(pattern === 'latency');
          expect(result.cpu?.length, what).toBeGreaterThan(0);
          await contestant.close();
        }
      }
      if (lacking.size > 0) process.stderr.write(`not compared with:\n${[...lacking].join('\n')}\n`);
      await kept.close();
      expect(await untilGone(home)).toEqual([]);
      expect(readdirSync(home).filter((name) => !/^(file|tree)-/.test(name))).toEqual(['peers']);
      expect(readdirSync(join(home, 'peers'))).toEqual([]);
    },
  );

  it('one that is interrupted ends with all that it has started', { timeout: 30_000 }, async (context) => {
    const home = directory();
    const abort = new AbortController();
    const kept = new Kept();
    const work: Partial<BenchWork> = { pattern: 'pipe', bytes: 64 * MiB };
    const setup: BenchSetup = {
      ...loopback(home, work, abort.signal),
      kept,
      peers: ['ssh', 'socat'],
    };
    const { contestants, skipped } = await ready(setup);
    if (skipped.length > 0) context.skip(skipped.map(({ reason }) => reason).join(', '));
    const reason = new Error('enough');
    const runs = contestants.map((one) => one.run(() => abort.abort(reason)));
    // A run that is over before it told how far it is would have nothing to interrupt.
    setTimeout(() => abort.abort(reason), 50);
    for (const run of await Promise.allSettled(runs)) expect(run).toEqual({ status: 'rejected', reason });
    for (const one of contestants) await one.close();
    await kept.close();
    expect(await untilGone(home)).toEqual([]);
  });

  it(
    'the command compares with those it finds, names the others, and ends',
    { timeout: 60_000 },
    async () => {
      const words = ['--pattern', 'file', '--size', '1MiB', '--transport', 'tcp', '--repeat', '2', '--json'];
      const run = await runXfer(['bench', ...words, '--peers', 'cp,iperf3,carrier-pigeon'], {
        timeoutMs: 40_000,
      });
      const { status, stdout, stderr } = await run.ended;
      expect(status, stderr).toBe(0);
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const report = events.at(-1) as unknown as BenchReport;
      expect(events.at(-1)?.['event']).toBe('bench');
      expect(report.rows.map(({ contestant }) => contestant)).toContain('cp');
      expect(report.skipped.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['iperf3', 'carrier-pigeon']) as string[],
      );
    },
  );

  it('no server of the bench outlives one that is killed', { timeout: 30_000 }, async () => {
    const home = directory();
    const script = join(home, 'bench.mjs');
    const entry = `
      import { startSshd } from './src/bench/sshd.ts';
      import { ChildKeeper } from './src/bench/child-keeper.ts';
      const place = { farHost: '127.0.0.1', near: [], far: [], isHere: true };
      const signal = new AbortController().signal;
      const keeper = await ChildKeeper.open(${JSON.stringify(join(home, 'kept'))}, signal);
      const kept = keeper.start(['/bin/sh', '-c', 'sleep 600 & sleep 600']);
      const sshd = await startSshd({ place, directory: ${JSON.stringify(home)}, signal }).catch((e) => e);
      console.log(JSON.stringify({ kept: kept.pid, sshd: sshd.pid, why: sshd.message }));
      setInterval(() => undefined, 1000);`;
    const resolveDir = fileURLToPath(new URL('../..', import.meta.url));
    const built = await build({
      stdin: { contents: entry, resolveDir },
      ...{ bundle: true, format: 'esm', platform: 'node', write: false },
    });
    writeFileSync(script, built.outputFiles[0]?.text ?? '');
    const bench = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(bench.stdout, 'data')) as [Buffer];
      const { kept, sshd, why } = JSON.parse(String(line)) as { kept: number; sshd?: number; why?: string };
      if (sshd === undefined) process.stderr.write(`without an sshd: ${String(why)}\n`);
      const running = processesOf(home);
      expect(running).toContain(kept);
      if (sshd !== undefined) expect(running).toContain(sshd);
      // The shell and what it started, the guards, and the bench itself.
      expect(running.length).toBeGreaterThanOrEqual(sshd === undefined ? 4 : 7);
    } finally {
      bench.kill('SIGKILL');
      await once(bench, 'exit');
    }
    expect(await untilGone(home)).toEqual([]);
  });
});
