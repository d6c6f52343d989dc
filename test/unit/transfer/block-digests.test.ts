import { createHash } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { blockAt, blockBytes, blockDigest } from '../../../src/transfer/block-digests.js';
import { temporaryDirectory } from './transfer-kit.js';

const { seal } = nativeApi();
const content = Buffer.from('what stands there, and what does not');

async function opened(): Promise<number> {
  const path = join(await temporaryDirectory(), 'file');
  await writeFile(path, content);
  const file = await open(path);
  onTestFinished(() => file.close());
  return file.fd;
}

describe('the digest of a block', () => {
  it('is the first half of the SHA-256 of what is there', async () => {
    const expected = createHash('sha256').update(content.subarray(5, 15)).digest().subarray(0, 16);
    const digest = await blockDigest(seal, await opened(), 5, 10);
    expect(Buffer.from(digest ?? []).toString('hex')).toBe(expected.toString('hex'));
  });

  it('is none where fewer bytes are there', async () => {
    const fd = await opened();
    expect(await blockDigest(seal, fd, 5, content.length - 5)).toHaveLength(16);
    expect(await blockDigest(seal, fd, 5, content.length - 4)).toBeUndefined();
    expect(await blockDigest(seal, fd, 1000, 1)).toBeUndefined();
  });

  it('is not to be had where it cannot be read', async () => {
    const directory = await open(await temporaryDirectory());
    onTestFinished(() => directory.close());
    await expect(blockDigest(seal, directory.fd, 0, 10)).rejects.toMatchObject({ code: 'EISDIR' });
  });
});

describe('the blocks of a file', () => {
  it('are as large as a record', () => {
    expect(blockBytes).toBe(sessionDefaults.recordBytes);
  });

  it('lie one behind the other, the last one up to the end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 * blockBytes }), (size) => {
        let end = 0;
        for (let block = 0; end < size; block++) {
          const [from, to] = blockAt(block, size);
          expect([from, to > from, to - from <= blockBytes]).toEqual([end, true, true]);
          end = to;
        }
        expect(end).toBe(size);
      }),
    );
  });
});
