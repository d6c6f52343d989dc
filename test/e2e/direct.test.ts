import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directPlace } from '../support/direct-io.js';
import { startReceiver } from '../support/receiver.js';
import { runThrough } from '../support/run-through.js';
import { runXfer, temporaryDirectory, type Ended, type RunOptions } from '../support/run-xfer.js';
import { canTrace } from '../support/strace.js';
import { hashOf, MiB, ResumeBed, sentOf, type Start } from './resume-kit.js';

const page = 4096;
const sizes = [0, 1, page - 1, page, page + 1, MiB - 1, MiB, MiB + 1, 5 * MiB + 13];

const place = directPlace === undefined ? undefined : mkdtempSync(join(directPlace, 'xfer-direct-'));
afterAll(() => {
  if (place !== undefined) rmSync(place, { recursive: true });
});

let tree: string;
let out: string;
let bed: ResumeBed | undefined;

beforeEach(async () => {
  const work = await (place === undefined ? temporaryDirectory() : inPlace());
  [tree, out] = [join(work, 'tree'), join(work, 'out')];
  await mkdir(tree);
});
afterEach(async () => {
  await bed?.recv.kill();
  bed = undefined;
});

let count = 0;
async function inPlace(): Promise<string> {
  const directory = join(place ?? '', String(count++));
  await mkdir(directory);
  return directory;
}

interface Sides {
  readonly send?: readonly string[];
  readonly recv?: readonly string[];
  readonly startSend?: Start;
  readonly startRecv?: Start;
  readonly env?: RunOptions['env'];
}

/** Sends the tree with `--direct` on both sides, unless other flags are given. */
async function transfer(sides: Sides = {}): Promise<{ sent: Ended; received: Ended }> {
  const { send = ['--direct'], recv = ['--direct'], startSend = runXfer, startRecv = runXfer, env } = sides;
  const options = { timeoutMs: 50_000, ...(env ? { env } : {}) };
  const receiver = await startReceiver(out, { ...options, flags: ['--once', ...recv], start: startRecv });
  const sending = await startSend(['send', tree, receiver.address, '--json', ...send], {
    ...options,
    env: { ...env, XFER_CODE: receiver.code },
  });
  const [sent, received] = await Promise.all([sending.ended, receiver.recv.ended]);
  expect([sent.status, received.status]).toEqual([0, 0]);
  return { sent, received };
}

async function expectSame(): Promise<void> {
  const there = join(out, 'tree');
  expect((await readdir(there)).sort()).toEqual((await readdir(tree)).sort());
  for (const name of await readdir(tree))
    expect(await hashOf(join(there, name)), name).toBe(await hashOf(join(tree, name)));
  expect((await readdir(out)).filter((name) => name.startsWith('.xfer-'))).toEqual([]);
}

const notesOf = ({ events }: Ended) =>
  events.flatMap((event) => (event.event === 'note' ? [event.message] : []));

/** Runs xfer under strace, addresses and all other numbers of what reads and writes in hex. */
const rawTraced =
  (trace: string): Start =>
  (args, options) => {
    const calls = ['-e', 'trace=openat,close,pread64,pwrite64', '-e', 'raw=close,pread64,pwrite64'];
    return runThrough(['strace', '-f', ...calls, '-o', trace], args, options);
  };

interface DirectCall {
  readonly address: number;
  readonly bytes: number;
  readonly position: number;
}

