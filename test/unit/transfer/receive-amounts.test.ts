import { describe, expect, it } from 'vitest';
import { entryKind, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import { ReceiveAmounts } from '../../../src/transfer/receive-amounts.js';

const file = (size: number, allocatedBytes?: number): ManifestEntry => ({
  ...{ kind: entryKind.file, id: 0, path: 'a', size, mode: 0o644, mtimeSeconds: 0, mtimeNanoseconds: 0 },
  ...{ target: '', token: new Uint8Array() },
  ...(allocatedBytes === undefined ? {} : { allocatedBytes }),
});

describe('what a receiver counts', () => {
  it('is content that came, holes, and what stands', () => {
    const amounts = new ReceiveAmounts();
    amounts.handleOffered(file(1000));
    amounts.handleOffered(file(5000, 2000));
    expect(amounts.missingBytes).toBe(3000);
    amounts.handleContent(1000);
    amounts.handleFileDone(file(1000));
    amounts.handleHole(3000);
    expect(amounts.progress).toEqual({ bytes: 4000, total: 6000, files: 1 });
    expect(amounts.carriedBytes).toBe(1000);
    expect([amounts.offeredFiles, amounts.files, amounts.fileBytes]).toEqual([2, 1, 1000]);
  });

  it('does not await what the sender could not send', () => {
    const amounts = new ReceiveAmounts();
    amounts.handleOffered(file(1000));
    amounts.handleDropped(file(1000));
    expect(amounts.progress).toEqual({ bytes: 0, total: 0, files: 0 });
    expect(amounts.isWhole({ files: 0, bytes: 0 })).toBe(true);
    expect(amounts.isWhole({ files: 1, bytes: 1000 })).toBe(false);
  });

  it('is whole whether or not the sender counts what was left out, and in no other case', () => {
    const amounts = new ReceiveAmounts();
    for (const size of [10, 20, 30]) amounts.handleOffered(file(size));
    amounts.handleUnwanted(file(20));
    amounts.handleFileDone(file(10));
    amounts.handleFileDone(file(30));
    expect(amounts.total).toBe(40);
    expect(amounts.isWhole({ files: 2, bytes: 40 })).toBe(true);
    expect(amounts.isWhole({ files: 3, bytes: 60 })).toBe(true);
    expect(amounts.isWhole({ files: 3, bytes: 61 })).toBe(false);
    expect(amounts.isWhole({ files: 4, bytes: 60 })).toBe(false);
    expect(amounts.isWhole({ files: 1, bytes: 40 })).toBe(false);
  });
});
