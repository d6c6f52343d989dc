import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { fabricDefaults } from '../../src/config/index.js';
import { tries } from '../support/campaign.js';
import { describeFabric, pairOfProcesses, patternOf } from './fabric-side.js';
import { fixture, runProgram } from './run-script.js';

/** Of each provider. */
const kills = tries(30, 8);
const opens = 1000;

describeFabric('a process that ends with endpoints open and messages under way', (_, provider) => {
  it.each([
    ['exit', { status: 3, signal: null, stderr: '' }],
    ['throw-in-handler', { status: 1, signal: null }],
    ['close-in-handler', { status: 0, stdout: 'closed\n', stderr: '' }],
    ['not-kept-alive', { status: 0, signal: null, stderr: '' }],
    ['kill', { status: null, signal: 'SIGTERM' }],
  ])('%s', async (way, expected) => {
    const ended = await runProgram(process.execPath, [fixture('fabric-exit.cjs'), provider, way]);
    expect(ended).toMatchObject(expected);
  });
});

describeFabric('endpoints', (_, provider) => {
  it('are safe in worker threads that come and go', async () => {
    expect(await runProgram(process.execPath, [fixture('fabric-workers.mjs'), provider])).toEqual({
      ...{ status: 0, signal: null },
      ...{ stdout: 'all ended\n', stderr: '' },
    });
  }, 60_000);

  it(`leave nothing behind, ${opens} times opened and closed`, async () => {
    const args = ['--expose-gc', fixture('fabric-opens.mjs'), provider, String(opens)];
    // Else the allocator keeps what each thread had for the next.
    const { status, stdout, stderr } = await runProgram(process.execPath, args, { MALLOC_ARENA_MAX: '1' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const more = JSON.parse(stdout) as { descriptors: number; threads: number; bytes: number };
    expect(more.descriptors).toBeLessThanOrEqual(0);
    expect(more.threads).toBeLessThanOrEqual(0);
    // 20 KiB of each that is opened would be as much.
    expect(more.bytes).toBeLessThan(8 << 20);
  }, 120_000);

  it('of whole connections leave nothing behind, although what was closed is not forgotten at once', async () => {
    const args = ['--expose-gc', fixture('rdma-opens.mjs'), provider, '20'];
    const { status, stdout, stderr } = await runProgram(process.execPath, args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const more = JSON.parse(stdout) as Record<'external' | 'descriptors' | 'threads', number>;
    // Each has two ends with 17 MB of receive buffers; what the collector has not come to yet is less than two connections.
    expect(more.external).toBeLessThan(64 << 20);
    expect(more.descriptors).toBeLessThanOrEqual(8);
    expect(more.threads).toBeLessThanOrEqual(0);
  }, 60_000);

  it('take less than 2 % of a core while nothing comes', async () => {
    const { status, stdout } = await runProgram(process.execPath, [fixture('fabric-idle.mjs'), provider]);
    const parts = JSON.parse(stdout) as number[];
    expect([status, parts.length]).toEqual([0, 2]);
    for (const part of parts) expect(part).toBeLessThan(0.02);
  });
});

const canLimit = spawnSync('prlimit', ['--memlock=65536', 'true']).status === 0;
if (!canLimit) process.stderr.write('NOT TESTED: a limit of locked memory: there is no prlimit here\n');
describe.runIf(canLimit)('where 64 KiB may be locked', () => {
  describeFabric('an endpoint', (_, provider) => {
    it('opens where its provider locks nothing, else it says what to raise', async () => {
      const args = ['--memlock=65536', process.execPath, fixture('fabric-memlock.mjs'), provider];
      const { status, stdout, stderr } = await runProgram('prlimit', args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^(open$|ENOMEM .*memlock)/m);
    });
  });
});

describeFabric('two processes', (api, provider) => {
  it('send each other messages of all sizes', async () => {
    const { side } = await pairOfProcesses(api, provider, 'echo');
    const lengths = [1, 100, 4000, 5000, 300_000, 1 << 20];
    for (const [seed, length] of lengths.entries()) await side.send([patternOf(length, seed)]);
    await side.until(() => side.received.length === lengths.length);
    side.received.forEach((bytes, seed) => {
      expect(Buffer.compare(bytes, patternOf(lengths[seed] ?? 0, seed))).toBe(0);
    });
  });

  it.each(['sink', 'source'] as const)(
    'go on alone where the other, a %s of large messages, is killed',
    async (role) => {
      const { side, child } = await pairOfProcesses(api, provider, role);
      const region = new Uint8Array(await side.endpoint.region(1 << 20));
      const enough = (): boolean => (role === 'sink' ? side.sent.length : side.received.length) >= 20;
      if (role === 'sink') while (!enough()) await side.send([region]);
      await side.until(enough);
      const tokens: number[] = [];
      if (role === 'sink') while (side.endpoint.largeRoom > 0) tokens.push(side.sendNow([region]));
      child.kill('SIGKILL');
      await once(child, 'exit');
      await side.endpoint.close();
      expect(side.sent).toEqual(expect.arrayContaining(tokens));
    },
  );

  it('close in time, however often the other is killed in the middle', async () => {
    let abandoned = 0;
    for (let kill = 0; kill < kills; kill++) {
      const { side, child } = await pairOfProcesses(api, provider, 'source');
      const region = new Uint8Array(await side.endpoint.region(1 << 20));
      await side.send([region]);
      await side.until(() => side.received.length >= 3 + (kill % 5));
      const tokens: number[] = [];
      while (side.endpoint.largeRoom > 0) tokens.push(side.sendNow([region]));
      while (side.endpoint.smallRoom > 0) tokens.push(side.sendNow([patternOf(100)]));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const start = performance.now();
      await side.endpoint.close();
      const tookMs = performance.now() - start;
      if (tookMs >= fabricDefaults.closeTimeoutMs - 1) abandoned++;
      expect(tookMs).toBeLessThan(fabricDefaults.closeTimeoutMs + 1000);
      expect(side.sent).toEqual(expect.arrayContaining(tokens));
    }
    process.stderr.write(`${provider}: of ${kills} endpoints, ${abandoned} closed without their threads\n`);
  }, 120_000);

  it('do not hold up the loop while 2 GiB go from one to the other', async () => {
    const { side } = await pairOfProcesses(api, provider, 'sink');
    const region = new Uint8Array(await side.endpoint.region(1 << 20));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const messages = 2048;
    const start = performance.now();
    for (let i = 0; i < messages; i++) await side.send([region]);
    await side.until(() => side.sent.length === messages);
    const seconds = (performance.now() - start) / 1000;
    delay.disable();
    const worst = `longest delay ${(delay.max / 1e6).toFixed(1)} ms, p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`;
    process.stderr.write(`${provider}: 2 GiB in ${seconds.toFixed(2)} s, ${worst}\n`);
    // Of the scheduler's making is what a loaded machine adds to the longest; the usual one is ours.
    expect(delay.percentile(50) / 1e6).toBeLessThan(20);
  }, 60_000);
});
