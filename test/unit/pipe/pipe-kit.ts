import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import type {
  Block,
  Channel,
  ChannelRequest,
  IncomingChannel,
  PipeReader,
  PipeSession,
  PipeSessionOptions,
  PipeWriter,
} from '../../../src/pipe/channel.js';
import { pipeSession } from '../../../src/pipe/pipe-session.js';
import type { Session } from '../../../src/session/session.js';
import { meet } from '../session/lanes-kit.js';

export const MiB = 1024 * 1024;

/** Channels that came, in order. */
export class Arrivals {
  readonly #there: IncomingChannel[] = [];
  readonly #wanted: ((channel: IncomingChannel) => void)[] = [];

  readonly handle = (channel: IncomingChannel): void => {
    const wanted = this.#wanted.shift();
    if (wanted) wanted(channel);
    else this.#there.push(channel);
  };

  next(): Promise<IncomingChannel> {
    const there = this.#there.shift();
    return there ? Promise.resolve(there) : new Promise((resolve) => this.#wanted.push(resolve));
  }
}

type Options = Partial<Omit<PipeSessionOptions, 'session' | 'role' | 'onChannel'>>;

/** Both ends of a session that takes channels. */
export function pipesOver(near: Session, far: Session, options: Options = {}) {
  const arrivals = new Arrivals();
  const common = { native: nativeApi(), compress: 'off' as const, ...options };
  const dialer = pipeSession({ ...common, session: near, role: 'dialer' });
  const listener = pipeSession({ ...common, session: far, role: 'listener', onChannel: arrivals.handle });
  const over = new XferError('ERR_XFER_INTERRUPTED', 'the test is over');
  onTestFinished(() => {
    for (const side of [dialer, listener]) side.abort(over);
  });
  return { dialer, listener, arrivals };
}

/** The same, over a session that lanes may join, and that outlives them. */
export async function meetPipes(options: Options = {}) {
  const met = await meet({ rejoinMs: 60_000 });
  return { ...met, sessions: met, ...pipesOver(met.dialer.session, met.listener.session, options) };
}

/** A channel, and what it is at the other side. */
export async function openChannel(
  { dialer, arrivals }: { dialer: PipeSession; arrivals: Arrivals },
  request: ChannelRequest = { up: 'bytes' },
): Promise<{ readonly near: Channel; readonly far: Channel }> {
  const near = dialer.open(request);
  const far = (await arrivals.next()).accept(request.down ? 'bytes' : undefined);
  return { near, far };
}

export const writerOf = ({ writer }: Channel): PipeWriter => writer ?? fail('it has no writer');
export const readerOf = ({ reader }: Channel): PipeReader => reader ?? fail('it has no reader');

function fail(words: string): never {
  throw new Error(words);
}

/** Counts the blocks that are out. */
export class Blocks {
  out = 0;

  of(bytes: Uint8Array): Block {
    this.out++;
    let isOut = true;
    return {
      bytes,
      release: () => {
        if (!isOut) throw new Error('a block was released twice');
        isOut = false;
        this.out--;
      },
    };
  }

  text(text: string): Block {
    return this.of(Buffer.from(text));
  }
}

/** Bytes that no two places share, in pieces of random sizes. */
export class Generator {
  readonly digest = createHash('sha256');
  written = 0;
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A number below `most`. */
  below(most: number): number {
    // xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % most;
  }

  next(bytes: number): Buffer {
    const piece = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; at += 64) piece.writeUInt8(this.below(256), at);
    this.digest.update(piece);
    this.written += bytes;
    return piece;
  }
}

/** Writes so much in pieces, as there is room, and finishes. */
export async function writeAll(
  writer: PipeWriter,
  generator: Generator,
  bytes: number,
  blocks = new Blocks(),
): Promise<string> {
  while (generator.written < bytes) {
    const size = generator.below(4) === 0 ? MiB : 1 + generator.below(80_000);
    if (!writer.write(blocks.of(generator.next(Math.min(size, bytes - generator.written)))))
      await writer.drained();
  }
  writer.finish();
  return generator.digest.digest('hex');
}

/** Reads to the end, says that it is delivered, and gives the digest. */
export async function readAll(
  reader: PipeReader,
  onBlock: () => Promise<void> | undefined = () => undefined,
): Promise<{ readonly digest: string; readonly bytes: number }> {
  const digest = createHash('sha256');
  let bytes = 0;
  for (let block = await reader.read(); block; block = await reader.read()) {
    digest.update(block.bytes);
    bytes += block.bytes.length;
    block.release();
    await onBlock();
  }
  reader.delivered();
  return { digest: digest.digest('hex'), bytes };
}

export async function readText(reader: PipeReader): Promise<string> {
  let text = '';
  for (let block = await reader.read(); block; block = await reader.read()) {
    text += Buffer.from(block.bytes).toString();
    block.release();
  }
  return text;
}
