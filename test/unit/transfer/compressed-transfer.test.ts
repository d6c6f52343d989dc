import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { transferDefaults } from '../../../src/config/index.js';
import type { SealApi } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import { ownCapabilities, ownHello } from '../../../src/session/hello.js';
import { recordKind, type RecordHeader } from '../../../src/session/record-header.js';
import type { Session, SessionHandlers } from '../../../src/session/session.js';
import type { CompressMode } from '../../../src/transfer/compress-core.js';
import { compress, compressedLayout } from '../../../src/transfer/lz4.js';
import { packedLayout } from '../../../src/transfer/pack-layout.js';
import { meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import {
  entry,
  namesIn,
  sessionPair,
  startReceiving,
  startSending,
  temporaryDirectory,
} from './transfer-kit.js';

const MiB = 2 ** 20;
const noise = 200_001;
const withLz4 = ownHello('recv', 'bob', true, [], [...ownCapabilities, 'lz4']);
const without = ownHello('recv', 'bob', true);

/** The headers of all content that arrives at a session. */
function arriving(session: Session): RecordHeader[] {
  const headers: RecordHeader[] = [];
  const attach = session.attach.bind(session);
  vi.spyOn(session, 'attach').mockImplementation((handlers: SessionHandlers) =>
    attach({
      ...handlers,
      onContent: (content) => {
        headers.push(content.header);
        handlers.onContent(content);
      },
    }),
  );
  return headers;
}

/** A large file of words, one that does not shrink, and many small ones. */
async function tree() {
  const top = join(await temporaryDirectory(), 'tree');
  await mkdir(top);
  const contents = new Map<string, Buffer>([
    ['large', Buffer.alloc(2 * MiB + 5, 'words and words ')],
    ['noise', randomBytes(noise)],
    ['empty', Buffer.alloc(0)],
    ...Array.from({ length: 100 }, (_, i): [string, Buffer] => [
      `small-${i}`,
      Buffer.alloc(500 + i, `${i} `),
    ]),
  ]);
  for (const [name, content] of contents) await writeFile(join(top, name), content);
  const bytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  return { top, contents, bytes };
}

async function transfer(paths: readonly string[], mode: CompressMode | undefined, hello = withLz4) {
  const [near, far] = await sessionPair(hello);
  const headers = arriving(far);
  const receiver = await startReceiving(far);
  let sent = 0;
  const onProgress = (progress: { sent: number }) => (sent = progress.sent);
  const sender = startSending(near, paths, undefined, { compress: mode, onProgress });
  const summary = await sender.running;
  await receiver.running;
  const carried = headers.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  return { directory: receiver.directory, summary, sent, carried, headers, problems: sender.problems };
}

const isCompressed = ({ layout }: RecordHeader) => (layout & compressedLayout) !== 0;

describe('a transfer that compresses', () => {
  it('arrives as it was, with fewer bytes on the lanes', async () => {
    const { top, contents, bytes } = await tree();
    const { directory, summary, sent, carried, headers, problems } = await transfer([top], 'lz4');
    expect(summary).toMatchObject({ files: contents.size, bytes });
    expect(await namesIn(join(directory, 'tree'))).toEqual([...contents.keys()].toSorted());
    for (const [name, content] of contents)
      expect(content.equals(await readFile(join(directory, 'tree', name))), name).toBe(true);
    expect(problems).toEqual([]);
    // The noise goes as it is; of the words hardly anything is left.
    expect(carried).toBeGreaterThan(noise);
    expect(carried).toBeLessThan(noise + bytes / 10);
    expect(sent).toBeLessThan(noise + bytes / 10);
    const kinds = new Set(headers.map(({ layout }) => layout));
    expect(kinds).toEqual(new Set([0, compressedLayout, packedLayout | compressedLayout]));
  });

  it.each<[string, CompressMode | undefined, typeof without]>([
    ['the receiver cannot read it', 'lz4', without],
    ['the receiver cannot read it and the sender would choose', 'auto', without],
    ['the sender is told so', 'off', withLz4],
    ['nobody said anything', undefined, withLz4],
  ])('compresses nothing where %s', async (_, mode, hello) => {
    const { top, contents, bytes } = await tree();
    const { directory, sent, carried, headers } = await transfer([top], mode, hello);
    expect(headers.filter(isCompressed)).toEqual([]);
    expect([sent, carried >= bytes]).toEqual([bytes, true]);
    const large = contents.get('large') ?? Buffer.alloc(0);
    expect(large.equals(await readFile(join(directory, 'tree', 'large')))).toBe(true);
  });
});

/** A record with this body, which says that it is compressed. */
async function send(
  { sender }: MetReceiver,
  number: number,
  body: Uint8Array,
  where: Partial<RecordHeader> = {},
): Promise<void> {
  const header = {
    kind: recordKind.content,
    layout: 0,
    entry: 0,
    offset: 0,
    number,
    bodyBytes: body.length,
    ...where,
  };
  const fill = (into: Uint8Array) => {
    into.set(body);
    const layout = compressedLayout | header.layout;
    return Promise.resolve({ bodyBytes: body.length, contentBytes: body.length, layout });
  };
  await new Promise<void>((resolve, reject) => {
    sender.session.sendContent(0, { fill, header }, (error) => (error ? reject(error) : resolve()));
  });
}

function declaring(bytes: number, block: Uint8Array): Buffer {
  const body = Buffer.alloc(4 + block.length);
  body.writeUInt32LE(bytes, 0);
  body.set(block, 4);
  return body;
}

async function declared(size: number): Promise<MetReceiver> {
  const met = await meetReceiver();
  met.sender.say({ type: 'manifest', entries: [entry(0, 'file', { size })] });
  return met;
}

describe('a sender whose content only says that it is compressed', () => {
  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'compresses what is no record'],
    ['a length alone', declaring(100, new Uint8Array()), 'compresses what is no record'],
    ['a length of nothing', declaring(0, Buffer.alloc(10)), 'compresses what is no record'],
    ['more than a record', declaring(MiB + 1, Buffer.alloc(10)), 'compresses what is no record'],
    ['4 GiB', declaring(0xffffffff, Buffer.alloc(10)), 'compresses what is no record'],
    ['garbage', declaring(100, Buffer.alloc(60, 0xff)), 'a block that is no LZ4'],
    ['less than it declares', declaring(100, Buffer.from('\x50plain')), 'a block that is no LZ4'],
    ['more than it declares', declaring(3, Buffer.from('\x50plain')), 'a block that is no LZ4'],
  ])('ends the transfer, and nothing is left: %s', async (_, body, words) => {
    const met = await declared(100);
    await send(met, 0, body);
    await refused(met, 'ERR_XFER_PROTOCOL', words);
  });

  it.each<[string, number, Partial<RecordHeader>]>([
    ['more than the file has', 101, {}],
    ['what is past its end', 50, { offset: 51 }],
    ['content of a layout that nobody knows', 50, { layout: 4 }],
  ])('ends the transfer: what is compressed is %s', async (_, bytes, where) => {
    const met = await declared(100);
    await send(met, 0, await compress(Buffer.alloc(bytes)), where);
    await refused(met, 'ERR_XFER_PROTOCOL', 'content that was not declared');
  });

  it('ends the transfer: a pack that is none', async () => {
    const met = await declared(100);
    await send(met, 0, await compress(Buffer.alloc(200)), { layout: packedLayout });
    await refused(met, 'ERR_XFER_PROTOCOL', '');
  });

  it('cannot make the receiver hold more than the window by little that grows all at once', async () => {
    const native = nativeApi();
    const opening: (() => void)[] = [];
    const openBody: SealApi['openBody'] = (...job) => opening.push(() => native.seal.openBody(...job));
    const met = await meetReceiver({ ...native, seal: { ...native.seal, openBody } });
    const body = await compress(Buffer.alloc(MiB));
    const held = transferDefaults.maxWindowBytes / MiB + 6;
    for (let number = 0; number < held; number++)
      await send(met, number, body, { entry: 7, offset: number * MiB });
    await vi.waitFor(() => expect(opening).toHaveLength(held));
    for (const open of opening) open();
    await refused(met, 'ERR_XFER_PROTOCOL', 'more content than was asked for');
  });
});

describe('a receiver of compressed content', () => {
  it('takes it before it knows the file, and a copy of it once', async () => {
    const met = await meetReceiver();
    const plain = Buffer.alloc(5000, 'words ');
    const body = await compress(plain);
    await send(met, 0, body);
    await send(met, 0, body);
    met.sender.say({ type: 'manifest', entries: [entry(0, 'file', { size: plain.length })] });
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: plain.length, records: 1 });
    expect(await met.running).toMatchObject({ files: 1, bytes: plain.length });
    expect(plain.equals(await readFile(join(met.directory, 'file')))).toBe(true);
  });
});
