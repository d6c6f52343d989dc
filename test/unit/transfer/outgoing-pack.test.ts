import { describe, expect, it } from 'vitest';
import { packedChanged } from '../../../src/native/api.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { sessionDefaults } from '../../../src/config/index.js';
import { OutgoingPack } from '../../../src/transfer/outgoing-pack.js';
import type { SourceEntry } from '../../../src/transfer/source-entry.js';
import { failure } from './rogue-kit.js';

function source(id: number, size = 10): SourceEntry {
  return {
    ...{ id, size, kind: entryKind.file, path: `f${id}`, source: `/from/f${id}`, mode: 0o644, target: '' },
    ...{ mtimeSeconds: 0, mtimeNanoseconds: 0 },
    stamp: { dev: 1n, ino: BigInt(1000 + id), size, mtimeNs: -5n, ctimeNs: 2n ** 63n + 1n },
  };
}

function packOf(...ids: readonly number[]): OutgoingPack {
  const pack = new OutgoingPack(sessionDefaults.recordBytes);
  for (const id of ids) pack.add(source(id));
  return pack;
}

const errnoName = (errno: number) => (errno === 2 ? 'ENOENT' : 'EIO');
const problems = (...numbers: readonly number[]) => Int32Array.from(numbers);
const inosOf = ({ stamps }: { stamps: BigInt64Array }) => [...stamps].filter((_, i) => i % 6 === 1);

describe('a pack that is filled', () => {
  it('counts the table and the contents, and tells its first and last file', () => {
    const pack = packOf(3, 8, 9);
    expect([pack.bytes, pack.firstId, pack.lastId]).toEqual([4 + 3 * 18, 3, 9]);
    expect(pack.entries.map(({ id }) => id)).toEqual([3, 8, 9]);
  });

  it('takes 512 files', () => {
    const pack = packOf(...Array.from({ length: 512 }, (_, id) => id));
    expect([pack.add(source(512)), pack.entries.length]).toEqual([false, 512]);
  });

  it('takes what a record holds, to the byte', () => {
    const pack = new OutgoingPack(sessionDefaults.recordBytes);
    expect(pack.add(source(0, 2 ** 20 - 11))).toBe(false);
    expect([pack.bytes, pack.entries.length]).toEqual([4, 0]);
    expect(pack.add(source(0, 2 ** 20 - 20))).toBe(true);
    expect(pack.add(source(1, 1))).toBe(false);
    expect(pack.add(source(1, 0))).toBe(true);
    expect(pack.bytes).toBe(2 ** 20);
  });

  it('asks for its files with the stamps that they had, ids counted from the first', () => {
    const { paths, stamps } = packOf(3, 8).job();
    expect(paths).toEqual(['/from/f3', '/from/f8']);
    expect([...stamps]).toEqual([
      ...[1n, 1003n, 10n, -5n, -(2n ** 63n) + 1n, 0n],
      ...[1n, 1008n, 10n, -5n, -(2n ** 63n) + 1n, 5n],
    ]);
  });
});

describe('a pack that was read', () => {
  it('tells what went, and why the rest did not', () => {
    const pack = packOf(1, 2, 3, 4);
    expect(pack.isRead).toBe(false);
    const { sent, failed } = pack.handleRead(problems(0, 2, packedChanged, 5), errnoName);
    expect(sent.map(({ id }) => id)).toEqual([1]);
    expect(failed.map(({ entry, error }) => [entry.id, error.code])).toEqual([
      [2, 'ERR_XFER_NOT_FOUND'],
      [3, 'ERR_XFER_FILE_CHANGED'],
      [4, 'ERR_XFER_LOCAL_IO'],
    ]);
    expect(pack.isRead).toBe(true);
  });

  it('is told of once: a second reading says nothing where it is the same', () => {
    const pack = packOf(1, 2);
    pack.handleRead(problems(0, 2), errnoName);
    expect(pack.handleRead(problems(0, packedChanged), errnoName)).toEqual({ sent: [], failed: [] });
  });

  it('leaves out again what was left out, even if it is there now', () => {
    const pack = packOf(1, 2);
    pack.handleRead(problems(0, 2), errnoName);
    expect(inosOf(pack.job())).toEqual([1001n, -1n]);
    expect(pack.handleRead(problems(0, 0), errnoName)).toEqual({ sent: [], failed: [] });
    expect(inosOf(pack.job())).toEqual([1001n, -1n]);
  });

  it.each([
    [packedChanged, 'ERR_XFER_FILE_CHANGED'],
    [2, 'ERR_XFER_NOT_FOUND'],
  ])('throws where a file that went cannot be read again (%d)', (problem, code) => {
    const pack = packOf(1, 2);
    pack.handleRead(problems(0, 2), errnoName);
    expect(() => pack.handleRead(problems(problem, 2), errnoName)).toThrow(failure(code));
  });
});
