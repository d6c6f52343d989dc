import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { cipher, packedChanged, recordLayout, type SealPackedJob } from '../../src/native/api.js';
import { openRecord } from '../../src/native/record-codec.js';
import { makeFifo } from './held-tree.js';
import { describeAddon, describeBoth, twin } from './implementations.js';
import { openBody, pattern, sealPacked, temporaryDirectory } from './seal-jobs.js';

const key = { cipher: cipher.aes256gcm, key: pattern(32, 7), counter: 5 };
const header = pattern(32, 9);
const notRead = 0xffffffff;

/** Six numbers of what stands at each path; `change` for one file that shall not fit. */
function stampsOf(paths: readonly string[], change: Partial<Record<number, bigint>> = {}): BigInt64Array {
  const stamps = new BigInt64Array(6 * paths.length);
  paths.forEach((path, i) => {
    const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(path, { bigint: true });
    stamps.set([dev, ino, size, mtimeNs, ctimeNs, BigInt(10 * i)], 6 * i);
  });
  for (const [at, value] of Object.entries(change)) stamps[Number(at)] = value ?? 0n;
  return stamps;
}

function write(contents: readonly Uint8Array[]): { directory: string; paths: string[] } {
  const directory = temporaryDirectory();
  const paths = contents.map((content, i) => {
    const path = join(directory, `file-${i}`);
    fs.writeFileSync(path, content);
    return path;
  });
  return { directory, paths };
}

/** What a packed body holds: id and content, null for a file that could not be read. */
function unpack(record: Uint8Array): [number, string | null][] {
  const body = Buffer.from(openRecord(key, record).body);
  const count = body.readUInt32BE(0);
  let at = 4 + 8 * count;
  const files = Array.from({ length: count }, (_, i): [number, string | null] => {
    const bytes = body.readUInt32BE(4 + 8 * i + 4);
    if (bytes === notRead) return [body.readUInt32BE(4 + 8 * i), null];
    return [body.readUInt32BE(4 + 8 * i), body.toString('latin1', at, (at += bytes))];
  });
  expect(at).toBe(body.length);
  return files;
}

/** Kernels before 6.13 give all changes within some milliseconds one ctime, so that none of them shows. */
async function untilTimeMoved(path: string): Promise<void> {
  const probe = join(temporaryDirectory(), 'probe');
  await vi.waitFor(
    () => {
      fs.writeFileSync(probe, '');
      expect(fs.statSync(probe, { bigint: true }).ctimeNs).toBeGreaterThan(
        fs.statSync(path, { bigint: true }).ctimeNs,
      );
    },
    { interval: 1 },
  );
}

const errnoOfName = (files: { errnoName(errno: number): string }, problems: number[]): (string | number)[] =>
  problems.map((problem) => (problem > 0 ? files.errnoName(problem) : problem));

