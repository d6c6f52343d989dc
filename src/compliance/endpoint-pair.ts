import type { ErrorCode } from '../errors/index.js';
import type {
  Endpoint,
  EndpointKind,
  EndpointOptions,
  Message,
  PipeSink,
  PipeSource,
} from '../pipe/endpoint.js';
import { pattern } from './pair.js';

/** Two endpoints, one at each end of what is outside: what `near`'s sink takes comes out of the far one's source. */
export interface EndpointPair {
  readonly near: Endpoint;
  /** Where `isLive` is false it is called behind `near.sink.end()` alone. The same one each time. */
  far(): Promise<Endpoint>;
}

/** What a kind of endpoints does by its nature. */
export interface EndpointTraits {
  /** Both ends are there at once. A file is not: it is read when it is whole. Default: true. */
  readonly isLive?: boolean;
  /** The end of one side's content shows on the other. Of PUSH and PULL it does not. Default: true. */
  readonly hasEnd?: boolean;
  /** `open('both')` gives endpoints with content both ways, each ending by itself. Default: false. */
  readonly isDuplex?: boolean;
  /** The far source's `stop` breaks the near sink. Default: `isLive`. */
  readonly tellsStop?: boolean;
  /** The near sink's `abort` makes the far source reject, with this. Default: it looks like an end, or like nothing. */
  readonly abortCode?: ErrorCode;
  /** Messages of several parts are kept. Default: true. */
  readonly isMultipart?: boolean;
  /** What may wait between the two while nobody reads, in bytes. Default: 32 MiB. */
  readonly mostHeldBytes?: number;
}

export interface EndpointComplianceSetup {
  readonly kind: EndpointKind;
  /** Opens two that belong together, with `kind.open` or `kind.listen`. `one-way`: content goes from near to far. */
  open(use: 'one-way' | 'both'): Promise<EndpointPair>;
  /** A URL that can be opened as a sink, by whoever asks. */
  readonly good: string;
  /** One whose open as a source waits until somebody comes, where there is such. */
  readonly waiting?: string;
  /** URLs of this scheme that are none. */
  readonly rubbish: readonly string[];
}

export const endpointOptions = (
  use: EndpointOptions['use'],
  signal: AbortSignal = new AbortController().signal,
): EndpointOptions => ({ use, signal, onNote: () => undefined });

/** Content in the units of an end: pieces of bytes, or messages. */
export interface Units {
  readonly pieces: readonly Message[];
  /** What must come out, as `take` gives it. */
  readonly whole: Buffer;
}

const pieceBytes = [1, 100, 65_536, 4_097, 300_000, 7];

/** About so much content, different for each seed. */
export function unitsFor(end: PipeSink | PipeSource, bytes: number, seed: number, isMultipart = true): Units {
  const pieces: Message[] = [];
  const content = pattern(bytes, seed);
  for (let at = 0, i = 0; at < bytes; i++) {
    const piece = content.subarray(at, (at += pieceBytes[i % pieceBytes.length] ?? 1));
    const isSplit = end.kind === 'messages' && isMultipart && i % 3 === 0;
    pieces.push(isSplit ? [piece.subarray(0, 1), new Uint8Array(0), piece.subarray(1)] : [piece]);
  }
  return { pieces, whole: end.kind === 'bytes' ? content : Buffer.concat(pieces.map(framed)) };
}

/** Writes all of it; does not end. Messages go in batches. */
export async function put(sink: PipeSink, { pieces }: Units): Promise<void> {
  if (sink.kind === 'bytes') for (const [piece] of pieces) await sink.write(piece ?? new Uint8Array(0));
  else for (let i = 0; i < pieces.length; i += 5) await sink.write(pieces.slice(i, i + 5));
}

/** Reads on until the end, or until there are so many bytes, as `Units.whole`. */
export async function take(source: PipeSource, mostBytes = Infinity): Promise<Buffer> {
  const got: Buffer[] = [];
  const into = Buffer.alloc(100_003);
  for (let have = 0; have < mostBytes;) {
    const piece = source.kind === 'bytes' ? await readBytes(source, into) : await readMessages(source);
    if (!piece) break;
    got.push(piece);
    have += piece.length;
  }
  return Buffer.concat(got);
}

async function readBytes(source: PipeSource & { kind: 'bytes' }, into: Buffer): Promise<Buffer | undefined> {
  const count = await source.read(into);
  return count === 0 ? undefined : Buffer.from(into.subarray(0, count));
}

async function readMessages(source: PipeSource & { kind: 'messages' }): Promise<Buffer | undefined> {
  const messages = await source.read(1024 * 1024);
  return messages && Buffer.concat(messages.map(framed));
}

/** Such that other messages look otherwise, however they are cut. */
const framed = (message: Message): Buffer =>
  Buffer.concat([
    Buffer.from(`${message.map(({ length }) => length).join('+')}:`),
    ...message.map((part) => Buffer.from(part)),
  ]);

export function sinkOf(endpoint: Endpoint): PipeSink {
  if (!endpoint.sink) throw new Error(`${endpoint.label} has no sink`);
  return endpoint.sink;
}

export function sourceOf(endpoint: Endpoint): PipeSource {
  if (!endpoint.source) throw new Error(`${endpoint.label} has no source`);
  return endpoint.source;
}
