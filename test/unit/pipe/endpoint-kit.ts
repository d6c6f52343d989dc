import type { Readable } from 'node:stream';
import type {
  ByteSink,
  ByteSource,
  Endpoint,
  EndpointOptions,
  EndpointUse,
} from '../../../src/pipe/endpoint.js';

export const optionsFor = (
  use: EndpointUse,
  onNote: (message: string) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): EndpointOptions => ({ use, signal, onNote });

export function sinkOf(endpoint: Endpoint): ByteSink {
  if (endpoint.sink?.kind !== 'bytes') throw new Error('no sink of bytes');
  return endpoint.sink;
}

export function sourceOf(endpoint: Endpoint): ByteSource {
  if (endpoint.source?.kind !== 'bytes') throw new Error('no source of bytes');
  return endpoint.source;
}

/** All up to the end, as text; the memory offered is so large. */
export async function readAll(endpoint: Endpoint, intoBytes = 65_536): Promise<string> {
  const into = Buffer.alloc(intoBytes);
  let all = '';
  for (;;) {
    const count = await sourceOf(endpoint).read(into);
    if (count === 0) return all;
    all += into.toString('latin1', 0, count);
  }
}

/** Writes over and over until it is refused; bounded. */
export async function writeUntilRefused(endpoint: Endpoint): Promise<never> {
  const piece = Buffer.alloc(256 * 1024, 'x');
  for (let i = 0; i < 1000; i++) await sinkOf(endpoint).write(piece);
  throw new Error('all 250 MiB were taken');
}

/** All up to the end; the stream is not closed by it. */
export function textOf(stream: Readable): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    stream.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    stream.once('end', () => resolve(text));
    stream.once('error', reject);
  });
}
