import { describe, expect, it } from 'vitest';
import { cipher, recordLayout } from '../../src/native/api.js';
import { openHeader, openRecord, sealRecord } from '../../src/native/record-codec.js';
import { describeAddon, describeBoth, twin } from './implementations.js';
import { openFile, pattern, sealed, sealFile, temporaryFile } from './seal-jobs.js';

const MiB = 2 ** 20;
const key = pattern(32, 7);
const header = pattern(32, 9);
const sizes = [0, 1, 15, 16, 17, 4095, 4096, 4097, MiB];
const ciphers = Object.entries(cipher);
const counters = [0, 1, 2 ** 32, 2 ** 52 - 1];

describeAddon('the addon and its twin', (native) => {
  describe.each(ciphers)('with %s', (_, number) => {
    it.each(sizes)('seal %i bytes to the same record', async (bodyBytes) => {
      const { fd } = temporaryFile(pattern(bodyBytes + 5));
      for (const counter of counters) {
        const job = { cipher: number, key, counter, fd, position: 5, bodyBytes, header };
        const record = await sealed(native.seal, job);
        expect(record.equals(await sealed(twin.seal, job))).toBe(true);
      }
    });

    it.each(sizes)('open what the other sealed, %i bytes', async (bodyBytes) => {
      const body = pattern(bodyBytes);
      const { fd } = temporaryFile(body);
      for (const [from, to] of [
        [native, twin],
        [twin, native],
      ] as const) {
        const record = await sealed(from.seal, {
          cipher: number,
          key,
          counter: 3,
          fd,
          position: 0,
          bodyBytes,
          header,
        });
        const target = temporaryFile(Buffer.alloc(0));
        const opening = { cipher: number, key, counter: 3, record, fd: target.fd, position: 0 };
        expect(await openFile(to.seal, opening)).toBe(bodyBytes);
        expect(target.content().equals(body)).toBe(true);
      }
    });
  });

  it('agree when the key changes from record to record', async () => {
    const { fd } = temporaryFile(pattern(100));
    for (let i = 0; i < 40; i++) {
      const job = {
        cipher: i % 3 === 0 ? cipher.chacha20poly1305 : cipher.aes256gcm,
        key: pattern(32, i % 4),
        counter: i,
        fd,
        position: 0,
        bodyBytes: 100,
        header,
      };
      const record = await sealed(native.seal, job);
      expect(record.equals(await sealed(twin.seal, job))).toBe(true);
      await openFile(native.seal, { ...job, record });
    }
  });
});

describeBoth('sealing', (implementation) => {
  const { seal } = implementation;

  it.each(ciphers)('gives records of the stated layout (%s)', async (_, number) => {
    const body = pattern(1000);
    const { fd } = temporaryFile(body);
    const record = await sealed(seal, {
      cipher: number,
      key,
      counter: 4,
      fd,
      position: 0,
      bodyBytes: 1000,
      header,
    });
    expect(record.readUInt32BE(0)).toBe(record.length - recordLayout.lengthBytes);
    const opened = openRecord({ cipher: number, key, counter: 4 }, record);
    const filled = Buffer.from(header);
    filled.writeUInt32BE(1000, recordLayout.bodyBytesAt);
    expect(filled.equals(opened.header)).toBe(true);
    expect(body.equals(opened.body)).toBe(true);
    expect(record.equals(sealRecord({ cipher: number, key, counter: 4 }, header, body))).toBe(true);
  });

  it.each([
    ['half way', 40, 60],
    ['before the position', 200, 0],
  ])('seals what there is where the file ends %s', async (_, position, expected) => {
    const { fd } = temporaryFile(pattern(100));
    const out = Buffer.alloc(recordLayout.overheadBytes + 500, 0xee);
    const job = { cipher: cipher.aes256gcm, key, counter: 0, fd, position, bodyBytes: 500, header, out };
    expect(await sealFile(seal, job)).toBe(expected);
    const record = out.subarray(0, recordLayout.overheadBytes + expected);
    expect(openHeader(job, record).at(recordLayout.bodyBytesAt + 3)).toBe(expected);
    expect(openRecord(job, record).body).toHaveLength(expected);
  });

  it('copies key and header when the job is submitted', async () => {
    const { fd } = temporaryFile(pattern(64));
    const mine = { key: Buffer.from(key), header: Buffer.from(header) };
    const job = { cipher: cipher.aes256gcm, counter: 1, fd, position: 0, bodyBytes: 64 };
    const pending = sealed(seal, { ...job, ...mine });
    mine.key.fill(0);
    mine.header.fill(0);
    expect((await pending).equals(await sealed(seal, { ...job, key, header }))).toBe(true);
  });

  it('writes at offsets past 4 GiB', async () => {
    const target = temporaryFile(Buffer.alloc(0));
    const record = sealRecord({ cipher: cipher.aes256gcm, key, counter: 0 }, header, pattern(10));
    const position = 2 ** 33 + 3;
    await openFile(seal, { cipher: cipher.aes256gcm, key, counter: 0, record, fd: target.fd, position });
    const job = { cipher: cipher.aes256gcm, key, counter: 1, fd: target.fd, position, bodyBytes: 10, header };
    expect(pattern(10).equals(openRecord(job, await sealed(seal, job)).body)).toBe(true);
  });
});