/** What was read and written by descriptors that were opened past the page cache. */
async function directCalls(trace: string): Promise<DirectCall[]> {
  const found: DirectCall[] = [];
  const direct = new Set<number>();
  /** Threads in the middle of such an opening. */
  const opening = new Set<string>();
  for (const line of (await readFile(trace, 'utf8')).split('\n')) {
    const [, thread = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (/^openat\(.*\bO_DIRECT\b/.test(call)) opening.add(thread);
    const opened = /^(?:openat|<\.\.\. openat resumed).* = (-?\d+)/.exec(call);
    if (opened && opening.delete(thread)) direct.add(Number(opened[1]));
    const closed = /^close\((\w+)/.exec(call);
    if (closed) direct.delete(Number(closed[1]));
    const [, fd, ...numbers] = /^p(?:read|write)64\((\w+), (\w+), (\w+), (\w+)/.exec(call) ?? [];
    if (!direct.has(Number(fd))) continue;
    const [address = 0, bytes = 0, position = 0] = numbers.map(Number);
    found.push({ address, bytes, position });
  }
  return found;
}

describe.runIf(place !== undefined)('--direct (NOT TESTED where no file system takes O_DIRECT)', () => {
  it('brings files of all sizes as they are, and again what differs under --checksum', async () => {
    for (const size of sizes) await writeFile(join(tree, String(size)), randomBytes(size));
    const { sent, received } = await transfer();
    await expectSame();
    expect([...notesOf(sent), ...notesOf(received)]).toEqual([]);
    const handle = await open(join(tree, String(5 * MiB + 13)), 'r+');
    await handle.write(randomBytes(100), 0, 100, 3 * MiB + 5);
    await handle.close();
    const again = await transfer({ send: ['--direct', '--checksum'] });
    await expectSame();
    expect(sentOf(again.sent)).toBeLessThan(3 * MiB);
    expect(sentOf(again.sent)).toBeGreaterThan(0);
  }, 60_000);

  it('keeps the holes of sparse files', async () => {
    const path = join(tree, 'sparse');
    const handle = await open(path, 'w');
    await handle.truncate(64 * MiB + 5);
    for (const at of [3, 20, 21]) await handle.write(randomBytes(MiB + 77), 0, MiB + 77, at * MiB + page);
    await handle.close();
    await transfer();
    await expectSame();
    const [here, there] = [await stat(path), await stat(join(out, 'tree/sparse'))];
    expect(there.size).toBe(here.size);
    expect(there.blocks).toBeLessThan(2 * here.blocks);
  }, 60_000);

  it.runIf(canTrace)(
    'goes by O_DIRECT, from and to whole pages (NOT TESTED without strace)',
    async () => {
      const size = 5 * MiB + 13;
      await writeFile(join(tree, 'file'), randomBytes(size));
      const [sender, receiver] = [join(out, '../send'), join(out, '../recv')];
      await transfer({ startSend: rawTraced(sender), startRecv: rawTraced(receiver) });
      await expectSame();
      for (const trace of [sender, receiver]) {
        const calls = await directCalls(trace);
        for (const { address, bytes, position } of calls)
          expect([address % 512, bytes % page, position % page]).toEqual([0, 0, 0]);
        // All but the last 13 bytes; the first page is also read to learn whether it can be.
        const content = calls.filter(({ bytes }) => bytes > page);
        expect(content.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(5 * MiB);
      }
    },
    60_000,
  );

  it.each([
    ['the sender is', false],
    ['both are', true],
  ])(
    'goes on where %s killed in the middle',
    async (_, both) => {
      const start: Start = (args, options) => runXfer([...args, '--direct'], options);
      bed = await ResumeBed.open({ startReceiver: start, bytesPerSecond: 60 * MiB });
      const flags = ['--direct'];
      const first = await bed.send({ flags });
      await bed.proxy.passed(40 * MiB);
      await first.kill();
      if (both) {
        await bed.recv.kill();
        await bed.receiveAgain();
      }
      const again = await (await bed.send({ flags })).ended;
      expect(again).toMatchObject({ status: 0, timedOut: false });
      expect(sentOf(again)).toBeLessThan(bed.size);
      await bed.expectWhole();
    },
    60_000,
  );
});

describe('--direct without the addon', () => {
  it('goes through the page cache, and says so once on either side', async () => {
    for (const name of ['a', 'b']) await writeFile(join(tree, name), randomBytes(MiB + 5));
    const { sent, received } = await transfer({ env: { XFER_NATIVE: 'off' } });
    await expectSame();
    for (const side of [sent, received])
      expect(notesOf(side)).toEqual([expect.stringMatching(/^files go through the page cache/)]);
  }, 60_000);

  it('says nothing where all files are small', async () => {
    await writeFile(join(tree, 'a'), randomBytes(100_000));
    const { sent, received } = await transfer({ env: { XFER_NATIVE: 'off' } });
    await expectSame();
    expect([...notesOf(sent), ...notesOf(received)]).toEqual([]);
  }, 60_000);
});
