import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { scanDefaults } from '../config/index.js';
import { fileError, XferError } from '../errors/index.js';
import type { FilterLine, PathFilter } from '../transfer/path-filter.js';
import { printable } from '../transfer/printable.js';
import type { FilterRule } from './options.js';

/**
 * What the rules together leave out; undefined where there are none. Rejects with an XferError: ERR_XFER_USAGE for
 * what is no pattern, and what is wrong with a file of patterns.
 */
export async function readFilter(
  rules: readonly FilterRule[],
  signal: AbortSignal,
): Promise<PathFilter | undefined> {
  if (rules.length === 0) return undefined;
  if (rules.filter(({ kind, value }) => kind === 'exclude-from' && value === '-').length > 1)
    throw new XferError('ERR_XFER_USAGE', 'patterns can be read from stdin only once');
  const lines: FilterLine[] = [];
  for (const rule of rules) {
    if (rule.kind === 'exclude-from')
      for (const line of await readLines(rule.value, signal)) lines.push(line);
    else lines.push(flagLine(rule.kind, rule.value));
  }
  const { pathFilter } = await import('../transfer/path-filter.js');
  return pathFilter(lines);
}

/** What a file may hold and means nothing there is a mistake in a flag. */
function flagLine(kind: 'exclude' | 'include', value: string): FilterLine {
  const from = `--${kind}`;
  if (value.trim() === '') throw new XferError('ERR_XFER_USAGE', `${from}: the pattern is empty`);
  if (value.startsWith('#'))
    throw new XferError('ERR_XFER_USAGE', `${from}: ${printable(value)} is a comment`, {
      remedy: 'write \\# for a name that begins with #',
    });
  if (kind === 'include' && value.startsWith('!'))
    throw new XferError('ERR_XFER_USAGE', `${from}: ${printable(value)} says the opposite of itself`, {
      remedy: 'write \\! for a name that begins with !, or --exclude for what is not to be sent',
    });
  return { from, pattern: kind === 'include' ? `!${value}` : value };
}

async function readLines(file: string, signal: AbortSignal): Promise<FilterLine[]> {
  const name = file === '-' ? 'stdin' : printable(file);
  const bytes = await readBounded(file === '-' ? process.stdin : createReadStream(file), name, signal);
  if (!isUtf8(bytes)) throw new XferError('ERR_XFER_USAGE', `${name}: the patterns are not UTF-8`);
  const text = bytes.toString().replace(/^\uFEFF/, '');
  const lines: FilterLine[] = [];
  for (const [at, pattern] of text.split(/\r?\n/).entries())
    if (pattern !== '') lines.push({ pattern, from: `${name}:${String(at + 1)}` });
  return lines;
}

async function readBounded(source: Readable, name: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of addAbortSignal(signal, source) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > scanDefaults.maxFilterBytes)
        throw new XferError('ERR_XFER_USAGE', `${name}: a file of patterns has 1 MiB at most`);
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw cause instanceof XferError ? cause : fileError(cause, `cannot read the patterns of ${name}`);
  }
  return Buffer.concat(chunks);
}
