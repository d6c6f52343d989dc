import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { htmlReport } from '../../../src/bench/html/page.js';
import { palette } from '../../../src/bench/html/palette.js';
import { logScale, zeroScale } from '../../../src/bench/html/scale.js';
import { parseLink } from '../../../src/bench/links.js';
import { repeatCommands } from '../../../src/bench/repeat-commands.js';
import type { BenchReport } from '../../../src/bench/report.js';
import { checkReportPath, writeReport } from '../../../src/bench/write-report.js';

const fixture = new URL('../../../fixtures/bench/report.json', import.meta.url);
const report = JSON.parse(readFileSync(fixture, 'utf8')) as BenchReport;
const page = htmlReport(report);
const directory = mkdtempSync(join(tmpdir(), 'xfer-report-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Whether every element of a page ends where it should. */
function unbalanced(text: string): string | undefined {
  const open: string[] = [];
  for (const [whole, close, name = '', selfClosing] of text.matchAll(
    /<(\/?)([a-z]\w*)(?:"[^"]*"|[^">])*?(\/?)>/gi,
  )) {
    if (selfClosing || name === 'meta') continue;
    if (!close) open.push(name);
    else if (open.pop() !== name) return whole;
  }
  return open.pop();
}

describe('a report as a page', () => {
  it('is whole, runs nothing, fetches nothing, and has the one style that its policy lets through', () => {
    expect(unbalanced(page)).toBeUndefined();
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|\bon\w+=|\bstyle=|https?:/i);
    const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page).toContain(`default-src 'none'; style-src 'sha256-${hash}'`);
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it('shows all of the report: every run as a dot, every figure in a table, and every chart in words', () => {
    const rates = report.rows
      .filter(({ pattern }) => pattern !== 'latency')
      .flatMap(({ samples }) => samples);
    const latencies = report.rows.flatMap(({ samples }) => samples).filter(({ latency }) => latency);
    expect(page.split('class="dot"')).toHaveLength(1 + rates.length + latencies.length);
    for (const { id } of report.rows) expect(page).toContain(`<th scope="row">${id}</th>`);
    for (const { reason } of report.skipped) expect(page).toContain(reason);
    for (const finding of report.verdict.findings) expect(page).toContain(finding);
    const charts = page.split('<svg class="chart').slice(1);
    expect(charts.length).toBeGreaterThan(20);
    for (const chart of charts)
      expect(chart).toMatch(
        /aria-labelledby="(\S+) (\S+)"[^>]*><title id="\1">[^<]+<\/title><desc id="\2">[^<]+</,
      );
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('takes everything that the report says for text', () => {
    const evil = `</title></style><script>alert("1" + '2')</script>\u202e\u0007&amp;`;
    const bad = (value: unknown): unknown => {
      if (typeof value === 'string') return value + evil;
      if (Array.isArray(value)) return value.map(bad);
      if (value === null || typeof value !== 'object') return value;
      const keep = new Set(['pattern', 'kind', 'bottleneck', 'schema', 'loops']);
      return Object.fromEntries(
        Object.entries(value).map(([key, own]) => [key, keep.has(key) ? own : bad(own)]),
      );
    };
    const few = { ...report, rows: report.rows.slice(0, 12) };
    const text = htmlReport({
      ...(bad(few) as BenchReport),
      verdict: { ...(bad(few.verdict) as BenchReport['verdict']), bottleneck: 'loss' },
    });
    expect(unbalanced(text)).toBeUndefined();
    expect(text).not.toMatch(/<script|[\u202e\u0007]/);
    expect(text).toContain('&lt;script&gt;alert(&quot;1&quot; + &#39;2&#39;)');
    // What an attribute holds does not end it.
    for (const [tag] of text.matchAll(/<(?:svg|div|time)\b[^]*?>/g))
      expect(tag.split('"').length % 2).toBe(1);
  });

  it('stands with nothing to show', () => {
    const empty = htmlReport({
      ...report,
      rows: [],
      verdict: { bottleneck: 'unknown', findings: [], advice: [] },
    });
    expect(unbalanced(empty)).toBeUndefined();
    const [row] = report.rows;
    const still = { ...row!, bytesPerSecond: 0, transfersPerSecond: 0, spread: { min: 0, max: 0 } };
    expect(htmlReport({ ...report, rows: [still] })).not.toMatch(/NaN|Infinity/);
  });
});

describe('axes', () => {
  it('begin at zero where lengths are compared, and have whole powers where factors are', () => {
    const scale = zeroScale(2.9e9);
    expect([0, 1.45e9, 2.9e9, 9e9].map((value) => scale.at(value))).toEqual([0, 0.5, 1, 1]);
    expect(scale.ticks).toEqual([0, 1e9, 2e9]);
    expect(zeroScale(0).at(0)).toBe(0);
    const log = logScale([12, 900], 10, 6);
    expect(log.ticks).toEqual([10, 100, 1000]);
    expect([10, 100, 1000, 0].map((value) => Number(log.at(value).toFixed(9)))).toEqual([0, 0.5, 1, 0]);
    expect(logScale([1000], 10, 6).ticks).toEqual([1000, 10_000]);
  });
});

describe('colours', () => {
  const channels = (colour: string): number[] =>
    [1, 3, 5].map((at) => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
  const dot = (one: readonly number[], other: readonly number[]): number =>
    one.reduce((sum, value, at) => sum + value * other[at]!, 0);
  const luminance = (colour: string): number => dot(channels(colour), [0.2126, 0.7152, 0.0722]);
  const contrast = (one: string, other: string): number => {
    const [least, most] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
    return (most + 0.05) / (least + 0.05);
  };
  /** Machado, Oliveira and Fernandes 2009, severity 1, on linear channels; the first is how most see. */
  const eyes = {
    all: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    'no red': [
      [0.152286, 1.052583, -0.204868],
      [0.114503, 0.786281, 0.099216],
      [-0.003882, -0.048116, 1.051998],
    ],
    'no green': [
      [0.367322, 0.860646, -0.227968],
      [0.280085, 0.672501, 0.047413],
      [-0.01182, 0.04294, 0.968881],
    ],
    'no blue': [
      [1.255528, -0.076749, -0.178779],
      [-0.078411, 0.930809, 0.147602],
      [0.004733, 0.691367, 0.3039],
    ],
  };
  /** OKLab, whose distances are those that eyes see. */
  const lab = (rgb: readonly number[]): number[] => {
    const cones = [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ];
    const roots = cones.map((row) => Math.cbrt(Math.max(0, dot(row, rgb))));
    return [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ].map((row) => dot(row, roots));
  };

  it.each(['light', 'dark'] as const)('are seen on a %s page', (kind) => {
    const { ground, panel, ink, faint, tones, ...drawn } = palette[kind];
    for (const text of [ink, faint])
      for (const under of [ground, panel]) expect(contrast(text, under)).toBeGreaterThanOrEqual(4.5);
    for (const colour of [drawn.xfer, drawn.baseline, drawn.peer, drawn.reference, ...tones])
      expect(contrast(colour, ground), colour).toBeGreaterThanOrEqual(3);
  });

  it.each(['light', 'dark'] as const)('are told apart on a %s page by those who lack a cone', (kind) => {
    const { xfer, baseline, peer, reference, tones } = palette[kind];
    const near: string[] = [];
    for (const [eye, matrix] of Object.entries(eyes))
      for (const group of [[xfer, baseline, peer, reference], tones])
        for (const [at, one] of group.entries())
          for (const other of group.slice(at + 1)) {
            const [a, b] = [one, other].map((colour) =>
              lab(matrix.map((row) => dot(row, channels(colour)))),
            ) as [number[], number[]];
            const distance = Math.hypot(...a.map((value, part) => value - b[part]!));
            if (distance < 0.06) near.push(`${one} ${other}, ${eye}: ${distance.toFixed(3)}`);
          }
    expect(near).toEqual([]);
  });
});

describe('the command line to run it again', () => {
  it('has each pattern with its sizes, and what a shell would take apart in quotes', () => {
    const parameters = {
      ...report.parameters,
      ...{ target: "a'b host", transports: ['tcp'], peers: [], provider: 'tcp;ofi_rxm', isSealed: false },
      recordBytes: 65_536,
      works: [
        { pattern: 'memory', bytes: 1000, count: 1, limit: { timeMs: 100 } },
        { pattern: 'memory', bytes: 65_536, count: 1, limit: { timeMs: 100 } },
        { pattern: 'small-files', bytes: 4096, count: 50, limit: { iterations: 1 } },
        { pattern: 'pipe', bytes: 2 ** 36, count: 1, limit: { timeMs: 100 } },
      ],
      link: { name: null, bitsPerSecond: 2e8, delayMs: 50, lossShare: 0.01, seed: 7 },
    } as const;
    const end = (record: string, seal: string) =>
      `--repeat 5${record} --mtu 1500 --provider 'tcp;ofi_rxm'${seal} --cpu --link 200mbit,50ms,1% --seed 7`;
    expect(repeatCommands({ parameters, rows: report.rows })).toEqual([
      `xfer bench 'a'\\''b host' --transport tcp --pattern memory --size 1000,64KiB --time 100ms ${end('', '')}`,
      `xfer bench 'a'\\''b host' --transport tcp --pattern small-files --size 4KiB --count 50 ${end(' --record 65536', ' --no-seal')}`,
      `xfer bench 'a'\\''b host' --transport tcp --pattern pipe --time 100ms ${end(' --record 65536', ' --no-seal')}`,
    ]);
  });

  it('has a link without a rate as --link reads it', () => {
    const link = parseLink('max,5ms,0.1%,1MiB', 3);
    const [line = ''] = repeatCommands({ parameters: { ...report.parameters, link }, rows: [] });
    const [, words = '', seed] = /--link (\S+) --seed (\d+)/.exec(line) ?? [];
    expect(parseLink(words, Number(seed))).toEqual(link);
  });
});

describe('the file of a report', () => {
  const code = (name: string): unknown => expect.objectContaining({ code: name });

  it('is whole, replaces the one before, behind a link too, and leaves nothing beside it', async () => {
    const own = join(directory, 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'r.html'), 'old');
    symlinkSync('r.html', join(own, 'link.html'));
    await writeReport(join(own, 'link.html'), report);
    expect(readFileSync(join(own, 'r.html'), 'utf8')).toBe(page);
    expect(readdirSync(own).sort()).toEqual(['link.html', 'r.html']);
  });

  it('is refused before the bench where it cannot be: a directory, a device, a name in nothing', async () => {
    writeFileSync(join(directory, 'plain'), '');
    await expect(checkReportPath(directory)).rejects.toEqual(code('ERR_XFER_IS_DIRECTORY'));
    await expect(checkReportPath('/dev/null')).rejects.toEqual(code('ERR_XFER_EXISTS'));
    await expect(checkReportPath(join(directory, 'none', 'r.html'))).rejects.toEqual(
      code('ERR_XFER_NOT_FOUND'),
    );
    await expect(checkReportPath(join(directory, 'plain', 'r.html'))).rejects.toEqual(
      code('ERR_XFER_NOT_DIRECTORY'),
    );
    await expect(checkReportPath('')).rejects.toEqual(code('ERR_XFER_USAGE'));
    await expect(checkReportPath(join(directory, 'new.html'))).resolves.toBeUndefined();
  });

  it.skipIf(process.getuid?.() === 0)('is refused where nobody may write', async () => {
    const locked = join(directory, 'locked');
    mkdirSync(locked, { mode: 0o500 });
    await expect(writeReport(join(locked, 'r.html'), report)).rejects.toEqual(code('ERR_XFER_PERMISSION'));
  });
});
