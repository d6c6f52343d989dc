import { execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { removeServed, servedDirectory } from '../../../src/bench/served-directory.js';
import type { TransferRequest } from '../../../src/bench/transfers-message.js';
import { temporaryDirectory } from '../../support/run-xfer.js';

const common = { schemes: ['tcp'], code: '7-a-b', countsCpu: false };
const file: TransferRequest = { ...common, pattern: 'file', bytes: 1 };

describe('the directory of a transfer that a stranger asked for', () => {
  it.each<[string, TransferRequest]>([
    ['more bytes', { ...common, pattern: 'file', bytes: 2 ** 36 }],
    [
      'more bytes, in files that each take a page',
      { ...common, pattern: 'small-files', bytes: 2 ** 24, count: 1e6 },
    ],
    ['more of what it sends', { ...common, pattern: 'pipe', sent: { bytes: 2 ** 36, sourceBytes: 2 ** 36 } }],
  ])('is not made for %s than half of what is free', async (_, request) => {
    const parent = await temporaryDirectory();
    await expect(servedDirectory(parent, request)).rejects.toMatchObject({ code: 'ERR_XFER_LIMIT' });
    expect(await readdir(parent)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'is removed with what cannot be entered, and with paths longer than the system takes',
    async () => {
      const parent = await temporaryDirectory();
      const directory = await servedDirectory(parent, file);
      // By relative names: no path to the innermost one is short enough for a call.
      const deep = `
        const { chmodSync, mkdirSync, writeFileSync } = require('node:fs');
        process.chdir(process.argv[1]);
        mkdirSync('closed');
        writeFileSync('closed/file', 'x');
        chmodSync('closed', 0);
        for (let depth = 0; depth < 30; depth++) {
          mkdirSync('0'.repeat(200));
          process.chdir('0'.repeat(200));
        }`;
      execFileSync(process.execPath, ['-e', deep, directory.path]);
      // As fs.rm is by itself.
      await expect(rm(directory.path, { recursive: true })).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
      expect(await removeServed(directory)).toBe(true);
      expect(await readdir(parent)).toEqual([]);
    },
  );
});
