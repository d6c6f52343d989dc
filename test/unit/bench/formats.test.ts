import { describe, expect, it } from 'vitest';
import { compareWithBaseline } from '../../../src/bench/baseline.js';
import { formatReport } from '../../../src/bench/formats/format.js';
import { benchFormats } from '../../../src/bench/formats/names.js';
import { reportOf, rowOf, wholeReport } from '../../support/bench-report.js';

/** What a peer, a path or a machine could bring: all that one of the formats has a meaning for, and what a terminal has. */
const hostile = '=<b a="1">|`&amp;,\'\n\u001b[31m\u202e\ufffe*_[x](y)';
const hostileReport = () =>
  reportOf([rowOf([1e9], { contestant: hostile, how: hostile })], {
    machine: hostile,
    skipped: [{ name: hostile, code: 'ERR_XFER_NOT_FOUND', reason: hostile, remedy: hostile }],
    verdict: { bottleneck: 'unknown', findings: [hostile], advice: [hostile] },
  });

describe.each(benchFormats)('%s', (format) => {
  it('has nothing in it that a terminal would act on', () => {
    expect(formatReport(format, hostileReport())).not.toMatch(
      /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u202e]/,
    );
  });

  it('of a report without rows is whole, too', () => {
    expect(formatReport(format, reportOf([]))).toMatch(/\n$/);
  });
});

describe('github-action-benchmark', () => {
  it('has a value for each row, more is better', () => {
    const entries = JSON.parse(formatReport('github-action-benchmark', wholeReport())) as unknown[];
    expect(entries).toHaveLength(4);
    expect(entries[0]).toEqual({
      ...{ name: 'file, 1GiB: tcp', unit: 'MB/s', value: 750, range: '± 4.0 %' },
      extra:
        '750 MB/s, median of 3 runs, xfer, sealed\nxfer send\nxfer 0.1.0 (f286746), Node v20.19.0, Linux 6.1.0, 2 × Some Processor, 8 GiB',
    });
    expect(entries[3]).toMatchObject({ name: 'latency, 64B: rdma, native', unit: 'messages/s' });
    expect(entries[3]).toHaveProperty('value', expect.closeTo(1.1e6 / 64, 3));
  });
});

