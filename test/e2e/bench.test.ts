import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchReport, BenchRow } from '../../src/bench/report.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';

const quick = ['--size', '1,64KiB', '--time', '20ms', '--repeat', '2'];
const endless = ['--size', '64', '--time', '30s'];

const serve = async (url = 'tcp://127.0.0.1:0'): Promise<{ run: XferRun; url: string }> => {
  const run = await runXfer(['bench', '--serve', url, '--json'], { timeoutMs: 60_000 });
  const { addresses } = await run.event('listening');
  return { run, url: addresses[0] ?? '' };
};

interface Line {
  readonly event: string;
}

const lines = (stdout: string): Line[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** What xfer did; the reference is beside it where the addon is built. */
const ofXfer = <Row extends { readonly kind: string }>(rows: readonly Row[]): Row[] =>
  rows.filter(({ kind }) => kind === 'xfer');

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** What a terminal would send Ctrl-C to with that process. */
async function groupOf(pid: number): Promise<string | undefined> {
  const told = await readFile(`/proc/${pid}/stat`, 'utf8');
  return told.slice(told.lastIndexOf(')') + 2).split(' ')[2];
}

/** Ids of the processes that this one has started and that run. */
async function childrenOf(pid: number): Promise<number[]> {
  const told = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return told.trim().split(' ').filter(Boolean).map(Number);
}

describe('xfer bench', () => {
  it.each(['tcp', 'udp'])(
    'measures %s between two processes, and ends with one object',
    async (transport) => {
      const args = ['bench', '--transport', transport, '--json', ...quick];
      const { status, stdout, stderr } = await (await runXfer(args, { timeoutMs: 60_000 })).ended;
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const said = lines(stdout);
      const report = said.at(-1) as Line & BenchReport;
      expect(report).toMatchObject({ event: 'bench', schema: 'xfer-bench', version: 2 });
      const limit = { timeMs: 20 };
      expect(report.parameters).toMatchObject({ works: Array(4).fill({ limit }), repeats: 2, hops: 0 });
      expect(ofXfer(report.rows).map(({ pattern, bytes }) => [pattern, bytes])).toEqual([
        ...[
          ['latency', 1],
          ['latency', 65_536],
        ],
        ...[
          ['memory', 1],
          ['memory', 65_536],
        ],
      ]);
      expect(said.filter(({ event }) => event === 'row').map(({ event: _, ...row }) => row)).toEqual(
        report.rows,
      );
      for (const row of ofXfer(report.rows)) {
        expect(row).toMatchObject({ contestant: transport, transport, loops: 'javascript', isSealed: false });
        expect(row.samples).toHaveLength(2);
        for (const sample of row.samples) {
          expect(sample.iterations).toBeGreaterThanOrEqual(4);
          expect(sample.totalBytes).toBe(sample.iterations * row.bytes * (row.pattern === 'latency' ? 2 : 1));
          expect(sample.bytesPerSecond).toBeCloseTo(sample.totalBytes / sample.seconds, 3);
        }
        expect(row.latency !== undefined).toBe(row.pattern === 'latency');
      }
    },
  );

  it('measures lanes and both ways at once, and what both processes used', async () => {
    const some = ['--pattern', 'memory', '--size', '64KiB', '--iterations', '40', '--repeat', '2'];
    const args = ['bench', '--transport', 'tcp', '--lanes', '3', '--bidir', '--cpu', '--json', ...some];
    const { status, stdout } = await (await runXfer(args, { timeoutMs: 60_000 })).ended;
    expect(status).toBe(0);
    const { rows } = lines(stdout).at(-1) as Line & BenchReport;
    const [row] = ofXfer(rows);
    expect(row?.id).toBe('memory/64KiB/both-ways/tcp');
    const totalBytes = 3 * 40 * 2 * 65_536;
    expect(row?.samples).toMatchObject(Array(2).fill({ iterations: 120, totalBytes, path: { lanes: 3 } }));
    const processes = process.platform === 'linux' ? ['sender', 'receiver'] : ['sender'];
    expect(row?.cpu?.map((one) => one.process)).toEqual(expect.arrayContaining(processes));
  });

  it('counts processor time of many streams, too', async () => {
    const some = ['--pattern', 'streams', '--count', '200', '--size', '100', '--repeat', '1', '--hops', '1'];
    const args = ['bench', '--transport', 'tcp', '--cpu', '--json', ...some];
    const { status, stdout } = await (await runXfer(args, { timeoutMs: 60_000 })).ended;
    expect(status, stdout).toBe(0);
    const [row] = ofXfer((lines(stdout).at(-1) as Line & BenchReport).rows);
    const processes = process.platform === 'linux' ? ['sender', 'receiver', 'relay 1'] : ['sender'];
    expect(row?.cpu?.map((one) => one.process)).toEqual(expect.arrayContaining(processes));
    for (const { seconds } of row?.cpu ?? []) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(row?.cpu?.[0]?.seconds).toBeGreaterThan(0);
  });

  it('measures against another xfer bench, by the number of messages', async () => {
    const { run, url } = await serve();
    for (let time = 0; time < 2; time++) {
      const args = ['bench', url, '--size', '100', '--iterations', '30', '--repeat', '1', '--json'];
      const { status, stdout } = await (await runXfer(args)).ended;
      expect(status).toBe(0);
      const rows = lines(stdout).filter(({ event }) => event === 'row') as (Line & BenchRow)[];
      expect(ofXfer(rows).map(({ iterations }) => iterations)).toEqual([30, 30]);
    }
    expect((await run.kill('SIGTERM')).status).toBe(130);
  });

  it('ends with the report where a row is slower than its baseline, too, and tells of that once', async () => {
    const some = ['--transport', 'tcp', '--pattern', 'latency', '--size', '64', '--iterations', '20'];
    const args = ['bench', ...some, '--repeat', '3', '--json'];
    const report = lines((await (await runXfer(args)).ended).stdout).at(-1) as Line & BenchReport;
    const samples = report.rows[0]?.samples.map((sample) => ({
      ...sample,
      latency: { ...sample.latency, medianUs: 0.01 },
    }));
    const baseline = join(await temporaryDirectory(), 'then.json');
    await writeFile(baseline, JSON.stringify({ ...report, rows: [{ ...report.rows[0], samples }] }));
    const { status, stdout, stderr } = await (await runXfer([...args, '--baseline', baseline])).ended;
    expect({ status, stderr }).toEqual({ status: 5, stderr: '' });
    const said = lines(stdout);
    expect(said.slice(-3).map(({ event }) => event)).toEqual(['baseline', 'error', 'bench']);
    expect(said.filter(({ event }) => event === 'error')).toMatchObject([{ code: 'ERR_XFER_REGRESSION' }]);
  });

  it('prints tables for people on stdout', async () => {
    const args = ['bench', '--transport', 'tcp', '--pattern', 'latency', ...quick];
    const { status, stdout, stderr } = await (await runXfer(args)).ended;
    expect(status).toBe(0);
    expect(stderr).toMatch(/^latency 64 KiB {2}tcp {2}plain /m);
    expect(stdout).toMatch(/^ +bytes +iters +total +time +MB\/sec +usec\/xfer +Mxfers\/sec +median +p99 /m);
    expect(stdout).toMatch(/^ +64k( +[\d.]+[kmg]?s?){8} {2}tcp$/m);
    expect(stdout).toContain('unsealed');
  });

  it('skips what is not there, and fails with 7 where nothing else was asked for, but to programs', async () => {
    const some = await (await runXfer(['bench', '--transport', 'none,tcp', '--json', ...quick])).ended;
    expect(some.status).toBe(0);
    const report = lines(some.stdout).at(-1) as Line & BenchReport;
    expect(report.skipped).toMatchObject([{ name: 'none', code: 'ERR_XFER_NO_TRANSPORT' }]);
    const none = await (await runXfer(['bench', '--transport', 'none', '--pattern', 'memory'])).ended;
    expect({ status: none.status, stdout: none.stdout }).toEqual({ status: 7, stdout: '' });
    expect(none.stderr).toContain('none: no transport for none://');
    const args = ['bench', '--transport', 'none', '--pattern', 'memory', '--json'];
    const listed = await (await runXfer(args)).ended;
    expect(listed.status).toBe(0);
    expect(lines(listed.stdout).at(-1)).toMatchObject({
      event: 'bench',
      rows: [],
      skipped: [{ name: 'none' }],
    });
  });

  it('refuses a second bench while one is under way', async () => {
    const { url } = await serve();
    const first = await runXfer(['bench', url, '--json', '--repeat', '2', '--size', '64', '--time', '10s'], {
      timeoutMs: 60_000,
    });
    await first.until(({ stdout }) => stdout.includes('"work"'));
    // A stream is there by when anything of it came back; the turn is taken with it.
    const tries: (string | undefined)[] = [];
    for (let time = 0; time < 20 && tries.at(-1) !== 'ERR_XFER_LIMIT'; time++) {
      const { stdout } = await (await runXfer(['bench', url, '--json', ...quick])).ended;
      tries.push((lines(stdout).at(-1) as { code?: string }).code);
    }
    expect(tries.at(-1)).toBe('ERR_XFER_LIMIT');
    await first.kill('SIGINT');
  });

  it.each([
    [['bench', 'room:1234'], 2, 'ERR_XFER_USAGE'],
    [['bench', '--size', '17MiB', '--pattern', 'memory'], 2, 'ERR_XFER_USAGE'],
    [['bench', '--pattern', 'speed'], 2, 'ERR_XFER_USAGE'],
    [['bench', 'tcp://127.0.0.1:1', '--hops', '1'], 2, 'ERR_XFER_USAGE'],
    [['bench', '--size', '1,,2'], 2, 'ERR_XFER_USAGE'],
    [['bench', '--time', '2h'], 2, 'ERR_XFER_USAGE'],
    [['bench', '--serve', '--size', '1'], 2, 'ERR_XFER_USAGE'],
    [['bench', 'tcp://127.0.0.1:1', '--transport', 'udp'], 2, 'ERR_XFER_USAGE'],
    [['bench', 'tcp://127.0.0.1:1'], 3, 'ERR_XFER_CONNECTION_REFUSED'],
  ])('%j exits with %i', async (args, exit, code) => {
    const { status, stdout } = await (await runXfer([...args, '--json'])).ended;
    expect(status).toBe(exit);
    expect(lines(stdout).at(-1)).toMatchObject({ event: 'error', code, exit });
  });

  it('says of an xfer that is no bench that it is none', async () => {
    const directory = await temporaryDirectory();
    const recv = await runXfer(['recv', directory, '--listen', 'tcp://127.0.0.1:0', '--json']);
    const { addresses } = await recv.event('listening');
    const { status, stdout } = await (await runXfer(['bench', addresses[0] ?? '', '--json'])).ended;
    expect(status).toBe(4);
    expect(lines(stdout).at(-1)).toMatchObject({
      ...{ code: 'ERR_XFER_REFUSED', remedy: 'start xfer bench --serve there' },
    });
    await recv.kill();
  });

  it('says of a server that is no xfer that it is none', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).end('220 ready\r\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { status, stdout } = await (
      await runXfer(['bench', `tcp://127.0.0.1:${port}`, '--json'], { timeoutMs: 30_000 })
    ).ended;
    server.close();
    expect(status).toBe(3);
    expect(lines(stdout).at(-1)).toMatchObject({ event: 'error', exit: 3 });
  });

  it('fails with 3 when the other end dies in the middle', async () => {
    const { run, url } = await serve();
    const bench = await runXfer(['bench', url, '--json', ...endless], { timeoutMs: 60_000 });
    await bench.until(({ stdout }) => stdout.includes('"work"'));
    await run.kill('SIGKILL');
    const { status, stdout } = await bench.ended;
    expect(status).toBe(3);
    expect(lines(stdout).at(-1)).toMatchObject({ event: 'error', code: 'ERR_XFER_CONNECTION_LOST' });
  });

  it.runIf(process.platform === 'linux')(
    'ends with 130 at Ctrl-C, and the other end with it, also where it is killed',
    async () => {
      const directory = await temporaryDirectory();
      for (const signal of ['SIGINT', 'SIGKILL'] as const) {
        const bench = await runXfer(['bench', '--transport', 'tcp', '--json', ...endless], {
          timeoutMs: 60_000,
          env: { TMPDIR: directory },
        });
        await bench.until(({ stdout }) => stdout.includes('"work"'));
        const [child = 0] = await childrenOf(bench.child.pid ?? 0);
        expect(alive(child)).toBe(true);
        expect(await groupOf(child)).not.toBe(await groupOf(bench.child.pid ?? 0));
        const { status } = await bench.kill(signal);
        expect(status).toBe(signal === 'SIGINT' ? 130 : null);
        if (signal === 'SIGINT') expect(await readdir(directory)).toEqual([]);
        await expect.poll(() => alive(child), { timeout: 10_000, interval: 20 }).toBe(false);
      }
    },
  );
});
