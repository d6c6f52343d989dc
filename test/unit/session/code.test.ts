import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCode, parseCode } from '../../../src/session/code.js';
import { codeWords } from '../../../src/session/words.js';

const random = (bytes: number) => Uint8Array.from(randomBytes(bytes));

describe('the words of codes', () => {
  it('are 1024 different short words in plain letters', () => {
    expect(codeWords).toHaveLength(1024);
    expect(new Set(codeWords).size).toBe(1024);
    for (const word of codeWords) expect(word).toMatch(/^[a-z]{3,8}$/);
  });

  it('are more than one letter apart', () => {
    // Words one letter apart are equal once that letter is left out of each, or of the longer one.
    const seen = new Map<string, string>();
    for (const word of codeWords) {
      const forms = new Set([word, ...[...word].map((_, i) => `${word.slice(0, i)}_${word.slice(i + 1)}`)]);
      const shorter = new Set([...word].map((_, i) => word.slice(0, i) + word.slice(i + 1)));
      for (const form of forms) {
        expect(seen.get(form) ?? word, word).toBe(word);
        seen.set(form, word);
      }
      for (const short of shorter) expect(codeWords.includes(short), `${word} and ${short}`).toBe(false);
    }
  });
});

describe('a made code', () => {
  it('is a room and words worth 40 bits', () => {
    const code = makeCode(random);
    expect(code).toMatch(/^\d{4}(-[a-z]+){4}$/);
    expect(Math.log2(codeWords.length) * (code.split('-').length - 1)).toBeGreaterThanOrEqual(40);
  });

  it('draws every part from its own randomness, without bias', () => {
    const draws = [
      [255, 255],
      [0, 42],
      [0, 0],
      [4, 0],
      [255, 255],
      [3, 255],
    ].map((pair) => Uint8Array.from(pair));
    const code = makeCode(() => draws.shift() ?? new Uint8Array(2));
    // 65535 is above the last multiple of 10000 and thrown away; 1024 divides 65536.
    expect(code).toBe(['0042', codeWords[0], codeWords[0], codeWords[1023], codeWords[1023]].join('-'));
  });

  it('is refused rather than made of no randomness', () => {
    expect(() => makeCode(() => Uint8Array.of(255, 255))).toThrow(/random/);
  });

  it('loses its room when it is read, in any case and with spaces around', () => {
    const code = makeCode(random);
    const [room, ...words] = code.split('-');
    for (const typed of [code, code.toUpperCase(), `  ${code}\n`])
      expect(parseCode(typed)).toEqual({ room, secret: words.join('-') });
  });
});

describe('a code of the user’s own', () => {
  const four = codeWords.slice(0, 4).join('-');

  it.each([
    four,
    `123-${four}`,
    `12345-${four}`,
    `1234-${four}-${codeWords[5]}`,
    `1234-${codeWords.slice(0, 3).join('-')}`,
    `1234-${codeWords.slice(0, 3).join('-')}-notaword`,
    `1234 ${four}`,
    `1234--${four}`,
    `१२३४-${four}`,
    'correct horse battery staple',
  ])('keeps all of itself: %s', (code) => {
    expect(parseCode(code)).toEqual({ secret: code });
  });

  it('has twelve characters or more, however they are stored', () => {
    const weak = expect.objectContaining({ code: 'ERR_XFER_WEAK_CODE', exit: 4 }) as Error;
    for (const code of ['', 'elevenchars', '   elevenchars   ', '🔑'.repeat(11), 'e\u0301'.repeat(11)])
      expect(() => parseCode(code)).toThrow(weak);
    for (const code of ['twelve chars', '🔑'.repeat(12), 'e\u0301'.repeat(12)])
      expect(parseCode(code).room).toBeUndefined();
  });

  it('is the same however its letters are composed', () => {
    expect(parseCode('un café très fort')).toEqual(parseCode('un cafe\u0301 tre\u0300s fort'));
  });

  it('has an end', () => {
    const endless = expect.objectContaining({ code: 'ERR_XFER_USAGE' }) as Error;
    expect(() => parseCode('x'.repeat(1025))).toThrow(endless);
    expect(parseCode('x'.repeat(1024)).secret).toHaveLength(1024);
  });

  it('of any text is refused or kept', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          expect(parseCode(text).secret.length).toBeGreaterThanOrEqual(12);
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^ERR_XFER_(WEAK_CODE|USAGE)$/) as string,
          });
        }
      }),
    );
  });
});