describe('junit', () => {
  it('has a suite for each work, a regression as a failure, and what was skipped', () => {
    const [first, ...others] = wholeReport().rows;
    if (!first) throw new RangeError('no row');
    const slow = { ...wholeReport(), rows: [rowOf([4e8, 4e8, 4e8]), ...others] };
    const gone = rowOf([1e9], { contestant: 'udp' });
    const baseline = { ...wholeReport(), rows: [first, gone, ...others] };
    const xml = formatReport('junit', slow, compareWithBaseline(slow, baseline, 0.1));
    expect(xml).toContain(
      '<testsuites name="xfer bench" tests="6" failures="1" errors="0" skipped="2" time="',
    );
    expect(
      [...xml.matchAll(/<testsuite name="([^"]*)" tests="(\d)" failures="(\d)"/g)].map((found) =>
        found.slice(1),
      ),
    ).toEqual([
      ['file, 1GiB', '3', '1'],
      ['latency, 64B', '1', '0'],
      ['skipped', '2', '0'],
    ]);
    expect(xml).toMatch(
      /<failure type="ERR_XFER_REGRESSION" message="tcp \(file, 1GiB\): 400 MB\/s, was 750 MB\/s: 47 % slower/,
    );
    expect(xml).toContain(
      '<skipped message="rsync is not on PATH (ERR_XFER_NOT_FOUND); try: install rsync"/>',
    );
    expect(xml).toMatch(
      /name="file, 1GiB: udp"[^]*?<skipped message="in the baseline, and not measured now"/,
    );
  });

  it('keeps text out of its elements', () => {
    const xml = formatReport('junit', hostileReport());
    expect(xml).toContain(
      'name="=&lt;b a=&quot;1&quot;&gt;|`&amp;amp;,&apos;\\u{a}\\u{1b}[31m\\u{202e}\ufffd*_[x](y)"',
    );
    // Elements open and close as they should, and nothing else looks like one.
    const open: string[] = [];
    for (const [, closes, name, isEmpty] of xml.matchAll(/<(\/?)([\w-]+)(?: [\w]+="[^"<]*")*(\/?)>/g))
      if (closes) expect(open.pop()).toBe(name);
      else if (!isEmpty) open.push(name ?? '');
    expect(open).toEqual([]);
    expect(xml.replaceAll(/<\?xml[^>]*>|<\/?[\w-]+(?: \w+="[^"<]*")*\/?>/g, '')).not.toMatch(/[<>]/);
  });
});

describe('csv', () => {
  /** By RFC 4180. */
  const parsed = (text: string) =>
    [...text.matchAll(/((?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,|\r\n))/g)].reduce<string[][]>(
      (lines, [found]) => {
        const field = found.replace(/(,|\r\n)$/, '');
        lines.at(-1)?.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
        if (found.endsWith('\r\n')) lines.push([]);
        return lines;
      },
      [[]],
    );

  it('has a line for each run, of as many fields as the first', () => {
    const [head = [], ...lines] = parsed(formatReport('csv', wholeReport())).slice(0, -1);
    expect(lines).toHaveLength(12);
    for (const line of lines) expect(line).toHaveLength(head.length);
    const field = (line: number, name: string) => lines[line]?.[head.indexOf(name)];
    expect([field(1, 'contestant'), field(1, 'round'), field(1, 'bytesPerSecond')]).toEqual([
      'tcp',
      '2',
      '750000000',
    ]);
    expect([field(0, 'cpuSeconds'), field(0, 'cpuByProcess')]).toEqual(['2', 'sender=0.9;receiver=1.1']);
    expect([field(9, 'contestant'), field(9, 'latencyMedianUs')]).toEqual(['rdma, native', '64']);
  });

  it('is text where a spreadsheet would calculate', () => {
    const [head = [], line = []] = parsed(formatReport('csv', hostileReport()));
    expect(line[head.indexOf('contestant')]).toBe(
      `'=<b a="1">|\`&amp;,'\\u{a}\\u{1b}[31m\\u{202e}\ufffe*_[x](y)`,
    );
  });
});

describe('markdown', () => {
  it('has a table for each work', () => {
    const said = formatReport('markdown', wholeReport());
    expect(said).toContain('### file, 1GiB\n\n| by        | content | median');
    expect(said).toMatch(
      /\| tcp +\| sealed +\| 750 MB\/s +\| 700 MB\/s – 760 MB\/s +\| 3 +\| sender 0\.90, receiver 1\.10 +\| 1\.31 × scp \(1\.20–1\.42\) +\|/,
    );
    expect(said).toMatch(/\| rdma, native +\| plain +\| 58\.2 us +\| 53\.3 us – 64\.0 us +\|/);
    expect(said).toContain('### To try\n\n- `xfer bench --lanes 2`\n');
    const cells = said.split('\n').filter((line) => line.startsWith('|'));
    for (const line of cells) expect(line).toMatch(/^\|.*\|$/);
  });

  it('has what a baseline tells, and regressions first in bold', () => {
    const report = reportOf([rowOf([4e8, 4e8, 4e8, 4e8])]);
    const baseline = reportOf([rowOf([8e8, 8e8, 8e8, 8e8])]);
    const said = formatReport('markdown', report, compareWithBaseline(report, baseline, 0.1));
    expect(said).toContain(
      '1 of 1 rows lost more than 10 %.\n\n- **regression** tcp (file, 1GiB): 400 MB/s, was 800 MB/s: 50 % slower',
    );
  });

  it('leaves no text from outside its meaning', () => {
    const said = formatReport('markdown', hostileReport());
    expect(said).toContain(
      '| =&lt;b a="1"\\>\\|\\`\\&amp;,\'\\\\u{a}\\\\u{1b}\\[31m\\\\u{202e}\ufffe\\*\\_\\[x\\](y)',
    );
    expect(said.replaceAll(/``.*``/g, '')).not.toContain('<b');
  });
});
