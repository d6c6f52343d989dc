import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recordLayout, type Cipher } from '../../src/native/api.js';
import { nativeApi } from '../../src/native/index.js';
import { openRecord, sealRecord } from '../../src/native/record-codec.js';
import {
  decodeRecordHeader,
  encodeRecordHeader,
  type RecordHeader,
} from '../../src/session/record-header.js';

interface Golden {
  key: string;
  records: {
    name: string;
    cipher: Cipher;
    counter: number;
    header: RecordHeader;
    body: string;
    hex: string;
  }[];
  refused: { name: string; cipher: Cipher; counter: number; hex: string }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/plain-record-v1.json', import.meta.url), 'utf8'),
) as Golden;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (value: Uint8Array) => Buffer.from(value).toString('hex');
const key = bytes(golden.key);
const { seal } = nativeApi();

describe('records with a plain body on the wire', () => {
  it.each(golden.records)('are written and read so: $name', ({ cipher, counter, header, body, hex }) => {
    const plainKey = { cipher, key, counter, plain: true };
    for (const write of [sealRecord, seal.sealSmall])
      expect(hexOf(write(plainKey, encodeRecordHeader(header), bytes(body)))).toBe(hex);
    const record = bytes(hex);
    expect(decodeRecordHeader(seal.openHeader(plainKey, record))).toEqual({ ...header, hasPlainBody: true });
    expect(hexOf(openRecord(plainKey, record).body)).toBe(body);
    expect(hexOf(record.subarray(recordLayout.bodyAt, -recordLayout.tagBytes))).toBe(body);
    expect(hexOf(seal.openSmall(plainKey, record))).toBe(body);
  });

  it.each(golden.refused)('are none: $name', ({ cipher, counter, hex }) => {
    const plainKey = { cipher, key, counter, plain: true };
    const refused = expect.objectContaining({ code: 'ERR_XFER_TAMPERED' }) as Error;
    expect(() => openRecord(plainKey, bytes(hex))).toThrow(refused);
    expect(() => seal.openSmall(plainKey, bytes(hex))).toThrow(refused);
  });
});
