import { benchDefaults } from '../../config/index.js';
import type { BenchSetup } from '../contract.js';
import { sourceFile, sourceTree } from '../source-data.js';
import type { PipedContent } from './flow.js';

/** What a work carries one way. */
export interface WorkContent {
  /** A file, or a tree of small ones. */
  readonly source: string;
  /** All of it; of a pipe that ends by its time, what it may be at most. */
  readonly bytes: number;
  readonly files: number;
  readonly piped?: PipedContent;
}

/** One word of a command line is not endless: what is told to the other end of ssh is one, of at most 128 KiB on Linux. */
const mostWordBytes = 64 * 1024;

/** Other contestants carry the same, made once. */
export async function workContent({ work, directory, signal }: BenchSetup): Promise<WorkContent> {
  const { pattern, bytes, count, limit } = work;
  if (pattern === 'small-files')
    return {
      source: await sourceTree(directory, bytes, count, signal),
      bytes: bytes * count,
      files: count,
    };
  const timeMs = pattern === 'pipe' && 'timeMs' in limit ? limit.timeMs : undefined;
  const sourceBytes = timeMs === undefined ? bytes : Math.min(bytes, benchDefaults.repeatedPipeBytes);
  const source = await sourceFile(directory, sourceBytes, signal);
  if (pattern !== 'pipe') return { source, bytes, files: 1 };
  const most = Math.floor(mostWordBytes / (source.length + 1));
  const repeats = Math.max(1, Math.min(most, Math.floor(bytes / sourceBytes)));
  const producer = ['cat', ...Array.from({ length: repeats }, () => source)];
  const piped = { producer, isKept: false, ...(timeMs === undefined ? {} : { timeMs }) };
  return { source, bytes: sourceBytes * repeats, files: 1, piped };
}

/** What goes through a pipe once before it is measured, to be compared byte for byte; of files undefined: those are kept. */
export function checkedContent({ work }: BenchSetup, content: WorkContent): WorkContent | undefined {
  if (!content.piped) return undefined;
  const bytes = Math.min(work.bytes, content.bytes, benchDefaults.checkedPipeBytes);
  return {
    ...{ source: content.source, bytes, files: 1 },
    piped: { producer: ['head', '-c', String(bytes), content.source], isKept: true },
  };
}
