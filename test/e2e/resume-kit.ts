import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect } from 'vitest';
import { startReceiver, type ReceiverOptions } from '../support/receiver.js';
import {
  runXfer,
  temporaryDirectory,
  type Ended,
  type RunOptions,
  type XferRun,
} from '../support/run-xfer.js';
import { SlowProxy } from '../support/slow-proxy.js';

export const MiB = 2 ** 20;
export const windowBytes = 24 * MiB;

export interface BedOptions {
  readonly bytes?: number;
  /** Default: `file` is one. Else it is a directory with so many in directories of a hundred. */
  readonly files?: number;
  /** Of the link from the sender to the receiver. */
  readonly bytesPerSecond?: number;
  readonly startReceiver?: ReceiverOptions['start'];
  /** Of each process. */
  readonly timeoutMs?: number;
}

/**
 * A file to be sent, a directory to receive it, a slow link between the two, and both sides' homes: they are the same
 * in every run.
 */
export class ResumeBed {
  readonly size: number;
  readonly bytesPerSecond: number;
  readonly file: string;
  readonly out: string;
  readonly proxy: SlowProxy;
  readonly timeoutMs: number;
  readonly homes: { readonly sender: string; readonly receiver: string };
  recv: XferRun;
  code: string;
  readonly #start: ReceiverOptions['start'];

  static async open(options: BedOptions = {}): Promise<ResumeBed> {
    const { bytes = 64 * MiB, bytesPerSecond = 40 * MiB, timeoutMs = 55_000 } = options;
    const work = await temporaryDirectory();
    const [file, out] = [join(work, 'file'), join(work, 'out')];
    if (options.files === undefined) await writeRandom(file, bytes);
    else await writeTree(file, bytes, options.files);
    const homes = { sender: await temporaryDirectory(), receiver: await temporaryDirectory() };
    const start = options.startReceiver;
    const receiver = await receive(out, homes.receiver, timeoutMs, start);
    const proxy = await SlowProxy.open(receiver.address, bytesPerSecond);
    return new ResumeBed(
      { size: bytes, bytesPerSecond, file, out, homes, proxy, timeoutMs },
      receiver,
      start,
    );
  }

  private constructor(
    bed: Pick<ResumeBed, 'size' | 'bytesPerSecond' | 'file' | 'out' | 'homes' | 'proxy' | 'timeoutMs'>,
    receiver: Awaited<ReturnType<typeof startReceiver>>,
    start: ReceiverOptions['start'],
  ) {
    this.size = bed.size;
    this.bytesPerSecond = bed.bytesPerSecond;
    this.file = bed.file;
    this.out = bed.out;
    this.homes = bed.homes;
    this.proxy = bed.proxy;
    this.timeoutMs = bed.timeoutMs;
    this.recv = receiver.recv;
    this.code = receiver.code;
    this.#start = start;
  }

  /** The command of the sender; `code`: the one that the receiver made first, unless another is given. */
  send(options: { code?: string | undefined; flags?: readonly string[]; home?: string; start?: Start } = {}) {
    const { flags = [], home = this.homes.sender, start = runXfer } = options;
    const code = 'code' in options ? options.code : this.code;
    return start(['send', this.file, this.proxy.address, '--json', ...flags], {
      home,
      env: { XFER_CODE: code },
      timeoutMs: this.timeoutMs,
    });
  }

  /** Starts the receiver again, on another port; its new code, which the sender is not told. */
  async receiveAgain(start = this.#start): Promise<string> {
    const receiver = await receive(this.out, this.homes.receiver, this.timeoutMs, start);
    this.recv = receiver.recv;
    this.proxy.target = receiver.address;
    return receiver.code;
  }

  /** What a run has sent at most where it was to send `missing` bytes: that, what was under way, and what is journalled late. */
  mostSent(missing: number): number {
    return missing + windowBytes + 0.2 * this.bytesPerSecond;
  }

  /** Nothing but the file, as it is. */
  async expectWhole(): Promise<void> {
    expect(await readdir(this.out)).toEqual(['file']);
    const [there, here] = [join(this.out, 'file'), this.file];
    if ((await stat(here)).isFile()) return expect(await isSame(there, here)).toBe(true);
    expect(await hashesOf(there)).toEqual(await hashesOf(here));
  }

  /** The names of what lies in the directory until all is done. */
  async leftOver(): Promise<{ part: string; journal: string }> {
    const names = await readdir(this.out);
    const [part, journal] = ['.part', '.journal'].map((suffix) =>
      names.find((name) => name.endsWith(suffix)),
    );
    return { part: join(this.out, part ?? 'none'), journal: join(this.out, journal ?? 'none') };
  }
}

export type Start = (args: readonly string[], options: RunOptions) => Promise<XferRun>;

/** What a run has handed to the network. */
export function sentOf({ events }: Pick<Ended, 'events'>): number {
  return Math.max(0, ...events.map((event) => (event.event === 'progress' ? event.sent : 0)));
}

export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return hash.digest('hex');
}

/** Whether both files hold the same, whatever their size. */
async function isSame(one: string, other: string): Promise<boolean> {
  const handles = await Promise.all([one, other].map((path) => open(path)));
  try {
    for (;;) {
      const blocks = await Promise.all(
        handles.map(async (handle) => {
          const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(16 * MiB));
          return buffer.subarray(0, bytesRead);
        }),
      );
      const [a, b] = blocks as [Buffer, Buffer];
      if (!a.equals(b)) return false;
      if (a.length === 0) return true;
    }
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

/** Hashes of all files below a directory, by path. */
async function hashesOf(directory: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) hashes.set(relative(directory, path), await hashOf(path));
  }
  return new Map([...hashes].sort());
}

async function writeTree(path: string, bytes: number, files: number): Promise<void> {
  for (let n = 0; n < files; n++) {
    const directory = join(path, `${Math.floor(n / 100)}`);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, `${n}`), randomBytes(Math.floor(bytes / files)));
  }
}

async function writeRandom(path: string, bytes: number): Promise<void> {
  const handle = await open(path, 'w');
  // A cipher's stream, which costs a fraction of what as much from the system's generator does.
  const stream = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(16 * MiB);
  for (let at = 0; at < bytes; at += zeros.length)
    await handle.write(stream.update(zeros.subarray(0, Math.min(zeros.length, bytes - at))));
  await handle.close();
}

const receive = (out: string, home: string, timeoutMs: number, start: ReceiverOptions['start']) =>
  startReceiver(out, { home, flags: [], timeoutMs, ...(start ? { start } : {}) });
