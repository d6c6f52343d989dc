import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { endpointCompliance, endpointOptions } from 'xfer/compliance';
import type { Endpoint } from '../../src/pipe/endpoint.js';
import { fileEndpoints } from '../../src/pipe/file-endpoint.js';

const directory = { path: '' };
let files = 0;
beforeAll(async () => {
  directory.path = await mkdtemp(join(tmpdir(), 'xfer-file-'));
});
afterAll(() => rm(directory.path, { recursive: true }));

endpointCompliance('file', { isLive: false }, async () => {
  const kind = await fileEndpoints().load();
  const url = `file:${join(directory.path, `${files++}`)}`;
  return {
    kind,
    open: async () => {
      const near = await kind.open(url, endpointOptions('sink'));
      let far: Promise<Endpoint> | undefined;
      return { near, far: () => (far ??= kind.open(url, endpointOptions('source'))) };
    },
    good: url,
    rubbish: ['file:', 'file:a\0b'],
  };
});
