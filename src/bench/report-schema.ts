import * as v from 'valibot';
import { XferError } from '../errors/index.js';
import type { BenchReport } from './report.js';
import { benchPatterns } from './work.js';

/** What a report may have at most: it is read whole. */
export const maxReportBytes = 64 * 2 ** 20;
const maxRows = 10_000;
const maxList = 1000;
const maxText = 4096;

const text = v.pipe(
  v.string('must be a text'),
  v.maxLength(maxText, `must have ${maxText} characters at most`),
);
const amount = v.pipe(v.number('must be a number'), v.minValue(0, 'must not be below 0'));
const count = v.pipe(
  amount,
  v.integer('must be a whole number'),
  v.maxValue(2 ** 53 - 1, 'must be below 2^53'),
);
const isTrue = v.boolean('must be true or false');
const pattern = v.picklist(benchPatterns, `must be one of ${benchPatterns.join(', ')}`);
const orNull = <Schema extends v.GenericSchema>(schema: Schema) => v.nullable(schema);
const maybe = <Schema extends v.GenericSchema>(schema: Schema) => v.exactOptional(schema);

function list<Item extends v.GenericSchema>(item: Item, most = maxList) {
  return v.pipe(v.array(item, 'must be a list'), v.maxLength(most, `must have ${most} at most`));
}

const processTime = v.object({ process: text, seconds: amount });

const sample = {
  iterations: count,
  totalBytes: count,
  seconds: amount,
  bytesPerSecond: amount,
  usPerTransfer: amount,
  transfersPerSecond: amount,
  latency: maybe(
    v.object({ minUs: amount, medianUs: amount, p99Us: amount, averageUs: amount, maxUs: amount }),
  ),
  insideSeconds: maybe(amount),
  cpu: maybe(list(processTime)),
  path: maybe(
    v.object({
      lanes: maybe(count),
      rttMs: maybe(amount),
      lossShare: maybe(amount),
      bottleneck: maybe(text),
    }),
  ),
};

const row = v.object({
  id: text,
  pattern,
  bytes: count,
  count,
  isBothWays: isTrue,
  contestant: text,
  kind: v.picklist(['xfer', 'baseline', 'peer', 'reference'], 'must be xfer, baseline, peer or reference'),
  transport: maybe(text),
  loops: maybe(v.picklist(['javascript', 'native'], 'must be javascript or native')),
  provider: maybe(text),
  isSealed: isTrue,
  how: maybe(text),
  ...sample,
  spread: v.object({ min: amount, max: amount }),
  cpuSecondsPerGiB: maybe(list(processTime)),
  besides: maybe(list(v.object({ contestant: text, ratio: amount, min: amount, max: amount }))),
  samples: v.pipe(list(v.object(sample)), v.minLength(1, 'must not be empty')),
});

const linkWay = {
  bitsPerSecond: maybe(amount),
  delayMs: amount,
  lossShare: amount,
  queueBytes: maybe(amount),
};

const link = v.object({
  name: orNull(text),
  ...linkWay,
  back: maybe(v.object(linkWay)),
  seed: v.number('must be a number'),
});

const limit = v.union(
  [v.strictObject({ iterations: count }), v.strictObject({ timeMs: amount })],
  'must have iterations or timeMs',
);

const parameters = v.object({
  works: list(v.object({ pattern, bytes: count, count, limit })),
  repeats: count,
  target: orNull(text),
  transports: list(text),
  peers: list(text),
  hops: count,
  lanes: orNull(count),
  recordBytes: orNull(count),
  congestion: orNull(text),
  mtuBytes: orNull(count),
  provider: orNull(text),
  isSealed: isTrue,
  isBothWays: isTrue,
  link: orNull(link),
});

const verdict = v.object({
  bottleneck: v.picklist(['processor', 'network', 'disk', 'window', 'loss', 'latency', 'unknown']),
  share: maybe(amount),
  findings: list(text),
  advice: list(text),
});

/** The report of `xfer bench --json`, version 2; docs/bench.md has every field, a test holds it to this. Fields beside them are ignored. */
export const benchReportSchema = v.object({
  schema: v.literal('xfer-bench'),
  version: v.literal(2),
  machine: text,
  cores: count,
  kernel: text,
  node: text,
  xfer: text,
  commit: orNull(text),
  date: text,
  parameters,
  rows: list(row, maxRows),
  skipped: list(v.object({ name: text, code: text, reason: text, remedy: text })),
  verdict,
});

/**
 * The report in a file: alone, or all that `xfer bench --json` wrote, of which it is one line. Throws ERR_XFER_USAGE that names
 * what is wrong with it.
 */
export function parseBenchReport(content: string, path: string): BenchReport {
  const found = reportIn(content);
  if (!found) throw wrong(path, 'no report of xfer bench', 'make one: xfer bench --json > FILE');
  const { version } = found;
  if (version !== 2)
    throw wrong(
      path,
      `a report of version ${version === undefined ? 'none' : JSON.stringify(version)}, and this xfer reads version 2`,
      'make it anew with this xfer: xfer bench --json > FILE',
    );
  const result = v.safeParse(benchReportSchema, found);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const isMissing = issue.received === 'undefined';
  throw wrong(
    path,
    `${v.getDotPath(issue) ?? 'the report'}: ${isMissing ? 'is missing' : issue.message}`,
    'make it anew: xfer bench --json > FILE; docs/bench.md has every field',
  );
}

type Marked = Readonly<Record<string, unknown>> & { readonly schema: 'xfer-bench' };

/** The last one. */
function reportIn(content: string): Marked | undefined {
  const whole = markedIn(content);
  if (whole) return whole;
  for (const line of content.split('\n').reverse()) {
    const found = line.includes('xfer-bench') ? markedIn(line) : undefined;
    if (found) return found;
  }
  return undefined;
}

function markedIn(json: string): Marked | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isMarked(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMarked(value: unknown): value is Marked {
  return typeof value === 'object' && value !== null && 'schema' in value && value.schema === 'xfer-bench';
}

function wrong(path: string, what: string, remedy: string): XferError {
  return new XferError('ERR_XFER_USAGE', `${path}: ${what}`, { remedy });
}
