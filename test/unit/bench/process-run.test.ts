import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunProgress } from '../../../src/bench/contract.js';
import { runProcesses } from '../../../src/bench/process-run.js';
import type { XferChildOptions } from '../../../src/bench/xfer-child.js';
import { loopback } from '../../support/bench-setup.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'xfer-process-run-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** In place of an xfer: tells these events. */
const tells = (name: string, events: readonly object[], between = ''): XferChildOptions => ({
  ...{ name, words: [], env: {}, countsCpu: false },
  place: ['sh', '-c', events.map((event) => `echo '${JSON.stringify(event)}'`).join(`; ${between}`)],
});
const done = { event: 'done', bytes: 9, seconds: 1, lanes: 2, bottleneck: 'network' };

test('lanes of a transfer and what they lose are seen while it runs, and told behind it', async () => {
  const goOn = join(directory, 'go-on');
  execFileSync('mkfifo', [goOn]);
  const lanes = [
    { lane: 0, transport: 'udp', bytes: 5, rttMs: 30, datagrams: 60, lost: 1 },
    { lane: 1, transport: 'udp', bytes: 4, rttMs: 20, datagrams: 40, lost: 1 },
  ];
  const seen: RunProgress[] = [];
  const run = runProcesses({
    setup: loopback(directory),
    relays: [],
    directions: [
      {
        far: tells('receiver', [{ event: 'listening', addresses: ['udp://here:1'] }, done]),
        near: () =>
          // It is done when that was seen.
          tells('sender', [{ event: 'progress', bytes: 9, lanes }, done], `read -r line <'${goOn}'; `),
      },
    ],
    onProgress: (progress) => {
      if (progress.bytes > 0 && seen.every(({ bytes }) => bytes === 0)) appendFileSync(goOn, 'go\n');
      seen.push(progress);
    },
  });
  const { path } = await run;
  expect(seen.find(({ bytes }) => bytes > 0)).toMatchObject({
    bytes: 9,
    lanes: [5, 4],
    rttMs: 20,
    lossShare: 0.02,
  });
  expect(path).toEqual({ lanes: 2, bottleneck: 'network', lossShare: 0.02 });
});
