import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLinkTarget, checkPath, normalPath } from '../../../src/transfer/names.js';

/** The list of hostile names: each line is refused, wherever it stands in a path, for the reason said. */
const hostileNames: ReadonlyArray<[what: string, name: string, reason: string]> = [
  ['the directory itself', '.', 'part of it is .'],
  ['the directory above', '..', 'part of it is ..'],
  ['an empty part', '', 'empty'],
  ['a backslash', 'a\\b', 'backslash'],
  ['a climb in the manner of Windows', '..\\..\\x', 'backslash'],
  ['NUL', 'a\0b', 'control'],
  ['a newline', 'a\nb', 'control'],
  ['a carriage return', 'a\rb', 'control'],
  ['an escape sequence', '\u001b]0;x\u0007', 'control'],
  ['DEL', 'a\u007f', 'control'],
  ['a C1 control', 'a\u009bb', 'control'],
  ['a bidi override', 'a\u202etxt.exe', 'not print'],
  ['a bidi isolate', 'a\u2067b', 'not print'],
  ['a zero-width space', 'a\u200bb', 'not print'],
  ['a zero-width joiner', 'a\u200db', 'not print'],
  ['a byte order mark', '\ufeffa', 'not print'],
  ['a soft hyphen', 'a\u00adb', 'not print'],
  ['a line separator', 'a\u2028b', 'not print'],
  ['a paragraph separator', 'a\u2029b', 'not print'],
  ['a tag character', 'a\u{e0041}', 'not print'],
  ['a private-use character', 'a\uf03ab', 'not print'],
  ['a noncharacter', 'a\uffffb', 'not print'],
  ['a filler that shows nothing', 'a\u3164', 'not print'],
  ['a lone surrogate', 'a\ud800b', 'Unicode'],
  ['a name in decomposed form', 'u\u0308', 'normal form'],
  ['an alternate stream', 'a.txt:stream', 'colon'],
  ['a drive', 'C:', 'colon'],
  ['a trailing dot', 'a.', 'dot or a space'],
  ['three dots', '...', 'dot or a space'],
  ['a trailing space', 'a ', 'dot or a space'],
  ['a space alone', ' ', 'dot or a space'],
  ['CON', 'CON', 'device'],
  ['con in lower case', 'con', 'device'],
  ['a device with an extension', 'CON.txt', 'device'],
  ['a device with two extensions', 'aux.tar.gz', 'device'],
  ['a device with a space before the extension', 'nul .txt', 'device'],
  ['PRN', 'Prn', 'device'],
  ['AUX', 'aux', 'device'],
  ['NUL', 'NUL', 'device'],
  ['COM1', 'com1', 'device'],
  ['COM¹', 'COM¹', 'device'],
  ['COM².log', 'COM².log', 'device'],
  ['LPT³', 'LPT³', 'device'],
  ['LPT9', 'lpt9.prn', 'device'],
  ['CONIN$', 'CONIN$', 'device'],
  ['CONOUT$', 'conout$', 'device'],
  ["a temporary name of xfer's own", '.xfer-1234', 'begins with .xfer-'],
  ['one in upper case', '.XFER-1234', 'begins with .xfer-'],
  ['a name that is too long', 'x'.repeat(256), 'longer than 255 bytes'],
  ['a name that is too long in bytes', 'ü'.repeat(128), 'longer than 255 bytes'],
];

