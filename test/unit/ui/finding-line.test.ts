import { describe, expect, it } from 'vitest';
import { findingLine } from '../../../src/ui/finding-line.js';
import { tableStyle } from '../../../src/ui/table-style.js';

const finding = { subject: 'node', state: 'missing', detail: 'too old', remedy: 'take a newer one' } as const;
const plain = tableStyle({ json: false }, {}, {});
const programs = tableStyle({ json: true }, {}, {});
const margin = ' '.repeat(25);

describe('a finding', () => {
  it('is a row for people, in columns, and what to do below it', () => {
    expect(findingLine(finding, plain)).toBe(
      `missing  node            too old\n${margin}try: take a newer one`,
    );
    const { remedy: _, ...fine } = { ...finding, state: 'ok' } as const;
    expect(findingLine(fine, plain)).toBe('ok       node            too old');
    expect(findingLine({ ...finding, remedy: '' }, plain)).not.toContain('try');
  });

  it('is broken between words on a terminal, but never what is to be typed', () => {
    const terminal = tableStyle({ json: false }, { isTTY: true, columns: 50 }, { NO_COLOR: '1' });
    const long = {
      ...finding,
      detail: 'one two three four five six',
      remedy: 'sysctl -w net.core.rmem_max=1 x=2',
    };
    expect(findingLine(long, terminal).split('\n')).toEqual([
      'missing  node            one two three four five',
      `${margin}six`,
      `${margin}try: sysctl -w net.core.rmem_max=1 x=2`,
    ]);
  });

  it('is an object for programs', () => {
    expect(JSON.parse(findingLine(finding, programs))).toEqual({ event: 'finding', ...finding });
  });

  it('cannot command the terminal, whatever a plugin says', () => {
    const nasty = { ...finding, subject: '\u001b[2J', detail: '\u001b[2Jgone\nok       all', remedy: '\rrm' };
    for (const style of [plain, programs]) {
      const lines = findingLine(nasty, style);
      expect(lines).not.toContain('\u001b');
      expect(lines).not.toContain('\r');
      expect(lines.split('\n').filter((line) => line.startsWith('ok'))).toEqual([]);
    }
  });
});

describe('colours', () => {
  const out = { isTTY: true, columns: 80 };
  it('are for terminals that want them, and say nothing that words do not', () => {
    const coloured = findingLine(finding, tableStyle({ json: false }, out, {}));
    expect(coloured).toContain('\u001b[31mmissing\u001b[39m');
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(findingLine(finding, plain));
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
      expect(findingLine(finding, tableStyle({ json: false }, out, env))).not.toContain('\u001b');
    expect(findingLine(finding, tableStyle({ json: false }, { columns: 80 }, {}))).not.toContain('\u001b');
  });
});
