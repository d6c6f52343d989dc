import { benchDefaults } from '../config/index.js';
import { asXferError, isXferError, XferError } from '../errors/index.js';
import {
  OpenRefused,
  openErrorCode,
  resetCode,
  type Connection,
  type Stream,
} from '../transport/contract.js';
import { BenchMemory } from './memory.js';
import { encodeBenchHeader } from './message.js';
import type { RunResult } from './contract.js';
import type { BenchPattern, BenchWork } from './work.js';
import { unlessAborted } from '../app/unless-aborted.js';

/** Patterns of messages on one stream. */
export type BarePattern = Extract<BenchPattern, 'latency' | 'memory'>;

export function isBarePattern(pattern: BenchPattern): pattern is BarePattern {
  return pattern === 'latency' || pattern === 'memory';
}

/** What is run on a stream. */
export type BareWork = Pick<BenchWork, 'bytes' | 'limit' | 'isBothWays'>;

/** A run that is under way on its stream. */
export interface BenchRun {
  readonly stream: Stream;
  readonly memory: BenchMemory;
  /** As `Stream.send`; what it is given stays as it is. */
  send(message: Uint8Array): boolean;
  finish(result: RunResult): void;
  fail(error: XferError): void;
}

/**
 * Opens a stream of the bench `id` for messages of that size and has `work` run on it. Rejects where the other end is no bench, is at a
 * limit, goes away or falls silent, and with the signal's reason. The stream is over when it settles.
 */
export async function benchRun(
  connection: Connection,
  id: Uint8Array,
  messageBytes: number,
  signal: AbortSignal,
  work: (run: BenchRun) => void,
): Promise<RunResult> {
  const stream = connection.openStream({ header: encodeBenchHeader(id, messageBytes) });
  const memory = new BenchMemory(connection);
  const result = new Promise<RunResult>((finish, fail) => {
    void opened(connection, stream).then(() => {
      const send = (message: Uint8Array): boolean => stream.send(message);
      stream.onReset((code, _detail, isConnectionOver) => {
        if (isConnectionOver) void lost(connection).then(fail);
        else fail(new XferError('ERR_XFER_CONNECTION_LOST', `the other end ended the run (code ${code})`));
      });
      work({ stream, memory, send, finish, fail });
    }, fail);
  });
  // It may fail when nobody waits for it any more.
  result.catch(() => undefined);
  const silence = silenceOf(connection);
  try {
    const done = await unlessAborted(signal, Promise.race([result, silence.found]));
    stream.closeWrite();
    await unlessAborted(signal, Promise.race([stream.closed, silence.found]));
    return done;
  } finally {
    silence.end();
    stream.reset(resetCode.cancelled);
    memory.release();
  }
}

async function opened(connection: Connection, stream: Stream): Promise<void> {
  try {
    await stream.opened;
  } catch (error) {
    throw await whyNotOpened(connection, error);
  }
}

/** What `Stream.opened` rejected with, as people are told. */
export async function whyNotOpened(connection: Connection, error: unknown): Promise<XferError> {
  // A connection that has ended refuses streams by itself.
  if (await Promise.race([connection.closed, Promise.resolve(undefined)])) return lost(connection);
  if (!(error instanceof OpenRefused)) return asXferError(error);
  const told = connection.explain?.(error.detail, false);
  if (told) return asXferError(told);
  if (error.openCode === openErrorCode.resourceLimit)
    return new XferError('ERR_XFER_LIMIT', 'the other end is busy with another bench');
  return new XferError('ERR_XFER_REFUSED', 'what listens there is no bench', {
    remedy: 'start xfer bench --serve there',
  });
}

/** Why a connection that is over has ended, as far as it says. */
async function lost(connection: Connection): Promise<XferError> {
  const { error } = await connection.closed;
  if (isXferError(error)) return error;
  const message = error?.message ?? 'the other end is gone';
  return new XferError('ERR_XFER_CONNECTION_LOST', message, { cause: error });
}

/** Rejects when nothing has moved on the connection for too long. */
export function silenceOf(connection: Connection): { readonly found: Promise<never>; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const moved = (): number => {
    const { bytesSent, bytesReceived } = connection.stats();
    return bytesSent + bytesReceived;
  };
  const found = new Promise<never>((_resolve, reject) => {
    let before = moved();
    timer = setInterval(() => {
      const now = moved();
      if (now === before) reject(new XferError('ERR_XFER_TIMEOUT', 'the other end has fallen silent'));
      before = now;
    }, benchDefaults.silenceMs);
  });
  found.catch(() => undefined);
  return { found, end: () => clearInterval(timer) };
}
