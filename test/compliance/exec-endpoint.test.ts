import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { endpointCompliance, endpointOptions } from 'xfer/compliance';
import { execEndpoint } from '../../src/pipe/exec-endpoint.js';

const directory = { path: '' };
let pipes = 0;
beforeAll(async () => {
  directory.path = await mkdtemp(join(tmpdir(), 'xfer-exec-'));
});
afterAll(() => rm(directory.path, { recursive: true }));

// Two programs joined by a named pipe.
endpointCompliance('exec', {}, () => {
  const fifo = join(directory.path, `${pipes++}`);
  execFileSync('mkfifo', [fifo]);
  return {
    kind: execEndpoint,
    open: async () => {
      const near = await execEndpoint.open(`exec:cat >${fifo}`, endpointOptions('sink'));
      const far = await execEndpoint.open(`exec:cat ${fifo}`, endpointOptions('source'));
      return { near, far: () => Promise.resolve(far) };
    },
    good: 'exec:true',
    rubbish: ['exec:', 'exec:  ', 'exec:a\0b'],
  };
});
