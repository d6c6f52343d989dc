import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tcp } from '@xfer/mux';
import { bareStreams } from '../../src/bench/bare-streams.js';
import { isContestant, type BenchSetup } from '../../src/bench/contract.js';
import { startRelays } from '../../src/bench/relays.js';
import { TransportRegistry } from '../../src/transport/registry.js';

const transports = new TransportRegistry();
transports.add(tcp(), 'test');

const setupOf = (directory: string, hops: number) =>
  ({
    work: { pattern: 'streams', bytes: 64, count: 150, limit: { iterations: 1 }, isBothWays: false },
    ...{ transports, use: ['tcp'], tuning: {}, directory, hops, signal: new AbortController().signal },
    kept: { get: (_name: string, make: () => Promise<unknown>) => make() },
    place: { farHost: '127.0.0.1', near: [], far: [], isHere: true },
  }) as unknown as BenchSetup;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('opens streams over relays to the other end of a bench, and leaves nobody behind', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-bench-'));
  try {
    const relays = await startRelays(setupOf(directory, 1), 'tcp');
    expect(relays.addresses).toEqual([expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/)]);
    expect(relays.pids.every(isAlive)).toBe(true);
    await relays.close();
    expect(relays.pids.some(isAlive)).toBe(false);
    for await (const found of bareStreams(setupOf(directory, 1))) {
      if (!isContestant(found)) throw new Error(found.reason);
      expect(found.how).toBe('150 streams at once on one connection, over 1 relay');
      expect(await found.run(() => undefined)).toMatchObject({ iterations: 150, atOnce: 150 });
      await found.close();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 60_000);
