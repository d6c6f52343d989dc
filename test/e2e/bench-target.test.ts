import { randomInt } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { tcp } from '@xfer/mux';
import { udp } from '@xfer/udp';
import { BareEnd, reachEnd } from '../../src/bench/bare-end.js';
import {
  isContestant,
  type BenchSetup,
  type Contestant,
  type ContestantSource,
  type RunResult,
} from '../../src/bench/contract.js';
import { FarChild } from '../../src/bench/far-child.js';
import { Kept } from '../../src/bench/kept.js';
import { LineStream } from '../../src/bench/line-stream.js';
import { xferProcesses } from '../../src/bench/processes.js';
import type { BenchReport, BenchSkipped } from '../../src/bench/report.js';
import { serveBench } from '../../src/bench/serve.js';
import { encodeTransfersHeader } from '../../src/bench/transfers-message.js';
import type { BenchWork } from '../../src/bench/work.js';
import { XferError } from '../../src/errors/index.js';
import type { Connection, Stream } from '../../src/transport/contract.js';
import { TransportRegistry } from '../../src/transport/registry.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

const MiB = 2 ** 20;
const file: BenchWork = {
  ...{ pattern: 'file', bytes: 4 * MiB, count: 1, limit: { iterations: 1 }, isBothWays: false },
};
const transports = new TransportRegistry();
for (const each of [tcp(), udp()]) transports.add(each, 'test');

interface Served {
  readonly target: string;
  /** What is written lies in there. */
  readonly files: string;
  end(): Promise<void>;
}

async function serve({ takesFiles = true, schemes = ['tcp'] } = {}): Promise<Served> {
  const [files, ending] = [await temporaryDirectory(), new AbortController()];
  // Several share one number.
  const port = schemes.length > 1 ? randomInt(20_000, 25_000) : 0;
  let handleListening: (address: string) => void = () => undefined;
  const told = new Promise<string>((resolve) => (handleListening = resolve));
  const serving = serveBench({
    ...{ transports, signal: ending.signal },
    listen: schemes.map((scheme) => `${scheme}://127.0.0.1:${port}`),
    ...(takesFiles ? { files: { directory: files } } : {}),
    onEvent: (event) => {
      if (event.event === 'listening') handleListening(event.addresses[0] ?? '');
    },
  });
  const address = await Promise.race([told, serving]);
  return {
    target: schemes.length > 1 ? address.replace('tcp://', '') : address,
    files,
    end: async () => {
      ending.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over'));
      await serving.catch(() => undefined);
    },
  };
}

const sourceDirectory = temporaryDirectory();
let served: Served;
let kept: Kept;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.end());
beforeEach(() => {
  kept = new Kept();
});
afterEach(() => kept.close());

async function setupFor(work: BenchWork, more: Partial<BenchSetup> = {}): Promise<BenchSetup> {
  return {
    ...{ work, transports, use: ['tcp'], tuning: {}, hops: 0, isSealed: true, peers: [], countsCpu: false },
    place: { farHost: '127.0.0.1', near: [], far: [], isHere: true },
    ...{ directory: await sourceDirectory, kept, signal: new AbortController().signal },
    target: served.target,
    ...more,
  };
}

async function found(setup: BenchSetup, source: ContestantSource = xferProcesses) {
  const all: (Contestant | BenchSkipped)[] = [];
  for await (const one of source(setup)) all.push(one);
  return all;
}

async function contestantOf(setup: BenchSetup, name = 'tcp'): Promise<Contestant> {
  const all = await found(setup);
  const one = all.find((each) => each.name === name);
  if (!one || !isContestant(one)) throw new Error(JSON.stringify(all));
  return one;
}

const runOf = async (setup: BenchSetup): Promise<RunResult> =>
  (await contestantOf(setup)).run(() => undefined);

const expectNothingLeft = async (): Promise<void> => expect(await readdir(served.files)).toEqual([]);

