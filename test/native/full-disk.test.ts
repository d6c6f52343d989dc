import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { FilesApi } from '../../src/native/api.js';
import { canMountTmpfs, mountSmallTmpfs } from '../support/small-tmpfs.js';
import { codeOf } from './held-tree.js';
import { describeBoth } from './implementations.js';
import { temporaryFile } from './seal-jobs.js';

const MiB = 2 ** 20;
const skipped = canMountTmpfs ? '' : ' (NOT TESTED: this system lets no test mount a tmpfs)';

async function smallRoot(files: FilesApi): Promise<{ directory: string; root: number }> {
  const { directory, close } = await mountSmallTmpfs(MiB);
  onTestFinished(close);
  const root = await files.openRoot(directory);
  onTestFinished(() => files.close(root));
  return { directory, root };
}

describeBoth('a full disk', ({ files }) => {
  it.runIf(canMountTmpfs)(`in the middle of a batch leaves whole files alone${skipped}`, async () => {
    const { directory, root } = await smallRoot(files);
    const bytes = 100_000;
    const names = Array.from({ length: 20 }, (_, i) => `file-${i}`);
    const job = {
      buffer: Buffer.alloc(bytes, 'x'),
      names,
      numbers: Float64Array.from(names.flatMap(() => [root, 0, bytes, 0o600, -1, -1, 0])),
      mtimesNs: new BigInt64Array(names.length),
      temporaryPrefix: '.temporary-',
    };
    const { errors, stamps } = await files.writeFiles(job);
    const codes = [...errors].map((error) => (error === 0 ? 0 : files.errnoName(error)));
    const whole = names.filter((_, i) => codes[i] === 0);
    expect([whole.length > 5, whole.length < 11]).toEqual([true, true]);
    expect(codes.filter((code) => code !== 0)).toEqual(Array(20 - whole.length).fill('ENOSPC'));
    expect(fs.readdirSync(directory).sort()).toEqual([...whole].sort());
    for (const name of whole) expect(fs.statSync(join(directory, name)).size).toBe(bytes);
    names.forEach((_, i) => expect(stamps[3 * i + 1] === 0n).toBe(codes[i] !== 0));
    fs.unlinkSync(join(directory, 'file-0'));
    const again = await files.writeFiles({ ...job, names: names.map((name) => `${name}-again`) });
    expect(again.errors[0]).toBe(0);
  });

  it.runIf(canMountTmpfs)(`takes no room in memory ahead of time${skipped}`, async () => {
    const { root } = await smallRoot(files);
    const fd = await files.createFile(root, 'file');
    onTestFinished(() => files.close(fd));
    expect(await files.freeBytes(root)).toBeLessThanOrEqual(MiB);
    expect(await files.allocate(fd, MiB / 2)).toBe(false);
    expect(fs.fstatSync(fd).size).toBe(0);
  });

  it.runIf(canMountTmpfs)(`shows in a copy${skipped}`, async () => {
    const { root } = await smallRoot(files);
    const source = temporaryFile(Buffer.alloc(2 * MiB, 'x'));
    const fd = await files.createFile(root, 'file');
    onTestFinished(() => files.close(fd));
    expect(await codeOf(files.copyRegion(source.fd, fd, 0, 2 * MiB))).toBe('ENOSPC');
  });
});
