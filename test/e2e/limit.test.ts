import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runUsually } from '../support/run-hosted.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { beginTransfer, handedOver, refusedFlags, transferred } from '../support/transfer.js';

const MiB = 2 ** 20;
/** Of the rate, in seconds: what may go at the beginning, and what is still owed at the end. */
const slack = 0.15;

let work: string;
let out: string;
let file: string;
let rate: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  [out, file, rate] = [join(work, 'out'), join(work, 'file'), join(work, 'rate')];
  await writeFile(file, randomBytes(1_500_000));
});

const expectWhole = async () =>
  expect((await readFile(join(out, 'file'))).equals(await readFile(file))).toBe(true);

describe('send --limit', () => {
  it.each([
    ['1MB/s', 1_000_000],
    ['8mbit', 1_000_000],
    ['1.5MiB/s', 1.5 * MiB],
  ])('%s: takes as long as that at least, and that is what limited it', async (limit, bytesPerSecond) => {
    const { done, received } = await transferred({
      paths: [file],
      out,
      sendFlags: ['--limit', limit],
      start: runUsually,
    });
    expect(done.seconds).toBeGreaterThan(done.bytes / bytesPerSecond - slack);
    expect(done.bottleneck).toBe('limit');
    expect(received.events.at(-1)).toMatchObject({ event: 'done', bottleneck: 'limit' });
    await expectWhole();
  });

  it('holds for all lanes together', async () => {
    const sendFlags = ['--limit', '1MB/s', '--lanes', '4'];
    const { done } = await transferred({ paths: [file], out, sendFlags, start: runUsually });
    expect(done.lanes).toBe(4);
    expect(done.seconds).toBeGreaterThan(1.5 - slack);
  });

  it.each([
    [180, 5000],
    [15, 60_000],
  ])('holds for small files: %d of %d bytes', async (count, bytes) => {
    const paths = Array.from({ length: count }, (_, i) => join(work, `small-${i}`));
    for (const path of paths) await writeFile(path, randomBytes(bytes));
    const sendFlags = ['--limit', '600kB/s'];
    const { done } = await transferred({ paths, out, sendFlags, start: runUsually });
    expect(done).toMatchObject({ files: count, bottleneck: 'limit' });
    expect(done.seconds).toBeGreaterThan(1.5 - slack);
  });

  it('may be another when a transfer goes on that was killed: small files are sent in another way then', async () => {
    const tree = join(work, 'tree');
    const names = Array.from({ length: 60 }, (_, i) => `small-${i}`);
    await mkdir(tree);
    for (const name of names) await writeFile(join(tree, name), randomBytes(60_000));
    const [sender, receiver] = [{ home: await temporaryDirectory() }, { home: await temporaryDirectory() }];
    const both = await beginTransfer({
      paths: [tree],
      out,
      sender,
      receiver,
      sendFlags: ['--limit', '1MB/s'],
    });
    for await (const event of both.recv) if (event.event === 'progress' && event.bytes > MiB) break;
    await Promise.all([both.send.kill(), both.recv.kill()]);
    const { done } = await transferred({ paths: [tree], out, sender, receiver, start: runUsually });
    expect(done).toMatchObject({ files: 60, bytes: 3_600_000 });
    for (const name of names)
      expect((await readFile(join(out, 'tree', name))).equals(await readFile(join(tree, name)))).toBe(true);
  });

  it('does not limit what it is not asked to', async () => {
    const { done } = await transferred({ paths: [file], out, start: runUsually });
    expect(done.bottleneck).not.toBe('limit');
  });
});

describe('send --limit @FILE', () => {
  /** A transfer that takes minutes as it begins. */
  async function beginSlowly(): Promise<{ send: XferRun; recv: XferRun }> {
    await writeFile(rate, '16KiB/s\n');
    const both = await beginTransfer({ paths: [file], out, sendFlags: ['--limit', `@${rate}`] });
    await both.send.event('progress');
    return both;
  }

  /** Has the file read again; what is told of it. */
  async function reread({ send }: { send: XferRun }): Promise<string> {
    const from = send.events.length;
    send.child.kill('SIGUSR2');
    return (await send.event('note', from)).message;
  }

  async function change(both: { send: XferRun }, text: string): Promise<string> {
    await writeFile(rate, text);
    return reread(both);
  }

  it.each([
    ['a faster rate', '1GB/s', 'limit 1.00 GB/s'],
    ['no rate', '', 'no limit'],
  ])('is read again at SIGUSR2: with %s it finishes soon', async (_, text, told) => {
    const both = await beginSlowly();
    expect(handedOver(both.send)).toBeLessThan(MiB);
    expect(await change(both, text)).toBe(told);
    const [sent, received] = await Promise.all([both.send.ended, both.recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    await expectWhole();
  });

  it('stays what it was when the file is wrong, or gone, which is told', async () => {
    const both = await beginSlowly();
    expect(await change(both, 'at once')).toContain('at once');
    expect(await change(both, '0B/s')).toContain('a limit of 0');
    await rm(rate);
    expect(await reread(both)).toBe(`cannot read the limit in ${rate}: no such file or directory`);
    const from = both.send.events.length;
    await both.send.event('progress', from);
    expect(handedOver(both.send)).toBeLessThan(MiB);
    expect(await change(both, '1GB/s')).toBe('limit 1.00 GB/s');
    expect((await both.send.ended).status).toBe(0);
  });
});

describe('send --limit is a usage error', () => {
  it.each(['fast', '10', '10MB', '10XB/s', '-1MB/s', '0MB/s', '', 'MB/s', '1e3MB/s'])(
    'where the rate is %j',
    async (text) => {
      expect(await refusedFlags(file, [`--limit=${text}`], runUsually)).toMatchObject({
        code: 'ERR_XFER_USAGE',
        status: 2,
      });
    },
  );

  it('where the file has no rate in it; a file that is not there is an error of its own', async () => {
    await writeFile(rate, 'tomorrow');
    expect(await refusedFlags(file, ['--limit', `@${rate}`], runUsually)).toMatchObject({
      code: 'ERR_XFER_USAGE',
      status: 2,
    });
    expect(await refusedFlags(file, ['--limit', `@${join(work, 'absent')}`])).toMatchObject({
      code: 'ERR_XFER_NOT_FOUND',
      status: 6,
    });
  });
});

describe('what a person is told at the end', () => {
  async function told(sendFlags: readonly string[]) {
    const { recv, address, code } = await startReceiver(out);
    const send = await runXfer(['send', file, address, ...sendFlags], { env: { XFER_CODE: code } });
    const { stderr, status } = await send.ended;
    expect([status, (await recv.ended).status]).toEqual([0, 0]);
    return stderr.trimEnd();
  }

  it('is that --limit was what it waited for', async () => {
    const text = await told(['--limit', '1MB/s']);
    expect(text).toMatch(/\nsent 1 file, 1\.50 MB in .*, limited by --limit$/);
  });

  it('is nothing of the kind where it was over at once', async () => {
    await writeFile(file, 'little');
    expect(await told([])).toMatch(/\nsent 1 file, 6 B in 0\.\d s (?!.*limited by)/);
  });
});
