import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson } from '../../../src/transfer/printable.js';

const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const anyText = fc.string({ unit: 'binary' });
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }))
  .map((units) => units.map((unit) => String.fromCharCode(unit)).join(''));

describe('printable', () => {
  it.each([
    ['a newline', 'a\nb', 'a\\u{a}b'],
    ['an escape sequence', '\u001b[2Jx', '\\u{1b}[2Jx'],
    ['a C1 control', 'a\u009bb', 'a\\u{9b}b'],
    ['DEL', '\u007f', '\\u{7f}'],
    ['a bidi override', 'a\u202etxt.exe', 'a\\u{202e}txt.exe'],
    ['a bidi isolate', '\u2066x', '\\u{2066}x'],
    ['a zero-width space', 'a\u200bb', 'a\\u{200b}b'],
    ['a byte order mark', '\ufeffa', '\\u{feff}a'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['a paragraph separator', 'a\u2029b', 'a\\u{2029}b'],
    ['a lone high surrogate', 'a\ud800b', 'a\\u{d800}b'],
    ['a lone low surrogate', '\udc00', '\\u{dc00}'],
    ['a tag character', '\u{e0041}', '\\u{e0041}'],
  ])('escapes %s', (_, text, shown) => expect(printable(text)).toBe(shown));

  it.each(['plain.txt', 'übergröße', '日本語', '🚀 launch', 'a b', 'C:\\x'])('leaves %s alone', (text) =>
    expect(printable(text)).toBe(text),
  );

  it('leaves nothing unsafe in any text', () => {
    fc.assert(fc.property(fc.oneof(anyText, anyUnits), (text) => !unsafe.test(printable(text))));
  });
});

describe('printableJson', () => {
  it('is one line of safe text from which every character comes back', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, anyUnits), (text) => {
        const line = printableJson({ event: 'note', message: text });
        expect(unsafe.test(line)).toBe(false);
        expect(JSON.parse(line)).toEqual({ event: 'note', message: text });
      }),
    );
  });
});