describe('with a target the other end has whole transfers run, too', () => {
  it('a file, whose processes say what they used, again and again', async () => {
    const one = await contestantOf(await setupFor(file, { countsCpu: true }));
    for (let time = 0; time < 2; time++) {
      const result = await one.run(() => undefined);
      expect(result).toMatchObject({ iterations: 1, totalBytes: 4 * MiB, path: { lanes: 1 } });
      expect(result.insideSeconds).toBeLessThan(result.seconds);
      expect(result.cpu?.map(({ process }) => process)).toEqual(['sender', 'receiver']);
      for (const { seconds } of result.cpu ?? []) expect(seconds).toBeGreaterThan(0);
      await expectNothingLeft();
    }
  }, 60_000);

  it('a directory of small files', async () => {
    const result = await runOf(await setupFor({ ...file, pattern: 'small-files', bytes: 1000, count: 150 }));
    expect(result).toMatchObject({ iterations: 150, totalBytes: 150_000 });
    await expectNothingLeft();
  }, 60_000);

  it('a pipe, both ways, whole', async () => {
    const setup = await setupFor({ ...file, pattern: 'pipe', isBothWays: true });
    expect(await runOf(setup)).toMatchObject({ iterations: 1, totalBytes: 8 * MiB });
    await expectNothingLeft();
  }, 60_000);

  it('a pipe for a time, which ends although its content would not', async () => {
    const setup = await setupFor({
      ...{ ...file, pattern: 'pipe', isBothWays: true },
      ...{ bytes: 2 ** 36, limit: { timeMs: 50 } },
    });
    const { totalBytes } = await runOf(setup);
    expect(totalBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeLessThan(2 ** 36);
  }, 60_000);

  it('unsealed and in small records, where that was asked for', async () => {
    // Rejects where the sender has not told that it went so.
    const setup = await setupFor(file, { isSealed: false, recordBytes: 64 * 1024 });
    expect(await runOf(setup)).toMatchObject({ totalBytes: 4 * MiB });
  }, 60_000);

  it('over several transports, the choice among which is left to xfer', async () => {
    const both = await serve({ schemes: ['tcp', 'udp'] });
    try {
      const setup = await setupFor(file, { use: ['tcp', 'udp'], target: both.target });
      expect((await found(setup)).map(({ name }) => name)).toEqual(['tcp', 'udp', 'auto']);
      for (const name of ['udp', 'auto'])
        expect(await (await contestantOf(setup, name)).run(() => undefined)).toMatchObject({
          totalBytes: 4 * MiB,
        });
    } finally {
      await both.end();
    }
  }, 60_000);

  it.each([
    ['ERR_XFER_TAMPERED', '4194304 bytes in 1 files, 00'],
    ['ERR_XFER_TRUNCATED', '4194303 bytes in 1 files, 00'],
  ])('and ends with %s where not all is there as it was sent', async (code, digest) => {
    const told = vi.spyOn(FarChild.prototype, 'digest').mockResolvedValue(digest);
    try {
      await expect(runOf(await setupFor(file))).rejects.toMatchObject({ code });
    } finally {
      told.mockRestore();
    }
  });
});

it('nothing is left there of a run that is ended', async () => {
  const ending = new AbortController();
  const setup = await setupFor({ ...file, bytes: 512 * MiB }, { signal: ending.signal });
  const reason = new XferError('ERR_XFER_INTERRUPTED', 'enough');
  const running = (await contestantOf(setup)).run(() => ending.abort(reason));
  await expect(running).rejects.toBe(reason);
  await vi.waitFor(expectNothingLeft, 10_000);
}, 60_000);

it('an end that takes no files says so, and what else was asked for is measured', async () => {
  const other = await serve({ takesFiles: false });
  try {
    const args = ['--pattern', 'file,latency', '--time', '20ms', '--repeat', '1', '--json'];
    const { status, stdout } = await (await runXfer(['bench', other.target, ...args])).ended;
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BenchReport;
    expect([status, report.rows.map(({ pattern }) => pattern)]).toEqual([0, ['latency']]);
    const remedy = 'start xfer bench --serve --files DIRECTORY there';
    expect(report.skipped).toEqual([
      { name: 'tcp', code: 'ERR_XFER_REFUSED', reason: 'the other end takes no files', remedy },
    ]);
  } finally {
    await other.end();
  }
}, 60_000);

it.each([
  [['--serve', 'tcp://127.0.0.1:0', '--files', '/nowhere/at/all'], 6, 'ERR_XFER_NOT_FOUND'],
  [['--files', '/tmp'], 2, 'ERR_XFER_USAGE'],
  [['tcp://127.0.0.1:1', '--pattern', 'file', '--bidir'], 2, 'ERR_XFER_USAGE'],
])('bench %j exits with %i', async (args, exit, code) => {
  const { status, stdout } = await (await runXfer(['bench', ...args, '--json'])).ended;
  expect([status, JSON.parse(stdout.trim().split('\n').at(-1) ?? '')]).toMatchObject([exit, { code }]);
});

describe('whoever asks for a transfer without being a bench', () => {
  let connection: Connection;
  beforeEach(async () => {
    const way = { transport: 'tcp', scheme: 'tcp', address: served.target };
    const end = await reachEnd(way, await setupFor(file));
    if (!(end instanceof BareEnd)) throw new Error(end.skipped.reason);
    connection = await end.take();
  });
  afterEach(() => connection.abort(new Error('the test is over')));

  const open = async (): Promise<Stream> => {
    const stream = connection.openStream({ header: encodeTransfersHeader(new Uint8Array(16)) });
    await stream.opened;
    return stream;
  };
  const limits = { maxBytes: 64 * 1024, maxLines: 64 };
  const request = { pattern: 'file', bytes: 100, schemes: ['tcp'], code: '7-some-words', countsCpu: false };

  it.each<[string, readonly unknown[], string]>([
    [
      'something else',
      [{ ask: 'start', request: { ...request, words: ['--overwrite'] } }],
      'ERR_XFER_PROTOCOL',
    ],
    ['another pattern', [{ ask: 'start', request: { ...request, pattern: 'latency' } }], 'ERR_XFER_PROTOCOL'],
    ['no transport', [{ ask: 'start', request: { ...request, schemes: ['--to'] } }], 'ERR_XFER_PROTOCOL'],
    [
      'one that is not there',
      [{ ask: 'start', request: { ...request, schemes: ['gopher'] } }],
      'ERR_XFER_NO_TRANSPORT',
    ],
    [
      'more than there is room for',
      [{ ask: 'start', request: { ...request, bytes: 2 ** 36 } }],
      'ERR_XFER_LIMIT',
    ],
    [
      'two at once',
      [
        { ask: 'start', request },
        { ask: 'start', request },
      ],
      'ERR_XFER_PROTOCOL',
    ],
    ['what has not arrived', [{ ask: 'digest', check: 'content' }], 'ERR_XFER_PROTOCOL'],
    [
      'what was not sent',
      [
        { ask: 'start', request },
        { ask: 'digest', check: 'content', sentBytes: 1 },
      ],
      'ERR_XFER_PROTOCOL',
    ],
    ['nothing', ['what?'], 'ERR_XFER_PROTOCOL'],
    ['too much at once', ['x'.repeat(300_000)], 'ERR_XFER_PROTOCOL'],
  ])('and asks for %s is told so, and nothing is left', async (_, asked, code) => {
    const stream = await open();
    const lines = new LineStream(stream, limits);
    for (const one of asked)
      stream.send(Buffer.from(`${typeof one === 'string' ? one : JSON.stringify(one)}\n`));
    const answers: object[] = [];
    for (let line = await lines.next(); line; line = await lines.next()) answers.push(line);
    expect(answers.at(-1)).toMatchObject({ answer: 'failed', code });
    await vi.waitFor(expectNothingLeft, 5_000);
  });

  it('and goes away without a word leaves nothing', async () => {
    const stream = await open();
    const lines = new LineStream(stream, limits);
    lines.send({ ask: 'start', request });
    expect(await lines.next()).toMatchObject({ answer: 'event', event: { event: 'listening' } });
    expect((await readdir(served.files)).length).toBe(1);
    connection.abort(new Error('gone'));
    await vi.waitFor(expectNothingLeft, 10_000);
  });

  /** What the receiver that was asked for makes of this; how the sender ended. */
  async function sendTo(lines: LineStream, path: string): Promise<number | null> {
    lines.send({ ask: 'start', request });
    const told = (await lines.next()) as { event: { addresses: readonly string[] } };
    const args = ['send', path, told.event.addresses[0] ?? ''];
    return (await (await runXfer(args, { env: { XFER_CODE: request.code } })).ended).status;
  }

  it('and sends other than he said is refused', async () => {
    const stream = await open();
    const lines = new LineStream(stream, limits);
    // A file, and the directory around it.
    const path = join(await temporaryDirectory(), 'tree');
    await mkdir(path);
    await writeFile(join(path, 'file'), 'x');
    expect(await sendTo(lines, path)).not.toBe(0);
    const answers: { readonly answer?: string }[] = [];
    while (answers.at(-1)?.answer !== 'failed') answers.push((await lines.next()) ?? { answer: 'failed' });
    stream.closeWrite();
    // No word of where that is, nor of what went wrong.
    expect(JSON.stringify(answers)).not.toMatch(/xfer-bench-|entries/);
    expect(answers.at(-1)).toMatchObject({ answer: 'failed', code: 'ERR_XFER_LIMIT' });
    await vi.waitFor(expectNothingLeft, 5_000);
  });

  it('and sends more than he said is refused', async () => {
    const path = join(await temporaryDirectory(), 'large');
    await writeFile(path, Buffer.alloc(101));
    expect(await sendTo(new LineStream(await open(), limits), path)).toBe(4);
  });
});

it('a directory that somebody else uses stays as it is', async () => {
  const mine = join(served.files, 'mine');
  await mkdir(mine);
  await runOf(await setupFor({ ...file, bytes: 1000 }));
  expect(await readdir(served.files)).toEqual(['mine']);
  await rm(mine, { recursive: true });
});
