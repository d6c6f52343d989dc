import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cipher, recordLayout } from '../../../src/native/api.js';
import { openHeader, openRecord, sealRecord } from '../../../src/native/record-codec.js';

const keyBytes = Uint8Array.from({ length: 32 }, (_, i) => i);
const header = Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i);
const key = { cipher: cipher.aes256gcm, key: keyBytes, counter: 5 };
const tampered = expect.objectContaining({ code: 'ERR_XFER_TAMPERED', exit: 5 }) as unknown;

const thrownBy = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe.each(Object.values(cipher))('records of cipher %i', (number) => {
  it('open to what was sealed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 500 }),
        fc.maxSafeNat().map((n) => n % 2 ** 52),
        (body, counter) => {
          const its = { cipher: number, key: keyBytes, counter };
          const record = sealRecord(its, header, body);
          const opened = openRecord(its, record);
          expect(record).toHaveLength(recordLayout.overheadBytes + body.length);
          expect(Buffer.from(opened.body).equals(body)).toBe(true);
          expect(
            Buffer.from(openHeader(its, record.subarray(0, recordLayout.bodyAt))).equals(opened.header),
          ).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('notice a flip of any bit', () => {
    const its = { ...key, cipher: number };
    const record = sealRecord(its, header, Uint8Array.of(1, 2, 3));
    for (let bit = 0; bit < record.length * 8; bit++) {
      const flipped = record.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(thrownBy(() => openRecord(its, flipped))).toEqual(tampered);
      const inHeader = bit >> 3 < recordLayout.bodyAt;
      expect(thrownBy(() => openHeader(its, flipped)) !== undefined).toBe(inHeader);
    }
  });
});

describe('a header', () => {
  it('carries the length of the body and the rest as it was given', () => {
    const opened = openHeader(key, sealRecord(key, header, new Uint8Array(258)));
    const expected = Buffer.from(header);
    expected.writeUInt32BE(258, recordLayout.bodyBytesAt);
    expect(expected.equals(opened)).toBe(true);
  });

  it('does not open under another counter, so records cannot change places', () => {
    const record = sealRecord(key, header, new Uint8Array(4));
    expect(thrownBy(() => openHeader({ ...key, counter: 6 }, record))).toEqual(tampered);
  });
});

describe('no input', () => {
  it('of any length or content does anything but fail to verify', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(thrownBy(() => openHeader(key, bytes))).toEqual(tampered);
        expect(thrownBy(() => openRecord(key, bytes))).toEqual(tampered);
      }),
    );
  });

  it('that is cut or extended opens', () => {
    const record = sealRecord(key, header, new Uint8Array(20));
    for (let length = 0; length < record.length; length++) {
      expect(thrownBy(() => openRecord(key, record.subarray(0, length)))).toEqual(tampered);
    }
    expect(thrownBy(() => openRecord(key, Buffer.concat([record, Uint8Array.of(0)])))).toEqual(tampered);
  });

  it('of a wrong shape is taken', () => {
    const record = sealRecord(key, header, new Uint8Array(0));
    const wrongKeys = [
      { ...key, counter: 2 ** 52 },
      { ...key, counter: -1 },
      { ...key, key: new Uint8Array(16) },
      { ...key, cipher: 3 as 1 },
    ];
    for (const wrong of wrongKeys) {
      expect(() => sealRecord(wrong, header, new Uint8Array(0))).toThrow(RangeError);
      expect(() => openRecord(wrong, record)).toThrow(RangeError);
    }
    expect(() => sealRecord(key, new Uint8Array(31), new Uint8Array(0))).toThrow(RangeError);
    expect(() => sealRecord(key, header, 'text' as unknown as Uint8Array)).toThrow(TypeError);
  });
});

describe('golden records', () => {
  // Made by another program (Python's cryptography) from the layout alone; the wire never changes.
  it.each([
    [
      cipher.aes256gcm,
      '00000044fb238bb60b56cda673710036a2a82c10da5001be2bab51bafd8c106018d0b076fca387bbc6785a0f03c0413163662c5d9c773acf0d6bcb8c3c722efe86de2964000da0a6',
    ],
    [
      cipher.chacha20poly1305,
      '00000044984c73fe8f3c51d9838361b3577f03afeecd0ab430af1f80f5d65526bcd25c3d231f314938353531e4515e7938e04118f55ba6991d3cab61d93fe7db43f2ccec85f2ffa1',
    ],
  ])('are what cipher %i gives', (number, hex) => {
    const record = sealRecord({ ...key, cipher: number }, header, Buffer.from('xfer'));
    expect(Buffer.from(record).toString('hex')).toBe(hex);
  });
});