describeBoth('packed files', ({ seal, files }) => {
  it('come out as they went in, in order, empty ones too', async () => {
    const contents = [Buffer.from('one'), Buffer.alloc(0), pattern(4096), pattern(2 ** 20), Buffer.from('x')];
    const { paths } = write(contents);
    const { record, problems } = await sealPacked(seal, { ...key, paths, stamps: stampsOf(paths), header });
    expect(problems).toEqual([0, 0, 0, 0, 0]);
    expect(unpack(record)).toEqual(contents.map((content, i) => [10 * i, content.toString('latin1')]));
    expect(Buffer.from(openRecord(key, record).header).subarray(8)).toEqual(header.subarray(8));
    const bodyBytes = record.length - recordLayout.overheadBytes;
    const plain = openRecord(key, record).body;
    expect(await openBody(seal, { ...key, record })).toBe(bodyBytes);
    expect(Buffer.from(record.subarray(recordLayout.bodyAt, -16)).equals(plain)).toBe(true);
  });

  it('may be none at all', async () => {
    const { record } = await sealPacked(seal, { ...key, paths: [], stamps: new BigInt64Array(), header });
    expect(unpack(record)).toEqual([]);
  });

  it('that cannot be read leave the others alone', async () => {
    const { directory, paths } = write([Buffer.from('a'), Buffer.from('b')]);
    const [a = '', b = ''] = paths;
    fs.symlinkSync(a, join(directory, 'link'));
    fs.symlinkSync('loop', join(directory, 'loop'));
    makeFifo(join(directory, 'fifo'));
    const all = [
      a,
      join(directory, 'none'),
      join(directory, 'fifo'),
      directory,
      join(directory, 'loop'),
      join(a, 'x'),
      `${a}\0`,
      join(directory, 'link'),
      b,
    ];
    const stamps = stampsOf(all.map((path) => (fs.existsSync(path) ? path : b)));
    for (const i of [2, 3]) stamps[6 * i + 2] = 1n;
    const { record, problems } = await sealPacked(seal, { ...key, paths: all, stamps, header });
    expect(errnoOfName(files, problems)).toEqual([
      0,
      'ENOENT',
      packedChanged,
      packedChanged,
      'ELOOP',
      'ENOTDIR',
      'EINVAL',
      0,
      0,
    ]);
    expect(unpack(record).map(([, content]) => content)).toEqual([
      'a',
      ...Array.from({ length: 6 }, () => null),
      'a',
      'b',
    ]);
  });

  it.each(['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'].map((name, at) => [name, at] as const))(
    'that are not what their stamp says are left out (%s)',
    async (_, at) => {
      const { paths } = write([Buffer.from('abc'), Buffer.from('def')]);
      const right = stampsOf(paths)[at] ?? 0n;
      for (const value of [right + 1n, right - 1n]) {
        const stamps = stampsOf(paths, { [at]: value });
        const { record, problems } = await sealPacked(seal, { ...key, paths, stamps, header });
        expect(problems).toEqual([packedChanged, 0]);
        expect(unpack(record)).toEqual([
          [0, null],
          [10, 'def'],
        ]);
      }
    },
  );

  it('that change meanwhile are whole or left out, never a mixture', async () => {
    const bytes = 2 ** 18;
    const { paths } = write(Array.from({ length: 8 }, () => Buffer.alloc(bytes, 'A')));
    let changed = 0;
    await vi.waitFor(
      async () => {
        for (const path of paths) fs.writeFileSync(path, Buffer.alloc(bytes, 'A'));
        const stamps = stampsOf(paths);
        await untilTimeMoved(paths.at(-1) ?? '');
        const sealing = sealPacked(seal, { ...key, paths, stamps, header });
        const last = fs.openSync(paths.at(-1) ?? '', 'r+');
        for (let i = 0; i < 40; i++) {
          await new Promise((resolve) => setImmediate(resolve));
          fs.writeSync(last, Buffer.alloc(bytes, 'B'), 0, bytes, 0);
          fs.writeSync(last, Buffer.alloc(bytes, 'A'), 0, bytes, 0);
        }
        fs.closeSync(last);
        const { record, problems } = await sealing;
        changed += problems.filter((problem) => problem === packedChanged).length;
        for (const [, content] of unpack(record)) expect(content ?? '').not.toContain('B');
        expect(changed).toBeGreaterThan(0);
      },
      { timeout: 20_000 },
    );
  }, 30_000);

  it('and their stamps are refused where they are of a wrong shape', () => {
    const { paths } = write([Buffer.from('abc')]);
    const right = { ...key, paths, stamps: stampsOf(paths), header, out: new Uint8Array(68 + 4 + 8 + 3) };
    const never = (): void => {
      throw new Error('a refused job completed');
    };
    const wrong: Record<string, readonly unknown[]> = {
      cipher: [0, 3],
      key: [pattern(31), null],
      paths: [null, 'a', [5], [], [...paths, ...paths]],
      stamps: [
        null,
        new BigInt64Array(5),
        new Float64Array(6),
        stampsOf(paths, { 2: -1n }),
        stampsOf(paths, { 2: 2n ** 20n + 1n }),
        stampsOf(paths, { 2: 4n }),
        stampsOf(paths, { 5: -1n }),
        stampsOf(paths, { 5: 2n ** 32n }),
      ],
      header: [pattern(31), null],
      out: [new Uint8Array(68 + 4 + 8 + 2), null],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const job = { ...right, [name]: value } as unknown as SealPackedJob;
        expect(() => seal.sealPacked(job, never), name).toThrow(/must|small/);
      }
    }
    for (const record of [null, 'x', new Uint16Array(50)] as unknown as Uint8Array[])
      expect(() => seal.openBody({ ...key, record }, never)).toThrow(TypeError);
  });
});

describeBoth('the body of a record', ({ seal }) => {
  it('that was changed is refused and wiped', async () => {
    const { paths } = write([pattern(1000)]);
    const { record } = await sealPacked(seal, { ...key, paths, stamps: stampsOf(paths), header });
    record[500] = (record[500] ?? 0) ^ 1;
    await expect(openBody(seal, { ...key, record })).rejects.toMatchObject({ code: 'ERR_XFER_TAMPERED' });
    expect(record.subarray(recordLayout.bodyAt, -16).every((byte) => byte === 0)).toBe(true);
    const short = record.subarray(0, 60);
    await expect(openBody(seal, { ...key, record: short })).rejects.toMatchObject({
      code: 'ERR_XFER_TAMPERED',
    });
  });
});

describeAddon('the addon and its twin', (native) => {
  it('pack the same record', async () => {
    const { paths } = write(Array.from({ length: 50 }, (_, i) => pattern(97 * i, i + 1)));
    const job = { ...key, paths, stamps: stampsOf(paths, { 8: 1n }), header };
    const [one, other] = await Promise.all([sealPacked(native.seal, job), sealPacked(twin.seal, job)]);
    expect(Buffer.from(one.record).equals(other.record)).toBe(true);
    expect(one.problems).toEqual(other.problems);
    expect(one.problems[1]).toBe(packedChanged);
  });
});
