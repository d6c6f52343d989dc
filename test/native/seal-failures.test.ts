import { closeSync, openSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isXferError } from '../../src/errors/index.js';
import { cipher, recordLayout, type OpenFileJob, type SealFileJob } from '../../src/native/api.js';
import { sealRecord } from '../../src/native/record-codec.js';
import { describeBoth } from './implementations.js';
import { openFile, pattern, sealFile, temporaryFile } from './seal-jobs.js';

const key = pattern(32, 7);
const header = pattern(32, 9);
const body = pattern(300);
const ciphers = Object.values(cipher);
const before = pattern(400, 3);

/** Places in a record whose change the body's tag must notice; the first header bytes are those of the sealed header. */
const regions = {
  'the length': 0,
  'the last byte of the length': 3,
  'the sealed header': recordLayout.lengthBytes,
  "the header's tag": recordLayout.lengthBytes + recordLayout.headerBytes,
  'the first byte of the body': recordLayout.bodyAt,
  'the last byte of the body': recordLayout.bodyAt + body.length - 1,
  "the body's tag": recordLayout.bodyAt + body.length,
  'the last byte of all': recordLayout.overheadBytes + body.length - 1,
};

const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'succeeded',
    (error: unknown) => error,
  );

describeBoth('opening refuses', ({ seal }) => {
  const expectTampered = async (change: Partial<OpenFileJob>): Promise<void> => {
    const target = temporaryFile(before);
    const number = change.cipher ?? cipher.aes256gcm;
    const record = sealRecord({ cipher: number, key, counter: 6 }, header, body);
    const job = { cipher: number, key, counter: 6, record, fd: target.fd, position: 0, ...change };
    const error = await failure(openFile(seal, job));
    expect(error).toMatchObject({ code: 'ERR_XFER_TAMPERED', exit: 5 });
    expect(isXferError(error)).toBe(true);
    expect(target.content().equals(before)).toBe(true);
  };

  describe.each(ciphers)('with cipher %i', (number) => {
    it.each(Object.entries(regions))('a flip in %s', async (_, at) => {
      const record = sealRecord({ cipher: number, key, counter: 6 }, header, body);
      record[at] = (record[at] ?? 0) ^ 0x01;
      await expectTampered({ cipher: number, record });
    });

    it('another counter, key or cipher', async () => {
      await expectTampered({ cipher: number, counter: 7 });
      await expectTampered({ cipher: number, key: pattern(32, 8) });
      const record = sealRecord({ cipher: number === 1 ? 2 : 1, key, counter: 6 }, header, body);
      await expectTampered({ cipher: number, record });
    });
  });

  it('a record that is cut or extended at any length', async () => {
    const whole = sealRecord({ cipher: cipher.aes256gcm, key, counter: 6 }, header, body);
    for (const length of [0, 1, 3, 4, 51, 52, 67, 68, 69, whole.length - 1]) {
      await expectTampered({ record: whole.slice(0, length) });
    }
    await expectTampered({ record: Buffer.concat([whole, Buffer.alloc(1)]) });
  });

  it('and leaves no plain text in a record that did not verify', async () => {
    const record = sealRecord({ cipher: cipher.aes256gcm, key, counter: 6 }, header, body);
    record[record.length - 1] = (record[record.length - 1] ?? 0) ^ 1;
    await expectTampered({ record });
    expect(Buffer.from(record).includes(body.subarray(0, 16))).toBe(false);
  });
});

