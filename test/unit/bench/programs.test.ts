import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { loopback } from '../../support/bench-setup.js';
import { otherTools, peerNames } from '../../../src/bench/peers.js';
import { findProgram, isAtLeast, type NeededProgram } from '../../../src/bench/programs.js';
import type { BenchSkipped } from '../../../src/bench/report.js';
import { benchDefaults } from '../../../src/config/index.js';

const root = mkdtempSync(join(tmpdir(), 'xfer-programs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** A PATH of these alone, each a shell script. */
function programs(scripts: Record<string, string>): string {
  const directory = mkdtempSync(join(root, 'path-'));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  vi.stubEnv('PATH', directory);
  return directory;
}

const thing: NeededProgram = {
  ...{ name: 'thing', packageName: 'thing-tools', ask: ['--version'], says: /^thing (\d+\.\d+)/m },
  least: [3, 7],
};

it('finds a program that is what it is taken for, whatever its status, on stdout or stderr', async () => {
  const directory = programs({ thing: 'echo "thing 3.12 ($1)" >&2; exit 1' });
  const { path, said } = await findProgram(thing);
  expect(path).toBe(join(directory, 'thing'));
  expect(said).toContain('thing 3.12 (--version)');
});

it.each([
  ['is missing', {}, 'ERR_XFER_NOT_FOUND', 'there is no thing on PATH'],
  ['is something else', { thing: 'echo a game; exit 1' }, 'ERR_XFER_COMMAND_FAILED', 'is not the thing'],
  ['is too old', { thing: 'echo thing 3.6' }, 'ERR_XFER_COMMAND_FAILED', 'thing 3.6 is too old'],
  // What it leaves behind keeps its output open.
  ['never answers', { thing: '/bin/sleep 60 & exit 0' }, 'ERR_XFER_COMMAND_FAILED', 'does not answer'],
  ['never ends', { thing: 'while :; do echo y; done' }, 'ERR_XFER_COMMAND_FAILED', 'is not the thing'],
])('tells of one that %s, in time', async (_, scripts, code, reason) => {
  programs(scripts);
  const began = performance.now();
  const error: unknown = await findProgram(thing).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringContaining(reason) as string });
  expect(error).toHaveProperty('remedy', expect.stringMatching(/install thing/));
  // It is never waited for longer than that, a loaded machine aside.
  expect(performance.now() - began).toBeLessThan(2 * benchDefaults.toolAnswerMs);
});

it('knows a newer version from an older one', () => {
  expect(isAtLeast('3.12', [3, 7])).toBe(true);
  expect(isAtLeast('3.7', [3, 7])).toBe(true);
  expect(isAtLeast('4.0', [3, 7])).toBe(true);
  expect(isAtLeast('3.6', [3, 7])).toBe(false);
  expect(isAtLeast('2.99', [3, 7])).toBe(false);
});

async function skippedOf(peers: readonly string[] | 'found', of: Parameters<typeof loopback>[1]) {
  const all: BenchSkipped[] = [];
  for await (const one of otherTools({ ...loopback(root, of), peers })) all.push(one as BenchSkipped);
  return all;
}

it('skips by name all that were asked for and are not what they are to be, each with its reason', async () => {
  programs({ scp: 'exit 1', mbuffer: 'echo garbage', iperf3: 'echo iperf 3.1.3' });
  // Those that can do nothing of this are told of once for all works.
  const asked = ['scp', 'mbuffer', 'cp', 'iperf3', 'carrier pigeon'];
  const skipped = await skippedOf(asked, { pattern: 'file' });
  expect(skipped.map(({ name, code }) => [name, code])).toEqual([
    ['scp', 'ERR_XFER_COMMAND_FAILED'],
    ['cp', 'ERR_XFER_NOT_FOUND'],
    ['carrier pigeon', 'ERR_XFER_USAGE'],
  ]);
  for (const { name, reason } of skipped) expect(reason).toContain(name);
  expect(skipped[2]?.remedy).toContain(peerNames.join(', '));
  const [old] = await skippedOf(['iperf3'], { pattern: 'memory' });
  expect(old?.reason).toBe('iperf3 3.1 is too old');
});

it('of those that are found names the missing ones, and leaves out who does no such work', async () => {
  programs({});
  const names = async (of: Parameters<typeof loopback>[1]) =>
    (await skippedOf('found', of)).map(({ name }) => name);
  expect(await names({ pattern: 'pipe' })).toEqual(['ssh', 'socat-tls', 'socat', 'nc', 'ncat', 'mbuffer']);
  expect(await names({ pattern: 'pipe', isBothWays: true })).not.toContain('mbuffer');
  expect(await names({ pattern: 'streams' })).toEqual([]);
});
