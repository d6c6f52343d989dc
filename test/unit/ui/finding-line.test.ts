import { describe, expect, it } from 'vitest';
import { findingLine } from '../../../src/ui/finding-line.js';

const finding = { subject: 'node', state: 'missing', detail: 'too old', remedy: 'take a newer one' } as const;

describe('a finding', () => {
  it('is a line for people, in columns', () => {
    expect(findingLine(finding, { json: false })).toBe('missing  node            too old: take a newer one');
    const { remedy: _, ...plain } = { ...finding, state: 'ok' } as const;
    expect(findingLine(plain, { json: false })).toBe('ok       node            too old');
  });

  it('is an object for programs', () => {
    expect(JSON.parse(findingLine(finding, { json: true }))).toEqual({ event: 'finding', ...finding });
  });

  it('cannot command the terminal, whatever a plugin says', () => {
    const nasty = { ...finding, detail: '\u001b[2Jgone\nok       all' };
    for (const json of [false, true]) {
      const line = findingLine(nasty, { json });
      expect(line).not.toContain('\u001b');
      expect(line).not.toContain('\n');
    }
  });
});
