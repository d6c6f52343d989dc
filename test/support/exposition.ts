/** Prometheus's text format, version 0.0.4, read strictly: what is wrong throws, with the line. */
export function parseExposition(text: string): Exposition {
  const exposition = new Exposition();
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  for (const line of text.slice(0, -1).split('\n')) if (line !== '') exposition.take(line);
  exposition.check();
  return exposition;
}

interface Family {
  readonly name: string;
  readonly type: string;
  readonly samples: Map<string, number>;
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const sampleShape = new RegExp(`^(${name})(?:\\{(${label}(?:,${label})*)?\\})? (\\S+)$`);
const valueShape = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf|-Inf|NaN)$/i;
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

export class Exposition {
  readonly families = new Map<string, Family>();
  #help: string | undefined;
  #current: Family | undefined;

  /** The value of one series, as in `xfer_bytes_total{direction="sent"}`; throws where there is none. */
  value(series: string): number {
    for (const { samples } of this.families.values()) {
      const value = samples.get(series);
      if (value !== undefined) return value;
    }
    throw new Error(`no series ${series}`);
  }

  /** All series of a family. */
  series(family: string): ReadonlyMap<string, number> {
    return this.families.get(family)?.samples ?? new Map<string, number>();
  }

  take(line: string): void {
    const [, keyword, of = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (this.families.has(of)) throw new Error(`a family told of twice: ${line}`);
      this.#help = of;
    } else if (keyword === 'TYPE') {
      if (this.#help !== of || !types.includes(rest) || this.families.has(of))
        throw new Error(`a type without its help: ${line}`);
      if (rest === 'counter' && !of.endsWith('_total'))
        throw new Error(`a counter that is no total: ${line}`);
      this.#current = { name: of, type: rest, samples: new Map() };
      this.families.set(of, this.#current);
    } else this.#sample(line);
  }

  check(): void {
    for (const family of this.families.values()) if (family.type === 'histogram') checkHistogram(family);
  }

  #sample(line: string): void {
    const [, of = '', labels, value = ''] = sampleShape.exec(line) ?? [];
    const family = this.#current;
    const isOurs =
      family &&
      (of === family.name || (family.type === 'histogram' && suffixes.has(of.slice(family.name.length))));
    if (!isOurs || !of.startsWith(family.name)) throw new Error(`a sample that belongs nowhere: ${line}`);
    if (!valueShape.test(value)) throw new Error(`no number: ${line}`);
    const series = labels === undefined ? of : `${of}{${labels}}`;
    if (family.samples.has(series)) throw new Error(`a series told of twice: ${line}`);
    const number = Number(value.replace('+Inf', 'Infinity').replace('-Inf', '-Infinity'));
    if (family.type === 'counter' && number < 0) throw new Error(`a counter below 0: ${line}`);
    family.samples.set(series, number);
  }
}

const suffixes = new Set(['_bucket', '_sum', '_count']);

/** Without other labels: buckets rise, and the last is the count. */
function checkHistogram({ name: of, samples }: Family): void {
  const buckets = [...samples].flatMap(([series, value]) => {
    const [, limit] = /_bucket\{le="([^"]+)"\}$/.exec(series) ?? [];
    return limit === undefined ? [] : [{ limit: limit === '+Inf' ? Infinity : Number(limit), value }];
  });
  if ([...samples.keys()].some((series) => series.includes(',')) || buckets.length === 0) return;
  for (const [at, { limit, value }] of buckets.entries()) {
    const before = buckets[at - 1];
    if (before && (before.limit >= limit || before.value > value))
      throw new Error(`buckets of ${of} that do not rise`);
  }
  const last = buckets.at(-1);
  if (last?.limit !== Infinity || last.value !== samples.get(`${of}_count`))
    throw new Error(`the buckets of ${of} are not its count`);
}
