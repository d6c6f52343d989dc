import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordLayout } from '../../../src/native/api.js';
import {
  decodeRecordHeader,
  encodeRecordHeader,
  recordKind,
  type RecordHeader,
} from '../../../src/session/record-header.js';

const header: RecordHeader = {
  kind: recordKind.content,
  layout: 3,
  bodyBytes: 0x0102_0304,
  entry: 0x05_0607_0809,
  offset: Number.MAX_SAFE_INTEGER,
  number: 0x10,
};
const changed = (at: number, ...values: readonly number[]) => {
  const bytes = encodeRecordHeader(header);
  bytes.set(values, at);
  return decodeRecordHeader(bytes);
};

describe('the header of a record', () => {
  it('comes out as it went in', () => {
    const arbitrary = fc.record({
      kind: fc.constantFrom(...Object.values(recordKind)),
      layout: fc.nat(255),
      bodyBytes: fc.nat(2 ** 31 - 1),
      entry: fc.maxSafeNat(),
      offset: fc.maxSafeNat(),
      number: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(arbitrary, (any) => {
        expect(decodeRecordHeader(encodeRecordHeader(any))).toEqual(any);
      }),
    );
  });

  it('lies on the wire as it did in version 1', () => {
    expect(Buffer.from(encodeRecordHeader(header)).toString('hex').match(/.{16}/g)).toEqual([
      '0203000001020304',
      '0000000506070809',
      '001fffffffffffff',
      '0000000000000010',
    ]);
  });

  it.each([0, 3, 0x80, 0xff])('is none with kind %i', (kind) => {
    expect(changed(0, kind)).toBeUndefined();
  });

  it.each([2, 3])('is none with anything in byte %i, but for the flag of a plain body', (at) => {
    for (let value = 1; value < 256; value++)
      expect(changed(at, value)).toEqual(
        at === 2 && value === 1 ? { ...header, hasPlainBody: true } : undefined,
      );
  });

  it('of a control message has no plain body', () => {
    const bytes = encodeRecordHeader({ ...header, kind: recordKind.control });
    expect(decodeRecordHeader(bytes)).toBeDefined();
    bytes[recordLayout.flagsAt] = recordLayout.plainBody;
    expect(decodeRecordHeader(bytes)).toBeUndefined();
  });

  it.each([8, 16, 24])('is none with a number past 2^53 − 1 in byte %i', (at) => {
    expect(changed(at, 0, 0x20, 0, 0, 0, 0, 0, 0)).toBeUndefined();
    expect(changed(at, 0, 0x20, 0, 0, 0, 0, 0, 1)).toBeUndefined();
    expect(changed(at, ...new Uint8Array(8).fill(0xff))).toBeUndefined();
    expect(changed(at, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)).toBeDefined();
  });

  it('is none of another length', () => {
    const bytes = encodeRecordHeader(header);
    expect(bytes).toHaveLength(recordLayout.headerBytes);
    for (let length = 0; length < bytes.length; length++)
      expect(decodeRecordHeader(bytes.subarray(0, length))).toBeUndefined();
    expect(decodeRecordHeader(Buffer.concat([bytes, Uint8Array.of(0)]))).toBeUndefined();
  });

  it('is read where it lies in a larger memory', () => {
    const around = Buffer.concat([Buffer.alloc(13, 0xff), encodeRecordHeader(header), Buffer.alloc(5, 0xff)]);
    expect(decodeRecordHeader(around.subarray(13, 13 + recordLayout.headerBytes))).toEqual(header);
  });
});
