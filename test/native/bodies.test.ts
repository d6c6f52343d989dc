import { describe, expect, it } from 'vitest';
import { cipher, packedChanged, recordLayout } from '../../src/native/api.js';
import { openRecord } from '../../src/native/record-codec.js';
import { addon, describeAddon, describeBoth, twin } from './implementations.js';
import {
  packedFiles,
  packFiles,
  pattern,
  sealBody,
  sealed,
  sealFrom,
  sealPacked,
  temporaryFile,
} from './seal-jobs.js';

const MiB = 2 ** 20;
const { bodyAt, overheadBytes } = recordLayout;
const key = { cipher: cipher.aes256gcm, key: pattern(32, 7), counter: 5 };
const header = pattern(32, 9);
const implementations = addon ? [twin, addon] : [twin];

const never = (): void => {
  throw new Error('a refused job completed');
};

/** Room for a record, its body already in it, and `beyond` bytes that are nobody's business. */
function filled(body: Uint8Array, beyond = 0): Buffer {
  const out = Buffer.alloc(overheadBytes + body.length + beyond, 0xee);
  out.set(body, bodyAt);
  return out;
}

describeBoth('sealing what stands in memory', ({ seal }) => {
  describe.each(Object.entries(cipher))('with %s', (_, number) => {
    it.each([0, 1, 15, 16, 17, 4096, MiB])(
      'gives the record of a file of the same %i bytes',
      async (bytes) => {
        const body = pattern(bytes);
        const job = { ...key, cipher: number, header, bodyBytes: bytes };
        const out = filled(body);
        expect(await sealBody(seal, { ...job, out })).toBe(bytes);
        for (const { seal: other } of implementations) {
          const { fd } = temporaryFile(body);
          expect(out.equals(await sealed(other, { ...job, fd, position: 0 }))).toBe(true);
        }
      },
    );
  });

  it('leaves alone what is behind the record', async () => {
    const body = pattern(100);
    const out = filled(body, 50);
    await sealBody(seal, { ...key, header, bodyBytes: 100, out });
    expect(out.subarray(-50).equals(Buffer.alloc(50, 0xee))).toBe(true);
    const { body: opened } = openRecord(key, out.subarray(0, -50));
    expect(body.equals(opened)).toBe(true);
  });

  it('copies key and header when the job is submitted', async () => {
    const mine = { ...key, key: Buffer.from(key.key), header: Buffer.from(header) };
    const [out, expected] = [filled(pattern(64)), filled(pattern(64))];
    const pending = sealBody(seal, { ...mine, bodyBytes: 64, out });
    mine.key.fill(0);
    mine.header.fill(0);
    await pending;
    await sealBody(seal, { ...key, header, bodyBytes: 64, out: expected });
    expect(out.equals(expected)).toBe(true);
  });

  it('throws for arguments that are wrong, and touches nothing', () => {
    const body = pattern(100);
    const right = { ...key, header, bodyBytes: 100, out: filled(body) };
    const wrong: Record<string, readonly (readonly [unknown, typeof TypeError | typeof RangeError])[]> = {
      cipher: [
        [0, RangeError],
        [3, RangeError],
        ['1', TypeError],
      ],
      key: [
        [pattern(31), RangeError],
        [null, TypeError],
        ['x'.repeat(32), TypeError],
      ],
      counter: [
        [-1, RangeError],
        [2 ** 52, RangeError],
        [0.5, RangeError],
        [1n, TypeError],
      ],
      bodyBytes: [
        [-1, RangeError],
        [0.5, RangeError],
        [2 ** 30 + 1, RangeError],
        ['1', TypeError],
      ],
      header: [
        [pattern(31), RangeError],
        [pattern(33), RangeError],
        [null, TypeError],
      ],
      out: [
        [Buffer.alloc(167), RangeError],
        [new Uint8Array(), RangeError],
        [new Uint16Array(200), TypeError],
        [null, TypeError],
      ],
    };
    for (const [name, values] of Object.entries(wrong))
      for (const [value, kind] of values)
        expect(() => seal.sealBody({ ...right, [name]: value }, never), name).toThrow(kind);
    expect(right.out.equals(filled(body))).toBe(true);
  });
});

