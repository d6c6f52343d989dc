import { pipeDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { Block, Framing, PipeWriter } from '../pipe/channel.js';
import { drain, type DrainInput } from '../pipe/drain.js';
import type { PipeSink, PipeSource } from '../pipe/endpoint.js';
import { feed } from '../pipe/feed.js';
import { memoryChannel } from '../pipe/memory-channel.js';
import type { PipeMeter } from './pipe-meter.js';
import type { PipeOptions } from './pipe-options.js';

/** Where content comes from: a place of this machine, or another one's. */
export type PipeOut =
  { readonly kind: 'local'; readonly source: PipeSource } | ({ readonly kind: 'remote' } & DrainInput);

/** Where content goes. That of another machine is opened when it is known how the content is cut, unless it is already. */
export type PipeIn =
  | { readonly kind: 'local'; readonly sink: PipeSink }
  | { readonly kind: 'remote'; readonly isOpen: boolean; open(framing: Framing): PipeWriter };

export interface CarryOptions extends Pick<
  PipeOptions,
  'framing' | 'slow' | 'balance' | 'noDelay' | 'windowBytes'
> {
  /** Aborting it ends all of it. */
  readonly signal: AbortSignal;
  /** Aborts when nobody of another machine sends any more: as for `drain`. */
  readonly gone?: AbortSignal;
  readonly meter: PipeMeter;
  /** A number of the meter has changed. */
  onProgress(): void;
  /** Of several places that it goes to, or comes from, one failed or was dropped. By its place among them. */
  onDropped?(index: number, error: XferError): void;
}

/**
 * Carries all content from where it comes from to where it goes: from one to any number, or from any number to a place of
 * this machine. Resolves when all has gone where it goes; rejects with the XferError that ended it.
 */
export async function carry(
  outs: readonly PipeOut[],
  ins: readonly PipeIn[],
  options: CarryOptions,
): Promise<void> {
  const [out, ...otherOuts] = outs;
  const [into, ...otherIns] = ins;
  if (out && into) {
    if (otherIns.length === 0 && into.kind === 'local') return drainAll(outs, into.sink, options);
    if (otherOuts.length === 0 && out.kind === 'local') return feedAll(out.source, ins, options);
    if (otherOuts.length === 0 && otherIns.length === 0 && out.kind === 'remote' && into.kind === 'remote')
      return splice(out, into, options);
  }
  throw new XferError('ERR_XFER_USAGE', 'several places are gathered on this machine, or are fed from it', {
    remedy: 'name stdin or an endpoint as the one place on the other side of several',
  });
}

/** How what a source gives is cut on its way here: messages are frames, and so is what messages are made of. */
function framingOf(source: PipeSource, sinks: readonly PipeSink[], framing?: Framing): Framing {
  if (source.kind === 'messages') return 'len32';
  return framing ?? (sinks.some(({ kind }) => kind === 'messages') ? 'len32' : 'bytes');
}

/** How what a source gives is cut for another machine, which is told. Throws ERR_XFER_USAGE for messages that are to have no ends. */
export function sentFraming(source: PipeSource, framing?: Framing): Framing {
  if (source.kind === 'bytes') return framing ?? 'bytes';
  if (framing === 'bytes')
    throw new XferError('ERR_XFER_USAGE', 'messages have ends, and --frame bytes has none', {
      remedy: 'leave out --frame here, and give --frame bytes on the side that writes them',
    });
  return framing ?? 'len32';
}

/** Both ways of a pipe: the first that fails ends the other. */
export async function carryBoth(
  ways: readonly (readonly [PipeOut, PipeIn])[],
  options: CarryOptions,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  await together(
    ways.map(([out, into]) =>
      carry([out], [into], { ...options, signal }).catch((thrown: unknown) => {
        const error = asXferError(thrown);
        failed.abort(error);
        throw error;
      }),
    ),
  );
}

async function feedAll(source: PipeSource, ins: readonly PipeIn[], options: CarryOptions): Promise<void> {
  const sinks = ins.flatMap((into) => (into.kind === 'local' ? [into.sink] : []));
  const isSent = source.kind === 'messages' && sinks.length < ins.length;
  const framing = isSent ? sentFraming(source, options.framing) : framingOf(source, sinks, options.framing);
  const drains: Promise<void>[] = [];
  const writers = ins.map((into) => {
    if (into.kind === 'remote') return into.open(framing);
    const { writer, reader } = memoryChannel(options.windowBytes ?? pipeDefaults.windowBytes);
    drains.push(drain([{ reader, framing, isHere: true }], into.sink, drainOptions(options)));
    return writer;
  });
  // Of several one may fail, which shows in its writer.
  for (const one of drains) one.catch(() => undefined);
  const way = options.meter.begin(true, writers, options.balance !== true);
  try {
    await feed(source, writers, {
      ...{ framing, signal: options.signal },
      ...(options.slow === undefined ? {} : { slow: options.slow }),
      ...(options.balance === undefined ? {} : { balance: options.balance }),
      ...(options.noDelay ? { coalesceMs: 0 } : {}),
      onDropped: (index, error) => options.onDropped?.(index, error),
      onProgress: (bytes) => {
        way.movedBytes = bytes;
        options.onProgress();
      },
    });
  } finally {
    await Promise.allSettled(drains);
    options.meter.end(way);
  }
}

async function drainAll(outs: readonly PipeOut[], sink: PipeSink, options: CarryOptions): Promise<void> {
  const feeds: Promise<void>[] = [];
  const inputs = outs.map((out): DrainInput => {
    if (out.kind === 'remote') return out;
    const framing = framingOf(out.source, [sink], options.framing);
    const { writer, reader } = memoryChannel(options.windowBytes ?? pipeDefaults.windowBytes);
    const coalesceMs = options.noDelay ? { coalesceMs: 0 } : {};
    feeds.push(feed(out.source, [writer], { framing, signal: options.signal, ...coalesceMs }));
    return { reader, framing, isHere: true };
  });
  const way = options.meter.begin(
    false,
    inputs.map(({ reader }) => reader),
  );
  try {
    await together([
      drain(inputs, sink, {
        ...drainOptions(options),
        onDropped: (index, error) => options.onDropped?.(index, error),
        onProgress: (bytes) => {
          way.movedBytes = bytes;
          options.onProgress();
        },
      }),
      ...feeds,
    ]);
  } finally {
    options.meter.end(way);
  }
}

/** From one other machine to another: each block goes on as it is, and is kept until that one has it. */
async function splice(
  out: Extract<PipeOut, { kind: 'remote' }>,
  into: Extract<PipeIn, { kind: 'remote' }>,
  options: CarryOptions,
): Promise<void> {
  const { reader } = out;
  const { signal, meter } = options;
  const way = meter.begin(false, [reader]);
  let writer: PipeWriter | undefined;
  let giveUp: ((error: XferError) => void) | undefined;
  const state = { hasFailed: false };
  const fail = (thrown: unknown) => {
    const error = asXferError(thrown);
    state.hasFailed = true;
    reader.stop(error);
    writer?.reset(error);
    giveUp?.(error);
  };
  const next = () =>
    new Promise<Block | undefined>((resolve, reject) => {
      giveUp = reject;
      if (signal.aborted) return reject(asXferError(signal.reason));
      reader.read().then(resolve, reject);
    });
  const leave = () => fail(signal.reason);
  const open = (): PipeWriter => {
    if (writer) return writer;
    writer = into.open(out.framing);
    writer.done.catch(fail);
    return writer;
  };
  signal.addEventListener('abort', leave, { once: true });
  try {
    // Whoever is there may leave before anything has come.
    if (into.isOpen) open();
    // How it is cut is known with its first content.
    let block = await next();
    const { done } = open();
    for (; block; block = await next()) {
      way.movedBytes += block.bytes.length;
      options.onProgress();
      if (!open().write(block)) await open().drained();
    }
    open().finish();
    await done;
    reader.delivered();
  } catch (error) {
    // Who sends has failed: what came before that goes on.
    if (!state.hasFailed) writer?.finish(asXferError(error));
    await writer?.done.catch(() => undefined);
    fail(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', leave);
    meter.end(way);
  }
}

const drainOptions = ({ framing, signal, gone }: CarryOptions) => ({
  ...(framing === undefined ? {} : { framing }),
  ...(gone === undefined ? {} : { gone }),
  signal,
});

/** Rejects with the first failure, but not before all have settled. */
async function together(works: readonly Promise<void>[]): Promise<void> {
  try {
    await Promise.all(works);
  } finally {
    await Promise.allSettled(works);
  }
}
