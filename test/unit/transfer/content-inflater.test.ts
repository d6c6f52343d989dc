import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { cipher } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import { sealRecord } from '../../../src/native/record-codec.js';
import type { SealedContent } from '../../../src/session/lane.js';
import { encodeRecordHeader, recordKind } from '../../../src/session/record-header.js';
import { inflate, isPlain } from '../../../src/transfer/content-inflater.js';
import { compress, compressedLayout, decompress } from '../../../src/transfer/lz4.js';
import { packedLayout } from '../../../src/transfer/pack-layout.js';
import { failure } from './rogue-kit.js';

vi.mock('../../../src/transfer/lz4.js', { spy: true });

const { seal } = nativeApi();
const MiB = 2 ** 20;

beforeEach(() => void vi.mocked(decompress).mockClear());

/** A record with this body, as a lane gives it. */
function arrived(body: Uint8Array, layout: number = compressedLayout) {
  const key = { cipher: cipher.aes256gcm, key: new Uint8Array(32).fill(3), counter: 9 };
  const header = {
    kind: recordKind.content,
    layout,
    bodyBytes: body.length,
    entry: 4,
    offset: 77,
    number: 5,
  };
  const record = sealRecord(key, encodeRecordHeader(header), body);
  const release = vi.fn<() => void>();
  const content: SealedContent = { header, lane: 2, key, record, release };
  return { content, record, release };
}

function declaring(bytes: number, block: Uint8Array): Buffer {
  const body = Buffer.alloc(4 + block.length);
  body.writeUInt32LE(bytes, 0);
  body.set(block, 4);
  return body;
}

const always = () => vi.fn((_: number) => true);

describe('a compressed record', () => {
  it.each([
    ['content', compressedLayout, 0],
    ['a pack', compressedLayout | packedLayout, packedLayout],
  ])('becomes plain, its header that of %s', async (_, layout, expected) => {
    const plain = Buffer.alloc(MiB, 'words and words ');
    const { content } = arrived(await compress(plain), layout);
    const found = await inflate(seal, content, () => true);
    expect(plain.equals(found.body)).toBe(true);
    expect(found.header).toEqual({ ...content.header, layout: expected, bodyBytes: MiB });
    expect([isPlain(found), isPlain(content), found.lane]).toEqual([true, false, 2]);
  });

  it('gives its memory back, once, and before anything that is made of it', async () => {
    const plain = randomBytes(1000);
    const { content, record, release } = arrived(await compress(plain));
    const found = await inflate(seal, content, () => true);
    expect(release).toHaveBeenCalledOnce();
    record.fill(0);
    expect(plain.equals(found.body)).toBe(true);
    found.release();
    expect(release).toHaveBeenCalledOnce();
  });

  it('is asked once for what it grows by, less than nothing where it was longer than its content', async () => {
    const growths = new Map<Buffer, number>();
    for (const plain of [Buffer.alloc(5000), randomBytes(5000)]) {
      const body = await compress(plain);
      const mayGrow = always();
      await inflate(seal, arrived(body).content, mayGrow);
      expect(mayGrow.mock.calls).toEqual([[5000 - body.length]]);
      growths.set(plain, 5000 - body.length);
    }
    expect([...growths.values()].map(Math.sign)).toEqual([1, -1]);
  });

  it('is not decompressed where it may not grow', async () => {
    const { content, release } = arrived(await compress(Buffer.alloc(MiB)));
    const mayGrow = vi.fn((_: number) => false);
    await expect(inflate(seal, content, mayGrow)).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    expect([mayGrow.mock.calls.length, vi.mocked(decompress).mock.calls.length]).toEqual([1, 0]);
    expect(release).not.toHaveBeenCalled();
  });
});

describe('a record that only says that it is compressed', () => {
  it.each<[string, Uint8Array]>([
    ['no body', new Uint8Array()],
    ['a length and no block', declaring(5, new Uint8Array())],
    ['part of a length', Uint8Array.of(1, 0, 0)],
    ['a length of nothing', declaring(0, Uint8Array.of(0))],
    ['a length of more than a record', declaring(MiB + 1, new Uint8Array(100))],
    ['a length of 4 GiB', declaring(0xffffffff, new Uint8Array(100))],
  ])('ends the transfer before anything is asked or made: %s', async (_, body) => {
    const { content, release } = arrived(body);
    const mayGrow = always();
    await expect(inflate(seal, content, mayGrow)).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    expect([mayGrow.mock.calls, vi.mocked(decompress).mock.calls]).toEqual([[], []]);
    expect(release).not.toHaveBeenCalled();
  });

  it.each<[string, Uint8Array]>([
    ['garbage', declaring(MiB, randomBytes(500).fill(0xff, 0, 1))],
    ['a block of fewer bytes than it declares', declaring(6, Buffer.from('\x50plain'))],
    ['a block of more bytes than it declares', declaring(4, Buffer.from('\x50plain'))],
    [
      'a block that copies from before its beginning',
      declaring(20, Buffer.of(0x14, 65, 255, 255, 0x50, 1, 2, 3, 4, 5)),
    ],
  ])('ends the transfer: %s', async (_, body) => {
    const { content, release } = arrived(body);
    await expect(inflate(seal, content, () => true)).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    // Whoever gave it has it still.
    expect(release).not.toHaveBeenCalled();
  });

  it.each([0, 60, -1])('is not looked into where it does not verify (byte %d)', async (at) => {
    const { content, record, release } = arrived(await compress(Buffer.alloc(500)));
    const index = at < 0 ? record.length + at : 52 + Math.min(at, record.length - 70);
    record[index] = (record[index] ?? 0) ^ 1;
    const mayGrow = always();
    await expect(inflate(seal, content, mayGrow)).rejects.toMatchObject({ code: 'ERR_XFER_TAMPERED' });
    expect([mayGrow.mock.calls, vi.mocked(decompress).mock.calls]).toEqual([[], []]);
    expect(release).not.toHaveBeenCalled();
  });
});