describeBoth('sealing from elsewhere in memory', ({ seal }) => {
  describe.each(Object.entries(cipher))('with %s', (_, number) => {
    it.each([0, 1, 15, 16, 17, 4096, MiB])(
      'gives the record of the same %i bytes in place, and leaves them alone',
      async (bytes) => {
        const body = pattern(bytes);
        const job = { ...key, cipher: number, header };
        const out = Buffer.alloc(overheadBytes + bytes + 50, 0xee);
        expect(await sealFrom(seal, { ...job, body, out })).toBe(bytes);
        expect(body.equals(pattern(bytes))).toBe(true);
        for (const { seal: other } of implementations) {
          const expected = filled(body, 50);
          await sealBody(other, { ...job, bodyBytes: bytes, out: expected });
          expect(out.equals(expected)).toBe(true);
        }
      },
    );
  });

  it('takes the same body for several records, of a part of one memory each', async () => {
    const memory = pattern(3000);
    const body = memory.subarray(1000, 2000);
    const outs = [0, 1, 2, 3].map(() => Buffer.alloc(overheadBytes + 1000));
    await Promise.all(outs.map((out, counter) => sealFrom(seal, { ...key, counter, header, body, out })));
    for (const [counter, out] of outs.entries())
      expect(body.equals(openRecord({ ...key, counter }, out).body)).toBe(true);
  });

  it('takes a body that is beside the record in one memory', async () => {
    const memory = Buffer.alloc(1000 + overheadBytes + 1000 + 500, pattern(64));
    const [body, out] = [memory.subarray(0, 1000), memory.subarray(1000, 1000 + overheadBytes + 1000)];
    const plain = Buffer.from(body);
    await sealFrom(seal, { ...key, header, body, out });
    expect(plain.equals(openRecord(key, out).body)).toBe(true);
    expect(plain.equals(body)).toBe(true);
  });

  it('copies key and header when the job is submitted', async () => {
    const mine = { ...key, key: Buffer.from(key.key), header: Buffer.from(header) };
    const body = pattern(64);
    const [out, expected] = [Buffer.alloc(overheadBytes + 64), filled(body)];
    const pending = sealFrom(seal, { ...mine, body, out });
    mine.key.fill(0);
    mine.header.fill(0);
    await pending;
    await sealBody(seal, { ...key, header, bodyBytes: 64, out: expected });
    expect(out.equals(expected)).toBe(true);
  });

  it('throws for arguments that are wrong, and touches nothing', () => {
    const memory = Buffer.alloc(400, 0xee);
    const right = { ...key, header, body: pattern(100), out: memory.subarray(0, 168) };
    const wrong: Record<string, readonly (readonly [unknown, typeof TypeError | typeof RangeError])[]> = {
      cipher: [
        [0, RangeError],
        ['1', TypeError],
      ],
      key: [
        [pattern(33), RangeError],
        [null, TypeError],
      ],
      counter: [
        [2 ** 52, RangeError],
        [1n, TypeError],
      ],
      body: [
        [null, TypeError],
        ['x'.repeat(100), TypeError],
        [new Uint16Array(50), TypeError],
        [pattern(101), RangeError],
        [memory.subarray(0, 100), RangeError],
        [memory.subarray(68, 168), RangeError],
        [memory.subarray(167, 267), RangeError],
      ],
      header: [
        [pattern(31), RangeError],
        [undefined, TypeError],
      ],
      out: [
        [Buffer.alloc(167), RangeError],
        [new Uint16Array(200), TypeError],
        [null, TypeError],
      ],
    };
    for (const [name, values] of Object.entries(wrong))
      for (const [value, kind] of values)
        expect(() => seal.sealFrom({ ...right, [name]: value }, never), name).toThrow(kind);
    expect(memory.equals(Buffer.alloc(400, 0xee))).toBe(true);
  });
});

