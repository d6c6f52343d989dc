import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { XferError } from '../../../src/errors/index.js';
import type { NativeApi } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import { sealRecord } from '../../../src/native/record-codec.js';
import type { SealedContent } from '../../../src/session/lane.js';
import { encodeRecordHeader, recordKind } from '../../../src/session/record-header.js';
import { DirectoryCache } from '../../../src/transfer/directory-cache.js';
import { IncomingFile } from '../../../src/transfer/incoming-file.js';
import { failure } from './rogue-kit.js';
import { entry, held, namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

const temporary = '.xfer-test.part';

async function incoming(size: number, options: { path?: string; native?: NativeApi } = {}) {
  const { path = 'file', native = nativeApi() } = options;
  const directory = await temporaryDirectory();
  const root = await native.files.openRoot(directory);
  const directories = new DirectoryCache(native.files, root);
  onTestFinished(async () => {
    await directories.close();
    await native.files.close(root);
  });
  const described = entry(0, path, { size, mode: 0o640, mtimeNanoseconds: 5000 });
  const metadata = { owners: false, attributes: false };
  const common = { entry: described, temporary, native, directories };
  return { directory, file: new IncomingFile({ ...common, replaces: () => true, metadata }) };
}

function sealed(body: Uint8Array, offset = 0): SealedContent {
  const key = { cipher: 1, key: new Uint8Array(32).fill(3), counter: 1 } as const;
  const header = { kind: recordKind.content, layout: 0, bodyBytes: body.length, entry: 0, offset, number: 0 };
  return {
    header,
    lane: 0,
    key,
    record: sealRecord(key, encodeRecordHeader(header), body),
    release: () => undefined,
  };
}

const written = (file: IncomingFile, content: SealedContent) =>
  new Promise<XferError | undefined>((resolve) => file.write(content, resolve));

describe('what a file claims', () => {
  it('is each byte once, to its end and not past it', async () => {
    const { file } = await incoming(10);
    expect([file.claim(0, 4), file.claim(4, 6)]).toEqual([true, true]);
    for (const [offset, bytes] of [
      [0, 1],
      [9, 1],
      [3, 2],
      [0, 10],
    ] as const)
      expect(file.claim(offset, bytes)).toBe(false);
  });

  it.each([
    [10, 1],
    [9, 2],
    [0, 11],
    [Number.MAX_SAFE_INTEGER, 1],
    [11, 0],
  ])('is nothing from %d on with %d bytes in a file of ten', async (offset, bytes) => {
    const { file } = await incoming(10);
    expect([file.claim(offset, bytes), file.claim(0, 10)]).toEqual([false, true]);
  });

  it('has so many gaps at most', async () => {
    const { file } = await incoming(1_000_000);
    const most = 1024 + 2 * 65_536;
    for (let n = 0; n < most; n++) if (!file.claim(n * 3, 1)) throw new Error(`no room for gap ${n}`);
    expect(file.claim(most * 3, 1)).toBe(false);
    expect(file.claim(1, 2)).toBe(true);
    expect(file.claim(most * 3, 1)).toBe(true);
  });
});

describe('a file that arrives', () => {
  it('lies under its temporary name, for its owner alone, until it is whole', async () => {
    const { file, directory } = await incoming(6);
    await file.open();
    expect(await namesIn(directory)).toEqual([temporary]);
    expect((await stat(join(directory, temporary))).mode & 0o777).toBe(0o600);
    expect(await written(file, sealed(Buffer.from('def'), 3))).toBeUndefined();
    expect(file.isComplete).toBe(false);
    expect(await written(file, sealed(Buffer.from('abc')))).toBeUndefined();
    expect(file.isComplete).toBe(true);
    expect(await namesIn(directory)).toEqual([temporary]);
    await file.finish();
    expect(await namesIn(directory)).toEqual(['file']);
    expect(await readFile(join(directory, 'file'), 'utf8')).toBe('abcdef');
    const { mode, mtimeMs } = await stat(join(directory, 'file'));
    expect([mode & 0o777, Math.floor(mtimeMs / 1000)]).toEqual([0o640, 1_000_000_000]);
  });

  it('takes the place of a file or a link, and never writes through one', async () => {
    for (const put of [
      (path: string, _: string) => writeFile(path, 'old'),
      (path: string, other: string) => symlink(other, path),
    ]) {
      const { file, directory } = await incoming(0);
      const other = join(await temporaryDirectory(), 'other');
      await writeFile(other, 'untouched');
      await put(join(directory, 'file'), other);
      await file.finish();
      expect((await stat(join(directory, 'file'))).size).toBe(0);
      expect(await readFile(other, 'utf8')).toBe('untouched');
    }
  });

  it('is refused where a directory stands, before anything is created', async () => {
    const { file, directory } = await incoming(1);
    await mkdir(join(directory, 'file'));
    await expect(file.open()).rejects.toEqual(failure('ERR_XFER_IS_DIRECTORY'));
    await file.discard();
    expect(await namesIn(directory)).toEqual(['file/']);
  });

  it.each<[string, (path: string) => Promise<unknown>, string]>([
    ['nothing', () => Promise.resolve(), 'ERR_XFER_NOT_FOUND'],
    [
      'a link',
      (path) => symlink('/tmp', path),
      expect.stringMatching(/ERR_XFER_(LOCAL_IO|NOT_DIRECTORY)/) as string,
    ],
  ])('is refused where %s stands for its directory', async (_, put, code) => {
    const { file, directory } = await incoming(1, { path: 'd/file' });
    await put(join(directory, 'd'));
    await expect(file.open()).rejects.toEqual(failure(code));
    await file.discard();
  });

  it('is not written before it is open', async () => {
    const { file } = await incoming(1);
    expect(() => file.write(sealed(Buffer.from('a')), () => undefined)).toThrow(failure('ERR_XFER_INTERNAL'));
  });
});

describe('a record', () => {
  it('that was altered is not written', async () => {
    const { file, directory } = await incoming(3);
    await file.open();
    const content = sealed(Buffer.from('abc'));
    const last = content.record.length - 1;
    content.record[last] = (content.record[last] ?? 0) ^ 1;
    expect(await written(file, content)).toEqual(failure('ERR_XFER_TAMPERED'));
    expect(file.isComplete).toBe(false);
    expect((await stat(join(directory, temporary))).size).toBe(0);
    await file.discard();
    expect(await namesIn(directory)).toEqual([]);
  });

  it('for a place that no file has is a failure, and the file can still be discarded', async () => {
    const { file, directory } = await incoming(Number.MAX_SAFE_INTEGER);
    const offset = Number.MAX_SAFE_INTEGER - 10;
    expect(file.claim(offset, 10)).toBe(true);
    // Where room is taken at once, it shows at once.
    const failure = await file.open().then(
      () => written(file, sealed(Buffer.alloc(10), offset)),
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Error);
    await file.discard();
    expect(await namesIn(directory)).toEqual([]);
  });
});

describe('a file that is discarded', () => {
  it('is gone when what was being written to it is', async () => {
    const { file, directory } = await incoming(2 ** 20);
    await file.open();
    const done = vi.fn();
    file.write(sealed(Buffer.alloc(2 ** 20)), done);
    await file.discard();
    expect(done).toHaveBeenCalledOnce();
    expect(await namesIn(directory)).toEqual([]);
  });

  it('is gone although it was being created', async () => {
    const { files } = nativeApi();
    const creating = held(files.createFile.bind(files));
    const { file, directory } = await incoming(1, { native: withFiles({ createFile: creating.call }) });
    const opening = file.open();
    await vi.waitFor(() => expect(creating.waiting).toHaveLength(1));
    const discarding = file.discard();
    creating.release();
    await Promise.all([opening, discarding]);
    expect(await namesIn(directory)).toEqual([]);
  });

  it('stays when it had its name already, and is closed once', async () => {
    const { files } = nativeApi();
    const close = vi.fn(files.close.bind(files));
    const { file, directory } = await incoming(0, { native: withFiles({ close }) });
    await file.finish();
    await Promise.all([file.discard(), file.discard()]);
    expect([await namesIn(directory), close.mock.calls]).toEqual([['file'], []]);
  });

  it('is waited for by everybody who discards it', async () => {
    const { files } = nativeApi();
    const removing = held(files.remove.bind(files));
    const { file, directory } = await incoming(1, { native: withFiles({ remove: removing.call }) });
    await file.open();
    const first = file.discard();
    const second = file.discard();
    await vi.waitFor(() => expect(removing.waiting).toHaveLength(1));
    removing.release();
    await second;
    expect(await namesIn(directory)).toEqual([]);
    await first;
  });

  it('takes no record any more from then on', async () => {
    const { files } = nativeApi();
    const closing = held(files.close.bind(files));
    const { file } = await incoming(3, { native: withFiles({ close: closing.call }) });
    await file.open();
    const discarding = file.discard();
    await vi.waitFor(() => expect(closing.waiting).toHaveLength(1));
    // The number of the descriptor may mean another file any moment now.
    expect(() => file.write(sealed(Buffer.from('abc')), () => undefined)).toThrow(
      failure('ERR_XFER_INTERNAL'),
    );
    closing.release();
    await discarding;
  });
});