describe('hostile names', () => {
  it.each(hostileNames)('refuses %s alone, first, in the middle and last', (_, name, reason) => {
    for (const path of [name, `${name}/x`, `x/${name}/y`, `x/${name}`]) {
      const refusal = checkPath(path);
      expect(refusal?.code, path).toBe('ERR_XFER_HOSTILE_NAME');
      if (path !== `${name}/x` || name !== '') expect(refusal?.message).toContain(reason);
      expect(refusal?.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }
  });

  it.each([
    ['an absolute path', '/etc/passwd', 'absolute'],
    ['two slashes', 'a//b', 'empty'],
    ['a slash at the end', 'a/', 'empty'],
    ['a climb', 'a/../../b', '..'],
    ['a path that is too long', 'x/'.repeat(2100) + 'x', 'longer than 4096 bytes'],
    ['a path that is too deep', 'x/'.repeat(256) + 'x', 'deeper than 256'],
  ])('refuses %s', (_, path, reason) => {
    expect(checkPath(path)?.message).toContain(reason);
  });

  it('shows at most a part of a long name', () => {
    expect(checkPath('x'.repeat(100_000))?.message.length).toBeLessThan(400);
  });

  it.each([
    'a',
    'a/b/c.txt',
    '.gitignore',
    '..a',
    'a..b',
    'node_modules/@scope/pkg/index.d.ts',
    'console.log',
    'com10.txt',
    'auxiliary',
    'übergröße.pdf',
    '日本語/ファイル',
    'ﬀ',
    '🚀',
    ' leading',
    'semi;colon & "quotes" $(x) `y` *?<>|',
    '.xfer',
    '-rf',
    'x'.repeat(255),
    'Screenshot 1.00.00\u202fPM.png',
  ])('takes %j', (path) => expect(checkPath(path)).toBeUndefined());

  it('takes the normal form of a decomposed name', () => {
    expect(normalPath('u\u0308/a\u030a')).toBe('ü/å');
    expect(checkPath(normalPath('u\u0308/a\u030a'))).toBeUndefined();
  });

  it('takes no path that leads anywhere but below the directory, whatever the text', () => {
    const part = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', 'B', '\\', '\0', 'con', 'x.', ' ', '.xfer-'),
      fc.string(),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
        const path = parts.join('/');
        if (checkPath(path) !== undefined) return;
        expect(path).toBe(path.normalize('NFC'));
        expect(path).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\\:]/u);
        for (const name of path.split('/')) expect(name).not.toMatch(/^$|^\.\.?$|[. ]$|^\.xfer-/i);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('targets of links', () => {
  it.each([
    ['l', 'a'],
    ['l', './a/b'],
    ['l', '.'],
    ['a/l', '../b'],
    ['a/b/l', '../../c/d'],
    ['a/l', '..'],
    ['node_modules/.bin/tsc', '../typescript/bin/tsc'],
    ['l', 'does-not-exist'],
  ])('keeps %s -> %s', (path, target) => expect(checkLinkTarget(path, target)).toBeUndefined());

  it.each([
    ['an absolute target', 'l', '/etc/passwd', 'absolute'],
    ['the directory above', 'l', '..', 'out of'],
    ['one above too many', 'a/l', '../../x', 'out of'],
    ['a climb behind a name', 'p/q/l', 'd/..', 'behind a name'],
    ['a climb far out behind a name', 'l', 'd/../../x', 'behind a name'],
    ['nothing', 'l', '', 'nothing'],
    ['a backslash', 'l', '..\\x', 'backslash'],
    ['a drive', 'l', 'C:/x', 'drive'],
    ['NUL', 'l', 'a\0b', 'control'],
    ['an escape sequence', 'l', '\u001b[2J', 'control'],
    ['a bidi override', 'l', 'a\u202eb', 'not print'],
    ['a target that is too long', 'l', 'x/'.repeat(2100), 'longer than'],
  ])('refuses %s', (_, path, target, reason) => {
    const refusal = checkLinkTarget(path, target);
    expect(refusal?.code).toBe('ERR_XFER_HOSTILE_NAME');
    expect(refusal?.message).toContain(reason);
  });

  it('lets no chain of kept links lead out', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
    const target = fc
      .array(fc.oneof(name, fc.constant('..')), { minLength: 1, maxLength: 6 })
      .map((names) => names.join('/'));
    fc.assert(
      fc.property(fc.array(fc.tuple(path, target), { maxLength: 5 }), path, (made, start) => {
        const links = new Map(made.filter(([at, to]) => checkLinkTarget(at, to) === undefined));
        // A link stands in a real directory: the receiver never writes through a link.
        for (const at of links.keys())
          for (const above of links.keys()) if (at.startsWith(`${above}/`)) links.delete(at);
        expect(leadsOut(start, links)).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });
});

/** Walks as the kernel does, following links, from the received directory. */
function leadsOut(start: string, links: ReadonlyMap<string, string>): boolean {
  const at: string[] = [];
  const rest = start.split('/');
  for (let steps = 0; steps < 200; steps++) {
    const part = rest.shift();
    if (part === undefined) return false;
    if (part === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(part);
    const target = links.get(at.join('/'));
    if (target === undefined) continue;
    at.pop();
    rest.unshift(...target.split('/'));
  }
  return false;
}
