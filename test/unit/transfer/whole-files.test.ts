import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ownCapabilities, ownHello } from '../../../src/session/hello.js';
import type { RecordHeader } from '../../../src/session/record-header.js';
import type { Session, SessionHandlers } from '../../../src/session/session.js';
import { packedLayout } from '../../../src/transfer/pack-layout.js';
import { scan } from '../../../src/transfer/scan.js';
import type { SendTransferOptions } from '../../../src/transfer/send-options.js';
import { namesIn, sessionPair, startReceiving, startSending, temporaryDirectory } from './transfer-kit.js';

const KiB = 1024;
const small = ownCapabilities.filter((name) => name !== 'streaming');
const helloWith = (capabilities: readonly string[], thresholdBytes?: number) =>
  ownHello('recv', 'bob', true, [], capabilities, thresholdBytes);

/** What a receiver with this HELLO gets of the files. */
async function transfer(
  files: Readonly<Record<string, Buffer>>,
  hello: ReturnType<typeof helloWith>,
  options: Partial<SendTransferOptions> = {},
) {
  const top = join(await temporaryDirectory(), 'top');
  await mkdir(top);
  for (const [name, content] of Object.entries(files)) await writeFile(join(top, name), content);
  const [near, far] = await sessionPair(hello);
  const headers = arriving(far);
  const receiver = await startReceiving(far);
  const quiet = { onProblem: () => undefined };
  const sender = startSending(near, [top], undefined, { preview: () => scan([top], quiet), ...options });
  return { top, headers, receiver, sender };
}

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

const isPack = ({ layout }: RecordHeader) => layout === packedLayout;

describe('a receiver without `streaming`', () => {
  it('gets files up to its threshold, in packs', async () => {
    const files = { a: randomBytes(64 * KiB), b: randomBytes(1), c: Buffer.alloc(0) };
    const { headers, receiver, sender } = await transfer(files, helloWith(small));
    expect(await sender.running).toMatchObject({ files: 3, bytes: 64 * KiB + 1 });
    await receiver.running;
    for (const [name, content] of Object.entries(files))
      expect(content.equals(await readFile(join(receiver.directory, 'top', name))), name).toBe(true);
    expect(headers.map(isPack)).toEqual([true]);
  });

  it.each<[string, readonly string[], number, Partial<SendTransferOptions>]>([
    ['where it takes no packs', small.filter((name) => name !== 'pack'), 700 * KiB, {}],
    ['where the sender packs smaller ones alone', small, 700 * KiB, { packedFileBytes: 0 }],
    [
      'however slow the sender is to be',
      small,
      700 * KiB,
      { limit: { bytesPerSecond: 4096 * KiB, onChange: () => () => undefined } },
    ],
  ])('gets each of the others in one record, %s', async (_name, capabilities, threshold, options) => {
    const files = { a: randomBytes(700 * KiB), b: randomBytes(300 * KiB), c: randomBytes(5) };
    const { headers, receiver, sender } = await transfer(files, helloWith(capabilities, threshold), options);
    await sender.running;
    await receiver.running;
    for (const [name, content] of Object.entries(files))
      expect(content.equals(await readFile(join(receiver.directory, 'top', name))), name).toBe(true);
    const plain = headers.filter((header) => !isPack(header));
    expect(plain.every(({ offset }) => offset === 0)).toBe(true);
    expect(plain.map(({ bodyBytes }) => bodyBytes)).toEqual(expect.arrayContaining([700 * KiB, 300 * KiB]));
    expect(headers.length).toBeLessThanOrEqual(3);
  });

  it('gets a file with holes whole as well', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'sparse');
    const file = await open(path, 'w');
    await file.write('in the middle', 200 * KiB);
    await file.truncate(400 * KiB);
    await file.close();
    const [near, far] = await sessionPair(helloWith(small, 512 * KiB));
    const headers = arriving(far);
    const receiver = await startReceiving(far);
    await startSending(near, [path]).running;
    await receiver.running;
    const got = await readFile(join(receiver.directory, 'sparse'));
    expect(got.equals(await readFile(path))).toBe(true);
    expect(headers.map(({ bodyBytes }) => bodyBytes)).toEqual([400 * KiB]);
  });

  it('gets nothing at all where one file is larger: the sender refuses before any content', async () => {
    const files = { a: randomBytes(10), large: randomBytes(64 * KiB + 1), z: randomBytes(10) };
    const { top, headers, receiver, sender } = await transfer(files, helloWith(small));
    await expect(sender.running).rejects.toMatchObject({
      code: 'ERR_XFER_NO_STREAMING',
      message: `the receiver takes files of up to 65536 bytes only, and ${join(top, 'large')} has 65537`,
    });
    await expect(receiver.running).rejects.toMatchObject({ code: 'ERR_XFER_NO_STREAMING' });
    expect([headers, await namesIn(receiver.directory)]).toEqual([[], []]);
  });

  it('does not get a file that has grown since it was looked for', async () => {
    const files = { a: randomBytes(10), large: randomBytes(65 * KiB) };
    const { receiver, sender, headers } = await transfer(files, helloWith(small), {
      preview: () => scan([], { onProblem: () => undefined }),
    });
    expect(await sender.running).toMatchObject({ files: 1 });
    await receiver.running;
    expect(sender.problems.map(({ code }) => code)).toEqual(['ERR_XFER_NO_STREAMING']);
    expect(headers).toHaveLength(1);
    expect(await namesIn(join(receiver.directory, 'top'))).toEqual(['a']);
  });
});

describe('the threshold', () => {
  const files = { a: randomBytes(3000), b: randomBytes(5000), c: randomBytes(100 * KiB) };

  it.each([
    ['of the receiver', 4000, 1024 * KiB],
    ['of the sender', 1024 * KiB, 4000],
  ])('%s counts where it is the lower one', async (_name, theirs, ours) => {
    const { headers, receiver, sender } = await transfer(files, helloWith(ownCapabilities, theirs), {
      packedFileBytes: ours,
    });
    await sender.running;
    await receiver.running;
    expect(headers.filter((header) => !isPack(header)).map(({ bodyBytes }) => bodyBytes)).toEqual(
      expect.arrayContaining([5000]),
    );
    expect(headers.filter(isPack)).toHaveLength(1);
  });

  it('may be so high that all goes in packs, and so low that nothing does', async () => {
    const all = await transfer(files, helloWith(ownCapabilities, 1024 * KiB), {
      packedFileBytes: 1024 * KiB,
    });
    const none = await transfer(files, helloWith(ownCapabilities, 0), {});
    for (const { sender, receiver } of [all, none]) {
      await sender.running;
      await receiver.running;
    }
    expect([all.headers.every(isPack), none.headers.some(isPack)]).toEqual([true, false]);
  });
});
