import { randomBytes } from 'node:crypto';
import { open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packedChanged } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import type { CompressMode } from '../../../src/transfer/compress-core.js';
import { ContentCompressor } from '../../../src/transfer/content-compressor.js';
import { compressedLayout, decompress } from '../../../src/transfer/lz4.js';
import { packedLayout, readPack } from '../../../src/transfer/pack-layout.js';
import { temporaryDirectory } from './transfer-kit.js';

const { seal } = nativeApi();
const sampleBytes = 64 * 1024;

async function file(content: Uint8Array): Promise<number> {
  const path = join(await temporaryDirectory(), 'file');
  await writeFile(path, content);
  const opened = await open(path);
  onTestFinished(() => opened.close());
  return opened.fd;
}

/** A compressor at work, in mode auto because the network is slow. */
function compressor(mode: CompressMode = 'lz4') {
  const made = new ContentCompressor<object>(mode, seal);
  made.handle({ networkMs: 0, sealMs: 0, bytesPerSecond: 1000 }, 0);
  made.handle({ networkMs: 1000, sealMs: 0, bytesPerSecond: 1000 }, 1000);
  return made;
}

async function fill(content: Uint8Array, mode: CompressMode = 'lz4', room = content.length, position = 0) {
  const [at, source, body] = [compressor(mode), {}, Buffer.alloc(room)];
  const filled = await at.fillFile(source, await file(content), position, body);
  return { ...filled, body: body.subarray(0, filled.bodyBytes), isWanted: at.wants(source) };
}

describe('a piece of a file', () => {
  it('is compressed where that helps, and says what it stands for', async () => {
    const content = Buffer.alloc(300_000, 'words ');
    const { body, bodyBytes, contentBytes, layout } = await fill(content);
    expect([contentBytes, layout]).toEqual([content.length, compressedLayout]);
    expect(bodyBytes).toBeLessThan(content.length / 10);
    expect(content.equals((await decompress(body, contentBytes)) ?? Buffer.alloc(0))).toBe(true);
  });

  it('is as it is where that does not help', async () => {
    const content = randomBytes(300_000);
    const { body, bodyBytes, contentBytes, layout } = await fill(content);
    expect([bodyBytes, contentBytes, layout]).toEqual([content.length, content.length, 0]);
    expect(content.equals(body)).toBe(true);
  });

  it('is as it is where it shrinks by less than a tenth', async () => {
    const mixed = (zeros: number) => Buffer.concat([randomBytes(100_000 - zeros), Buffer.alloc(zeros)]);
    expect((await fill(mixed(9_000))).layout).toBe(0);
    expect((await fill(mixed(11_500))).layout).toBe(compressedLayout);
  });

  it('is what is there where the file ends', async () => {
    const content = Buffer.alloc(1000, 'ab');
    const { body, contentBytes } = await fill(content, 'lz4', 5000, 300);
    expect(contentBytes).toBe(700);
    expect(content.subarray(300).equals((await decompress(body, 700)) ?? Buffer.alloc(0))).toBe(true);
    const plain = { bodyBytes: 0, contentBytes: 0, layout: 0 };
    expect(await fill(content, 'lz4', 5000, 1000)).toMatchObject(plain);
    expect(await fill(content, 'lz4', 0)).toMatchObject(plain);
  });

  it('is not to be had where it cannot be read', async () => {
    const directory = await open(await temporaryDirectory());
    onTestFinished(() => directory.close());
    const filling = compressor().fillFile({}, directory.fd, 0, Buffer.alloc(10));
    await expect(filling).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('is judged by its beginning in mode auto, as a whole in mode lz4', async () => {
    const content = Buffer.concat([randomBytes(sampleBytes), Buffer.alloc(4 * sampleBytes)]);
    expect(await fill(content, 'auto')).toMatchObject({ layout: 0, isWanted: false });
    expect(await fill(content, 'lz4')).toMatchObject({ layout: compressedLayout, isWanted: true });
  });

  it('is judged as a whole where it is short', async () => {
    const content = Buffer.concat([randomBytes(sampleBytes), Buffer.alloc(sampleBytes)]);
    expect(await fill(content, 'auto')).toMatchObject({ layout: compressedLayout, isWanted: true });
  });

  it('that only begins well is tried as a whole, and counts as one that did not shrink', async () => {
    const content = Buffer.concat([Buffer.alloc(sampleBytes), randomBytes(15 * sampleBytes)]);
    expect(await fill(content, 'auto')).toMatchObject({ layout: 0, isWanted: false });
  });
});

describe('a pack of files', () => {
  async function packed(contents: readonly Uint8Array[], change?: number) {
    const directory = await temporaryDirectory();
    const paths = contents.map((_, i) => join(directory, `f${i}`));
    await Promise.all(paths.map((path, i) => writeFile(path, contents[i] ?? '')));
    const stamps = new BigInt64Array(6 * paths.length);
    for (const [i, path] of paths.entries()) {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      stamps.set([dev, i === change ? -1n : ino, size, mtimeNs, ctimeNs, BigInt(i)], 6 * i);
    }
    const plainBytes = 4 + contents.reduce((sum, { length }) => sum + 8 + length, 0);
    const body = Buffer.alloc(plainBytes);
    const filled = await compressor().fillPack({}, { paths, stamps }, packedLayout, body);
    return { ...filled, body: body.subarray(0, filled.bodyBytes), plainBytes };
  }

  it('is compressed as one, and says that it is a pack', async () => {
    const contents = Array.from({ length: 20 }, (_, i) => Buffer.alloc(1000 + i, 'words '));
    const { body, bodyBytes, contentBytes, layout, plainBytes, problems } = await packed(contents);
    expect([layout, contentBytes, problems]).toEqual([
      packedLayout | compressedLayout,
      plainBytes,
      new Int32Array(20),
    ]);
    expect(bodyBytes).toBeLessThan(plainBytes / 10);
    const plain = (await decompress(body, contentBytes)) ?? Buffer.alloc(0);
    const files = readPack(plain, { first: 0, last: 19 });
    expect(files?.map(({ bytes }) => bytes)).toEqual(contents.map(({ length }) => length));
  });

  it('is as it is where that does not help', async () => {
    const { layout, bodyBytes, plainBytes } = await packed([randomBytes(3000), randomBytes(3000)]);
    expect([layout, bodyBytes]).toEqual([packedLayout, plainBytes]);
  });

  it('tells which files it is without', async () => {
    const { problems, contentBytes, plainBytes } = await packed([Buffer.alloc(500), Buffer.alloc(500)], 0);
    expect([[...(problems ?? [])], contentBytes]).toEqual([[packedChanged, 0], plainBytes - 500]);
  });
});