describeBoth('packing without sealing', ({ seal }) => {
  it('gives the body and the problems that packing with sealing gives', async () => {
    const { paths, stamps, bytes } = packedFiles(
      Array.from({ length: 40 }, (_, i) => pattern(97 * i, i + 1)),
    );
    stamps[6 * 3 + 1] = 0n;
    paths[7] = `${paths[7]}-none`;
    const { body, problems } = await packFiles(seal, { paths, stamps, out: new Uint8Array(bytes) });
    for (const { seal: other } of implementations) {
      const packed = await sealPacked(other, { ...key, paths, stamps, header });
      expect(Buffer.from(body).equals(openRecord(key, packed.record).body)).toBe(true);
      expect(packed.problems).toEqual(problems);
    }
    expect(problems[3]).toBe(packedChanged);
    expect(problems.filter((problem) => problem === 0)).toHaveLength(38);
  });

  it('and then sealing is packing with sealing', async () => {
    const { paths, stamps, bytes } = packedFiles([pattern(5000), pattern(10), pattern(0)]);
    const out = filled(new Uint8Array(bytes));
    const { body } = await packFiles(seal, { paths, stamps, out: out.subarray(bodyAt, bodyAt + bytes) });
    await sealBody(seal, { ...key, header, bodyBytes: body.length, out });
    expect(out.equals((await sealPacked(seal, { ...key, paths, stamps, header })).record)).toBe(true);
  });

  it('may be of no files', async () => {
    const job = { paths: [], stamps: new BigInt64Array(), out: new Uint8Array(4).fill(9) };
    expect(await packFiles(seal, job)).toEqual({ body: new Uint8Array(4), problems: [] });
  });

  it('writes nothing behind what the files take', async () => {
    const { paths, stamps, bytes } = packedFiles([pattern(100), pattern(200)]);
    const out = Buffer.alloc(bytes + 50, 0xee);
    expect((await packFiles(seal, { paths, stamps, out })).body).toHaveLength(bytes);
    expect(out.subarray(bytes).equals(Buffer.alloc(50, 0xee))).toBe(true);
  });

  it('throws for arguments that are wrong, and touches nothing', () => {
    const { paths, stamps, bytes } = packedFiles([pattern(3)]);
    const right = { paths, stamps, out: new Uint8Array(bytes) };
    const changed = (at: number, value: bigint) => stamps.with(at, value);
    const wrong: Record<string, readonly (readonly [unknown, typeof TypeError | typeof RangeError])[]> = {
      paths: [
        [null, TypeError],
        ['a', TypeError],
        [[5], TypeError],
        [[], RangeError],
        [[...paths, ...paths], RangeError],
      ],
      stamps: [
        [null, TypeError],
        [new Float64Array(6), TypeError],
        [new BigInt64Array(5), RangeError],
        [changed(2, -1n), RangeError],
        [changed(2, 2n ** 20n + 1n), RangeError],
        [changed(2, 4n), RangeError],
        [changed(5, -1n), RangeError],
        [changed(5, 2n ** 32n), RangeError],
      ],
      out: [
        [new Uint8Array(bytes - 1), RangeError],
        [new Uint8Array(), RangeError],
        [null, TypeError],
        [new Uint16Array(bytes), TypeError],
      ],
    };
    for (const [name, values] of Object.entries(wrong))
      for (const [value, kind] of values)
        expect(() => seal.packFiles({ ...right, [name]: value }, never), name).toThrow(kind);
    expect(right.out).toEqual(new Uint8Array(bytes));
  });
});

describeAddon('the addon and its twin', (native) => {
  it('seal the same record from memory, whatever the counter', async () => {
    for (const counter of [0, 1, 2 ** 32, 2 ** 52 - 1]) {
      const outs = [filled(pattern(1000)), filled(pattern(1000))];
      for (const [i, { seal }] of [native, twin].entries())
        await sealBody(seal, { ...key, counter, header, bodyBytes: 1000, out: outs[i] ?? filled(header) });
      expect(outs[0]?.equals(outs[1] ?? header)).toBe(true);
    }
  });
});
