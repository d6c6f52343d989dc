import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import type { DigestFileJob } from '../../src/native/api.js';
import { codeOf, notOpen } from './held-tree.js';
import { describeBoth } from './implementations.js';
import { digestBytes, digestFile, pattern, temporaryDirectory, temporaryFile } from './seal-jobs.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describeBoth('digests', ({ seal }) => {
  const content = pattern(2 ** 20 + 7);

  it.each([
    [0, 0],
    [0, 1],
    [5, 100],
    [0, 2 ** 20 + 7],
    [2 ** 18 - 1, 2 ** 18 + 2],
  ])('are of the region from %i, %i bytes', async (position, bytes) => {
    const { fd } = temporaryFile(content);
    const expected = sha256(content.subarray(position, position + bytes));
    expect(await digestFile(seal, { fd, position, bytes })).toEqual({ digest: expected, bytesRead: bytes });
  });

  it('are of what there is where the file ends before', async () => {
    const { fd } = temporaryFile(content);
    const end = content.length;
    expect(await digestFile(seal, { fd, position: end - 10, bytes: 1000 })).toEqual({
      digest: sha256(content.subarray(-10)),
      bytesRead: 10,
    });
    const past = await digestFile(seal, { fd, position: end + 10, bytes: 2 ** 30 });
    expect(past).toEqual({ digest: sha256(Buffer.alloc(0)), bytesRead: 0 });
  });

  it.each([0, 1, 2 ** 20 + 7])('are of %i bytes in memory', async (bytes) => {
    const part = content.subarray(content.length - bytes);
    expect(await digestBytes(seal, part)).toBe(sha256(part));
  });

  it('fail with an errno name', async () => {
    expect(await codeOf(digestFile(seal, { fd: notOpen, position: 0, bytes: 1 }))).toBe('EBADF');
    const directory = openSync(temporaryDirectory(), 'r');
    onTestFinished(() => closeSync(directory));
    expect(await codeOf(digestFile(seal, { fd: directory, position: 0, bytes: 1 }))).toBe('EISDIR');
  });

  it('are refused at once for wrong arguments', () => {
    const never = (): void => {
      throw new Error('a refused job completed');
    };
    const wrong = [
      ...[-1, 1.5, '1', 2 ** 31].map((fd) => ({ fd })),
      ...[-1, 2 ** 53, '0', 2 ** 53 - 1].map((position) => ({ position })),
      ...[-1, 2 ** 30 + 1, NaN, '1'].map((bytes) => ({ bytes })),
    ];
    for (const change of wrong) {
      const job = { fd: 0, position: 0, bytes: 1, ...change } as DigestFileJob;
      expect(() => seal.digestFile(job, never), JSON.stringify(change)).toThrow(/must|ends past/);
    }
    expect(() => seal.digestBytes('text' as unknown as Uint8Array, never)).toThrow(TypeError);
  });
});
