import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const here = fileURLToPath(new URL('../..', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'xfer-results-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function tables(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${here}test/bench/tables.mjs`, ...args], {
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

it('the tables of the documentation are those of the results', () => {
  expect(tables('--check')).toEqual({ status: 0, text: '' });
});

describe('tables of results', () => {
  const page = join(root, 'README.md');
  const about = {
    machine: '2 × CPU',
    kernel: 'Linux',
    node: 'v20',
    commit: 'abc',
    load: 'load 0.1 before',
    date: 'today',
  };
  const spread = (median: number) => ({ median, min: median * 0.9, max: median * 1.1, runs: 3 });
  const results = {
    datagrams: [
      {
        name: 'udp-batch',
        title: 'datagrams',
        part: '4 | 1',
        unit: 'k/s',
        ours: spread(4168),
        ratio: 5.2,
        goal: { atLeast: 1 },
      },
    ],
    pool: [
      {
        name: 'pool',
        title: 'to one peer',
        part: '1000 sends, 1 connection',
        unit: 'ms2',
        ours: spread(0.8),
        ratio: 0.8,
        goal: { atMost: 1 },
      },
      { name: 'pool', title: 'to one peer', part: 'more', skipped: 'no <room>' },
    ],
    relays: [{ name: 'relay-memory', title: 'held', part: 'piped', unit: 'MB', ours: spread(7.5) }],
  };

  beforeAll(() => {
    mkdirSync(join(root, 'docs/results'), { recursive: true });
    for (const [name, rows] of Object.entries(results))
      writeFileSync(
        join(root, `docs/results/${name}.json`),
        JSON.stringify({ ...about, size: 1, notes: ['a note'], rows }),
      );
    for (const name of ['bench', 'tcp', 'stream-layer'])
      copyFileSync(`${here}fixtures/bench/report.json`, join(root, `docs/results/${name}.json`));
  });

  const block = (name: string, content = ''): string => `<!-- results: ${name} -->\n${content}<!-- end -->\n`;
  const hand = '\n<!-- by hand, from before -->\n\n7 GB/s\n\n';

  it('stand between their markers, and nothing else is touched', () => {
    writeFileSync(
      page,
      `# before\n\n${['datagrams', 'pool', 'bench', 'seeds', 'links'].map((name) => block(name, 'old\n')).join('\n')}\n${block('transfer', hand)}after\n`,
    );
    expect(tables('--root', root, '--check').status).toBe(1);
    expect(tables('--root', root).status).toBe(0);
    const text = readFileSync(page, 'utf8');
    expect(text).toMatch(/^# before\n\n<!--[^]*<!-- end -->\nafter\n$/);
    expect(text).toMatch(/datagrams, 4 \\\| 1 +\| 4168 k\/s \(3751–4585, 3 runs\) .*\| ≥ 1 +\| met/);
    expect(text).toContain(
      '2 × CPU · Linux · Node v20 · commit abc · today · load 0.1 before; `npm run results -- datagrams`',
    );
    expect(text).toContain('skipped: no &lt;room>');
    expect(text).toMatch(/file, 1 GiB +\| tcp +\| yes +\| 748 MB\/s/);
    expect(text).toContain('Not measured yet: `npm run results -- links`.');
    expect(text).toContain(block('transfer', hand));
    expect(tables('--root', root, '--check')).toEqual({ status: 0, text: '' });
    writeFileSync(page, text.replace('4168', '9168'));
    expect(tables('--root', root, '--check')).toEqual({
      status: 1,
      text: 'README.md: datagrams is stale: node test/bench/tables.mjs\n',
    });
  });

  it('set every figure of the others beside ours, with how much better ours is', () => {
    writeFileSync(page, block('seeds'));
    expect(tables('--root', root).status).toBe(0);
    const lines = readFileSync(page, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.includes('×'));
    const betters = lines.map((line) => Number(/([\d.]+) × +\|/.exec(line)?.[1]));
    expect(betters).toHaveLength(6);
    expect(betters[2]).toBeCloseTo(4_168_000 / 879_154, 1);
    expect(betters[3]).toBeCloseTo((256 * 1024) / 2.5e6, 1);
    expect(betters[4]).toBeCloseTo(1 / 0.8, 1);
    expect(lines[1]).toMatch(/61\.3 µs.*1\.73 ×/);
  });

  it('are not made of what is no result, or has no name', () => {
    writeFileSync(page, block('nobody'));
    expect(tables('--root', root)).toMatchObject({
      status: 2,
      text: expect.stringContaining('no table nobody') as string,
    });
    writeFileSync(join(root, 'docs/results/pool.json'), '{"schema":"xfer-bench","version":1,"rows":[]}');
    expect(tables('--root', root)).toMatchObject({
      status: 2,
      text: expect.stringContaining('version 1, not 2') as string,
    });
  });
});
