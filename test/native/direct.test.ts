import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadAddon } from '../../src/native/addon.js';
import { cipher, recordLayout, type DirectFile, type FilesApi, type SealApi } from '../../src/native/api.js';
import { sealRecord } from '../../src/native/record-codec.js';
import { directPlace } from '../support/direct-io.js';
import { codeOf, notOpen } from './held-tree.js';
import { addon, describeBoth, twin } from './implementations.js';
import { digestFile, openFile, pattern, sealed, sealFile, temporaryFile } from './seal-jobs.js';

const page = 4096;
const MiB = 2 ** 20;
const { bodyAt, overheadBytes } = recordLayout;
const key = { cipher: cipher.aes256gcm, key: pattern(32, 7), counter: 3 };
const header = pattern(32, 9);
const sizes = [0, 1, page - 1, page, page + 1, MiB - 1, MiB, MiB + 1, 5 * MiB + 13];

interface Opened {
  readonly fd: number;
  readonly direct: DirectFile;
  content(): Buffer;
}

/** A file where O_DIRECT is taken, open both ways. */
async function openBoth(files: FilesApi, content: Uint8Array, flags = 'r+'): Promise<Opened> {
  const directory = mkdtempSync(join(directPlace ?? '', 'xfer-direct-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'file');
  writeFileSync(path, content);
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  const direct = await files.openDirect(fd);
  if (!direct) throw new Error('it was not opened past the page cache');
  onTestFinished(() => closeSync(direct.fd));
  return { fd, direct, content: () => readFileSync(path) };
}

/** A record in memory that is placed for it, or a little behind that. */
function placed(seal: SealApi, record: Uint8Array, behind = 0): Buffer {
  const memory = seal.recordMemory(record.length + behind).subarray(behind);
  memory.set(record);
  return memory;
}

const recordOf = (body: Uint8Array) => sealRecord(key, header, body);

describeBoth('memory for records', ({ name, seal }) => {
  it.each([overheadBytes, 100_000, overheadBytes + MiB])('is as long as is asked for, %i', (bytes) => {
    const memory = seal.recordMemory(bytes);
    expect(memory).toHaveLength(bytes);
    expect(memory.fill(1).every((byte) => byte === 1)).toBe(true);
  });

  it.runIf(name === 'addon')('has the body of a record at a page (NOT TESTED with the twin)', () => {
    const { addressOf, pageBytes } = loadAddon();
    for (let bytes = overheadBytes; bytes < 4 * MiB; bytes = 3 * bytes + 5)
      expect((addressOf(seal.recordMemory(bytes)) + bodyAt) % pageBytes).toBe(0);
  });
});

describeBoth('a file past the page cache', ({ name, files }) => {
  it.runIf(name === 'twin')('is not opened', async () => {
    expect(await files.openDirect(temporaryFile(pattern(10)).fd)).toBeUndefined();
  });

  it('is refused for what is not open or no descriptor', async () => {
    expect(await codeOf(files.openDirect(notOpen))).toBe('EBADF');
    expect(await codeOf(files.openDirect(-1))).toMatch(/^RangeError$/);
  });
});

describe.runIf(addon && directPlace !== undefined)('content past the page cache (addon, O_DIRECT)', () => {
  const { seal, files } = addon ?? twin;

  it.each(sizes)('is sealed as it is, %i bytes', async (bytes) => {
    const body = pattern(bytes);
    const { fd, direct } = await openBoth(files, body);
    const out = seal.recordMemory(overheadBytes + bytes + 5000);
    const job = { ...key, header, fd, direct, position: 0, bodyBytes: bytes + 5000, out };
    expect(await sealFile(seal, job)).toBe(bytes);
    expect(out.subarray(0, overheadBytes + bytes).equals(recordOf(body))).toBe(true);
  });

  it.each(sizes)('is written as it is, %i bytes, as every other reader sees it', async (bytes) => {
    const body = pattern(bytes);
    const { fd, direct, content } = await openBoth(files, Buffer.alloc(0));
    const record = placed(seal, recordOf(body));
    expect(await openFile(seal, { ...key, record, fd, direct, position: 0 })).toBe(bytes);
    expect(content().equals(body)).toBe(true);
    const { digest } = await digestFile(seal, { fd, position: 0, bytes });
    expect(digest).toBe(
      (await digestFile(twin.seal, { fd: temporaryFile(body).fd, position: 0, bytes })).digest,
    );
  });

  it('goes that way by whole pages alone, and the rest by the other descriptor', async () => {
    const past = await openBoth(files, Buffer.alloc(0));
    const through = await openBoth(files, Buffer.alloc(0));
    const body = pattern(3 * page + 17);
    const both = { fd: through.fd, direct: past.direct };
    await openFile(seal, { ...key, record: placed(seal, recordOf(body)), ...both, position: 2 * page });
    expect(
      past
        .content()
        .subarray(2 * page)
        .equals(body.subarray(0, 3 * page)),
    ).toBe(true);
    expect(
      through
        .content()
        .subarray(5 * page)
        .equals(body.subarray(3 * page)),
    ).toBe(true);
    expect(
      through
        .content()
        .subarray(0, 5 * page)
        .every((byte) => byte === 0),
    ).toBe(true);
    const out = seal.recordMemory(overheadBytes + body.length);
    const job = { ...key, header, ...both, position: 2 * page, bodyBytes: body.length, out };
    expect(await sealFile(seal, job)).toBe(body.length);
    expect(out.equals(recordOf(body))).toBe(true);
  });

  it.each([
    ['at a place in the file that is none of a page', 100, 0],
    ['in memory that is none of a page', page, 3],
  ])('goes through it %s', async (_, position, behind) => {
    const past = await openBoth(files, pattern(5 * page, 5));
    const through = await openBoth(files, Buffer.alloc(0));
    const body = pattern(3 * page);
    const place = { fd: through.fd, direct: past.direct, position };
    await openFile(seal, { ...key, record: placed(seal, recordOf(body), behind), ...place });
    expect(through.content().subarray(position).equals(body)).toBe(true);
    expect(past.content().equals(pattern(5 * page, 5))).toBe(true);
  });

  it('goes through it where the file system refuses the call', async () => {
    const past = await openBoth(files, pattern(5 * page, 5));
    const through = await openBoth(files, pattern(5 * page, 6));
    // Nothing takes single bytes.
    const direct = { fd: past.direct.fd, alignBytes: 1, memoryAlignBytes: 1 };
    const place = { fd: through.fd, direct, position: 1 };
    const expected = recordOf(pattern(5 * page, 6).subarray(1, 1 + page));
    expect((await sealed(seal, { ...key, header, ...place, bodyBytes: page })).equals(expected)).toBe(true);
    await openFile(seal, { ...key, record: recordOf(pattern(page)), ...place });
    expect(
      through
        .content()
        .subarray(1, 1 + page)
        .equals(pattern(page)),
    ).toBe(true);
    expect(past.content().equals(pattern(5 * page, 5))).toBe(true);
  });

  it('is what is there where the file grew or shrank since', async () => {
    const { fd, direct } = await openBoth(files, pattern(4 * page + 10));
    const seen = async () => {
      const out = seal.recordMemory(overheadBytes + MiB);
      return sealFile(seal, { ...key, header, fd, direct, position: page, bodyBytes: MiB, out });
    };
    expect(await seen()).toBe(3 * page + 10);
    ftruncateSync(fd, 2 * page + 1);
    expect(await seen()).toBe(page + 1);
    ftruncateSync(fd, 6 * page);
    expect(await seen()).toBe(5 * page);
    ftruncateSync(fd, 10);
    expect(await seen()).toBe(0);
  });

  it('is read as it is where it was only written into the cache before', async () => {
    const { fd, direct } = await openBoth(files, Buffer.alloc(8 * page));
    const body = pattern(8 * page);
    await openFile(seal, { ...key, record: recordOf(body), fd, position: 0 });
    const out = seal.recordMemory(overheadBytes + body.length);
    await sealFile(seal, { ...key, header, fd, direct, position: 0, bodyBytes: body.length, out });
    expect(out.equals(recordOf(body))).toBe(true);
  });

  it('loses nothing where pieces of all places and sizes are written at once, both ways', async () => {
    const body = pattern(8 * MiB + 77);
    for (let seed = 1; seed <= 6; seed++) {
      const { fd, direct, content } = await openBoth(files, Buffer.alloc(0));
      const random = pattern(4096, seed);
      const writing: Promise<number>[] = [];
      for (let at = 0, i = 0; at < body.length; i += 3) {
        const [kind = 0, high = 0, low = 0] = random.subarray(i % 4000);
        // Most end at a page, as those of xfer do; some anywhere.
        const end = at + 64 * 1024 + (high * 256 + low) * 4;
        const to = Math.min(body.length, kind < 170 ? end - (end % page) : end);
        const record = placed(seal, recordOf(body.subarray(at, to)));
        writing.push(openFile(seal, { ...key, record, fd, direct, position: at }));
        at = to;
      }
      await Promise.all(writing);
      expect(content().equals(body)).toBe(true);
      await files.syncData(fd);
      const out = seal.recordMemory(overheadBytes + body.length);
      await sealFile(seal, { ...key, header, fd, direct, position: 0, bodyBytes: body.length, out });
      expect(out.subarray(bodyAt).equals(recordOf(body).subarray(bodyAt))).toBe(true);
    }
  });

  it.each([
    { fd: 0, alignBytes: 0, memoryAlignBytes: 1 },
    { fd: -1, alignBytes: 1, memoryAlignBytes: 1 },
    { fd: 0, alignBytes: 1, memoryAlignBytes: 0.5 },
  ])('is refused at once for what cannot be: %j', async (direct) => {
    const { fd } = temporaryFile(pattern(10));
    const out = Buffer.alloc(overheadBytes + 10);
    expect(() =>
      seal.sealFile({ ...key, header, fd, direct, position: 0, bodyBytes: 10, out }, () => undefined),
    ).toThrow(RangeError);
    expect(() =>
      seal.openFile({ ...key, record: recordOf(pattern(10)), fd, direct, position: 0 }, () => undefined),
    ).toThrow(RangeError);
  });

  it('has the access of the descriptor that it was opened from', async () => {
    const { fd, direct } = await openBoth(files, pattern(page), 'r');
    const record = placed(seal, recordOf(pattern(page)));
    expect(await codeOf(openFile(seal, { ...key, record, fd, direct, position: 0 }))).toBe('EBADF');
  });
});
