import { describe, expect, it } from 'vitest';
import { cipher, recordLayout, type SealApi } from '../../src/native/api.js';
import { addon, describeBoth, twin } from './implementations.js';
import {
  openBody,
  openFile,
  packedFiles,
  pattern,
  sealBody,
  sealed,
  sealFrom,
  sealPacked,
  temporaryFile,
} from './seal-jobs.js';

const { bodyAt, flagsAt, lengthBytes, overheadBytes, plainBody, tagBytes } = recordLayout;
const header = pattern(32, 9).fill(0, flagsAt, flagsAt + 2);
const implementations = addon ? [twin, addon] : [twin];
const ciphers = Object.entries(cipher);
const keyOf = (number: (typeof cipher)[keyof typeof cipher], plain = true) => ({
  ...{ cipher: number, key: pattern(32, 7), counter: 5 },
  ...(plain ? { plain } : {}),
});
const gcm = keyOf(cipher.aes256gcm);
const sealedGcm = keyOf(cipher.aes256gcm, false);
const tampered = expect.objectContaining({ code: 'ERR_XFER_TAMPERED', exit: 5 }) as Error;
const flipped = (record: Uint8Array, at: number, mask = 0x01): Buffer => {
  const changed = Buffer.from(record);
  changed[at] = (changed[at] ?? 0) ^ mask;
  return changed;
};

/** Refused by each way to open a body, and nothing of it is left or written. */
async function expectRefused(seal: SealApi, key: typeof gcm, record: Uint8Array): Promise<void> {
  const target = temporaryFile(Buffer.from('before'));
  await expect(
    openFile(seal, { ...key, record: Buffer.from(record), fd: target.fd, position: 0 }),
  ).rejects.toThrow(tampered);
  expect(target.content().toString()).toBe('before');
  const mine = Buffer.from(record);
  await expect(openBody(seal, { ...key, record: mine })).rejects.toThrow(tampered);
  const body = mine.subarray(bodyAt, -tagBytes);
  expect(body.equals(Buffer.alloc(body.length))).toBe(true);
  expect(() => seal.openSmall(key, Buffer.from(record))).toThrow(tampered);
}