describeBoth('errnos', ({ seal }) => {
  const sealing = (fd: number): SealFileJob => ({
    cipher: cipher.aes256gcm,
    key,
    counter: 0,
    fd,
    position: 0,
    bodyBytes: 100,
    header,
    out: new Uint8Array(recordLayout.overheadBytes + 100),
  });
  const opening = (fd: number): OpenFileJob => ({
    cipher: cipher.aes256gcm,
    key,
    counter: 0,
    record: sealRecord({ cipher: cipher.aes256gcm, key, counter: 0 }, header, body),
    fd,
    position: 0,
  });

  it('are the codes of errors', async () => {
    const full = openSync('/dev/full', 'r+');
    const readOnly = openSync('/dev/null', 'r');
    const directory = openSync('/tmp', 'r');
    onTestFinished(() => [full, readOnly, directory].forEach((fd) => closeSync(fd)));
    expect(await failure(openFile(seal, opening(full)))).toMatchObject({ code: 'ENOSPC', errno: -28 });
    expect(await failure(openFile(seal, opening(readOnly)))).toMatchObject({ code: 'EBADF', errno: -9 });
    expect(await failure(openFile(seal, opening(2 ** 31 - 1)))).toMatchObject({ code: 'EBADF' });
    expect(await failure(sealFile(seal, sealing(2 ** 31 - 1)))).toMatchObject({ code: 'EBADF', errno: -9 });
    expect(await failure(sealFile(seal, sealing(directory)))).toMatchObject({ code: 'EISDIR' });
  });
});

describeBoth('arguments', ({ seal }) => {
  const wrong: Record<string, readonly unknown[]> = {
    cipher: [0, 3, -1, 1.5, NaN, '1', null, undefined],
    key: [
      pattern(31),
      pattern(33),
      new Uint8Array(0),
      'k'.repeat(32),
      null,
      new Uint16Array(32),
      new DataView(new ArrayBuffer(32)),
    ],
    counter: [-1, 2 ** 52, 0.5, NaN, Infinity, 1n, '0'],
    fd: [-1, 2 ** 31, 1.5, NaN, '1', undefined, {}],
    position: [-1, 2 ** 53, 0.5, NaN, Infinity, 0n, Number.MAX_SAFE_INTEGER - 1],
  };
  const sealingWrong: Record<string, readonly unknown[]> = {
    ...wrong,
    bodyBytes: [-1, 2 ** 30 + 1, 2 ** 32, NaN, 0.5, '8', 101],
    header: [pattern(31), pattern(33), null, new Uint32Array(8)],
    out: [
      new Uint8Array(0),
      new Uint8Array(recordLayout.overheadBytes + 99),
      [],
      null,
      new ArrayBuffer(1000),
    ],
  };
  const openingWrong: Record<string, readonly unknown[]> = {
    ...wrong,
    record: [null, undefined, 'x'.repeat(100), new ArrayBuffer(100), new Uint16Array(50)],
  };
  const never = (): void => {
    throw new Error('a refused job completed');
  };
  const refused = expect.objectContaining({
    name: expect.stringMatching(/^(Type|Range)Error$/) as unknown,
  }) as unknown;
  const thrownBy = (call: () => void): unknown => {
    try {
      call();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  const fd = 0;
  const sealing = {
    cipher: 1,
    key,
    counter: 0,
    fd,
    position: 0,
    bodyBytes: 100,
    header,
    out: new Uint8Array(168),
  };
  const opening = { cipher: 1, key, counter: 0, record: new Uint8Array(168), fd, position: 0 };

  it.each(Object.entries(sealingWrong))(
    'that are wrong are refused at once by sealFile: %s',
    (name, values) => {
      for (const value of values) {
        const job = { ...sealing, [name]: value } as unknown as SealFileJob;
        expect(
          thrownBy(() => seal.sealFile(job, never)),
          String(value),
        ).toEqual(refused);
      }
    },
  );

  it.each(Object.entries(openingWrong))(
    'that are wrong are refused at once by openFile: %s',
    (name, values) => {
      for (const value of values) {
        const job = { ...opening, [name]: value } as unknown as OpenFileJob;
        expect(
          thrownBy(() => seal.openFile(job, never)),
          String(value),
        ).toEqual(refused);
      }
    },
  );

  it('in a buffer that was given away are refused', () => {
    const out = new Uint8Array(168);
    structuredClone(out.buffer, { transfer: [out.buffer] });
    expect(thrownBy(() => seal.sealFile({ ...sealing, cipher: 1, out }, never))).toEqual(refused);
  });
});
