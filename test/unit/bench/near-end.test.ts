import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tcp } from '@xfer/mux';
import { Kept } from '../../../src/bench/kept.js';
import { nearEnd } from '../../../src/bench/near-end.js';
import type { NearRequest } from '../../../src/bench/near-message.js';
import { startRelays } from '../../../src/bench/relays.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { loopback } from '../../support/bench-setup.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xfer-near-end-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('relays are started behind the link, once, and told to the near end, which starts none', async () => {
  const transports = new TransportRegistry();
  transports.add(tcp(), 'test');
  const kept = new Kept();
  const heard = join(directory, 'heard');
  // In place of an xfer: what it is told to be is its port, and what the near end is asked is kept.
  const far = [
    'sh',
    '-c',
    'echo "{\\"event\\":\\"listening\\",\\"addresses\\":[\\"tcp://far/$3\\"]}"; exec cat >/dev/null',
    'sh',
  ];
  const near = [
    'sh',
    '-c',
    `head -n 1 >'${heard}'; echo '{"answer":"found","found":[]}'; exec cat >/dev/null`,
  ];
  const setup = {
    ...loopback(directory, { pattern: 'latency' }),
    ...{ transports, kept, use: ['tcp'], hops: 2, directory },
    place: { farHost: '10.91.0.2', near, far, isHere: false },
  };
  try {
    for await (const found of nearEnd(setup)) expect(found).toBeUndefined();
    const asked = JSON.parse(await readFile(heard, 'utf8')) as NearRequest;
    if (asked.ask !== 'find') throw new Error('it was asked something else');
    expect(asked.setup.target).toBe('tcp://far/bench');
    const relay = { address: 'tcp://far/relay', pid: expect.any(Number) as number };
    expect(asked.setup.relays).toEqual([relay, relay]);
    // Over there no other ones are started.
    const { relays = [], target } = asked.setup;
    const used = await startRelays({ ...setup, ...{ relays, target } }, 'tcp');
    expect(used.pids).toEqual(relays.map(({ pid }) => pid));
    await used.close();
    for (const { pid } of relays) process.kill(pid, 0);
  } finally {
    await kept.close();
  }
});