describeBoth('a record with a plain body', ({ seal }) => {
  describe.each(ciphers)('with %s', (_, number) => {
    const key = keyOf(number);

    it.each([0, 1, 16, 4097, 2 ** 20])(
      'has its %i bytes as they are, and zeros for a tag',
      async (bodyBytes) => {
        const body = pattern(bodyBytes);
        const { fd } = temporaryFile(body);
        const record = await sealed(seal, { ...key, fd, position: 0, bodyBytes, header });
        expect(record.readUInt32BE(0)).toBe(record.length - lengthBytes);
        expect(record.subarray(bodyAt, -tagBytes).equals(body)).toBe(true);
        expect(record.subarray(-tagBytes).equals(Buffer.alloc(tagBytes))).toBe(true);
        expect(record.subarray(lengthBytes, bodyAt - tagBytes).equals(header)).toBe(false);
        for (const other of implementations) {
          const told = other.seal.openHeader(key, record);
          expect([told[flagsAt], Buffer.from(told).readUInt32BE(recordLayout.bodyBytesAt)]).toEqual([
            plainBody,
            bodyBytes,
          ]);
        }
      },
    );

    it('is the same from a file, from memory, from elsewhere and at once, by the addon and its twin', async () => {
      const body = pattern(3000);
      const { fd } = temporaryFile(body);
      const expected = await sealed(seal, { ...key, fd, position: 0, bodyBytes: 3000, header });
      for (const other of implementations) {
        const [there, elsewhere] = [
          Buffer.alloc(overheadBytes + 3000, 0xee),
          Buffer.alloc(overheadBytes + 3000, 0xee),
        ];
        there.set(body, bodyAt);
        await sealBody(other.seal, { ...key, header, bodyBytes: 3000, out: there });
        await sealFrom(other.seal, { ...key, header, body, out: elsewhere });
        for (const record of [there, elsewhere, other.seal.sealSmall(key, header, body)])
          expect(expected.equals(record)).toBe(true);
      }
    });

    it('opens, whoever made it', async () => {
      const body = pattern(5000);
      const record = seal.sealSmall(key, header, body);
      for (const other of implementations) {
        const target = temporaryFile(Buffer.alloc(0));
        const job = { ...key, record: Buffer.from(record) };
        expect(await openFile(other.seal, { ...job, fd: target.fd, position: 3 })).toBe(5000);
        expect(target.content().subarray(3).equals(body)).toBe(true);
        expect(await openBody(other.seal, job)).toBe(5000);
        expect(job.record.subarray(bodyAt, -tagBytes).equals(body)).toBe(true);
        expect(body.equals(other.seal.openSmall(key, Buffer.from(record)))).toBe(true);
      }
    });

    it('is refused with a change of length, header or tag, of which each is told', async () => {
      const record = seal.sealSmall(key, header, pattern(100));
      const places = [
        ...Array(bodyAt).keys(),
        ...Array.from({ length: tagBytes }, (_at, i) => bodyAt + 100 + i),
      ];
      for (const at of places) await expectRefused(seal, key, flipped(record, at, 1 << (at % 8)));
      for (const length of [0, 1, 4, 51, 52, 67, 68, record.length - 1])
        await expect(openBody(seal, { ...key, record: record.slice(0, length) })).rejects.toThrow(tampered);
    });

    it('of which the body is altered opens all the same: nobody vouches for it', async () => {
      const record = flipped(seal.sealSmall(key, header, pattern(100)), bodyAt + 10);
      expect(await openBody(seal, { ...key, record })).toBe(100);
      expect(record.subarray(bodyAt, -tagBytes).equals(pattern(100))).toBe(false);
    });
  });

  it('packs files as they are', async () => {
    const { paths, stamps } = packedFiles([pattern(10, 3), pattern(0), pattern(500, 4)]);
    const { record } = await sealPacked(seal, { ...gcm, paths, stamps, header });
    const { record: inSeal } = await sealPacked(seal, { ...sealedGcm, paths, stamps, header });
    const opened = seal.openSmall(sealedGcm, Buffer.from(inSeal));
    expect(Buffer.from(record).subarray(bodyAt, -tagBytes).equals(opened)).toBe(true);
    for (const other of implementations) {
      const { record: again } = await sealPacked(other.seal, { ...gcm, paths, stamps, header });
      expect(Buffer.from(again).equals(record)).toBe(true);
    }
  });

  it('is refused by who expects a sealed one', async () => {
    await expectRefused(seal, sealedGcm, seal.sealSmall(gcm, header, pattern(100)));
  });

  it('is what no sealed one is taken for', async () => {
    await expectRefused(seal, gcm, seal.sealSmall(sealedGcm, header, pattern(100)));
  });

  it('is none where the header says nothing of it, or says so of a sealed one', async () => {
    const unmarked = Buffer.from(seal.sealSmall(sealedGcm, header, pattern(100)));
    unmarked.set(pattern(100), bodyAt);
    unmarked.fill(0, bodyAt + 100);
    await expectRefused(seal, gcm, unmarked);
    const marked = Uint8Array.from(header);
    marked[flagsAt] = plainBody;
    await expectRefused(seal, gcm, seal.sealSmall(sealedGcm, marked, pattern(100)));
  });

  it('leaves the caller’s header alone, and takes nothing but a boolean for plain', () => {
    const mine = Uint8Array.from(header);
    seal.sealSmall(gcm, mine, pattern(10));
    expect(mine).toEqual(Uint8Array.from(header));
    for (const plain of [null, 1, 'yes'])
      expect(() =>
        seal.sealSmall({ ...gcm, plain: plain as unknown as boolean }, header, pattern(10)),
      ).toThrow(TypeError);
  });
});
