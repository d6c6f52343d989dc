import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textHash } from '../../../src/transfer/names-hash.js';
import { foldCase, NameRegister, type NamedKind } from '../../../src/transfer/names-register.js';

const seed = Uint8Array.from({ length: 16 }, (_, at) => at * 7);
const register = (): NameRegister => new NameRegister(seed);

describe('the register of names', () => {
  it.each<[what: string, before: Array<[string, NamedKind]>, path: string, kind: NamedKind, reason: string]>([
    ['a name that is there', [['a', 'file']], 'a', 'file', 'twice'],
    ['a directory that was declared', [['a', 'directory']], 'a', 'directory', 'twice'],
    ['a file where a directory is', [['a', 'directory']], 'a', 'file', 'twice'],
    ['a link where a directory is', [['a', 'directory']], 'a', 'link', 'twice'],
    ['a file where a directory is implied', [['a/b', 'file']], 'a', 'file', 'twice'],
    ['a directory where a file is', [['a', 'file']], 'a', 'directory', 'twice'],
    ['a name below a file', [['a', 'file']], 'a/b', 'file', 'file or a link'],
    ['a name below a link', [['a', 'link']], 'a/b', 'file', 'file or a link'],
    ['a name far below a link', [['a', 'link']], 'a/b/c/d', 'directory', 'file or a link'],
    ['another case', [['Makefile', 'file']], 'makefile', 'file', 'case'],
    ['another case of a directory', [['A', 'directory']], 'a', 'directory', 'case'],
    ['another case of a directory on the way', [['A/x', 'file']], 'a/y', 'file', 'case'],
    ['another case below a link', [['L', 'link']], 'l/x', 'file', 'case'],
    ['another case beyond ASCII', [['ÜBER', 'file']], 'über', 'file', 'case'],
    ['sharp s and ss', [['straße', 'file']], 'STRASSE', 'file', 'case'],
    ['the two small sigmas', [['ας', 'file']], 'ασ', 'file', 'case'],
    ['the long s', [['ſ', 'file']], 's', 'file', 'case'],
  ])('refuses %s', (_, before, path, kind, reason) => {
    const names = register();
    for (const [earlier, of] of before) expect(names.add(earlier, of)).toBeUndefined();
    const refusal = names.add(path, kind);
    expect(refusal?.code).toBe('ERR_XFER_HOSTILE_NAME');
    expect(refusal?.message).toContain(reason);
  });

  it('takes a directory declared before, between or after what lies in it, once', () => {
    const names = register();
    expect(names.add('a/b/c', 'file')).toBeUndefined();
    expect(names.add('a', 'directory')).toBeUndefined();
    expect(names.add('a/b', 'directory')).toBeUndefined();
    expect(names.add('a/b/d', 'link')).toBeUndefined();
    expect(names.add('z/a', 'file')).toBeUndefined();
    expect(names.add('a/b', 'directory')?.message).toContain('twice');
    expect(names.size).toBe(6);
  });

  it('agrees with a plain map on any order of names, through growth', () => {
    const part = fc.constantFrom('a', 'A', 'b', 'ß', 'ss', 'c');
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const kind = fc.constantFrom<NamedKind>('file', 'directory', 'link');
    fc.assert(
      fc.property(fc.array(fc.tuple(path, kind), { maxLength: 12 }), (entries) => {
        const names = register();
        const model = new Model();
        for (const [at, of] of entries) {
          const refused = names.add(at, of) !== undefined;
          expect(refused).toBe(!model.add(at, of));
          if (refused) return;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps 100,000 names apart and knows each again', () => {
    const names = register();
    const path = (n: number): string => `d${n >> 8}/file-${n}`;
    for (let n = 0; n < 100_000; n++) expect(names.add(path(n), 'file')).toBeUndefined();
    for (let n = 0; n < 100_000; n += 997) expect(names.add(path(n).toUpperCase(), 'file')).toBeDefined();
  });

  it('takes a seed of 16 bytes and no less', () => {
    expect(() => new NameRegister(new Uint8Array(15))).toThrow(RangeError);
  });
});

describe('the hash of names', () => {
  const key = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]);
  const hex = (text: string, of = key): string => {
    const out = { low: 0, high: 0 };
    textHash(of)(text, out);
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(out.low, 0);
    bytes.writeUInt32LE(out.high, 4);
    return bytes.toString('hex');
  };

  // vectors_hsip64 of the reference code, for 0, 2 and 4 bytes.
  it.each([
    ['', '218d1f59b9b83cc8'],
    ['\u0100', '064f39ef7c50eb57'],
    ['\u0100\u0302', 'd5e78a175be52ea1'],
  ])('gives the published output for %j', (text, published) => expect(hex(text)).toBe(published));

  it('depends on the key', () =>
    expect(hex('a', Uint8Array.from([9, 1, 2, 3, 4, 5, 6, 7]))).not.toBe(hex('a')));
});

describe('folding case', () => {
  it('is the same for every casing of a text, and stable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (raw) => {
        const text = raw.normalize('NFC');
        expect(foldCase(foldCase(text))).toBe(foldCase(text));
        expect(foldCase(text.toUpperCase().normalize('NFC'))).toBe(foldCase(text));
      }),
    );
  });
});

/** What the register should do, in the plain way. */
class Model {
  readonly #names = new Map<string, { path: string; kind: NamedKind | 'implied' }>();

  add(path: string, kind: NamedKind): boolean {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const parent = parts.slice(0, depth).join('/');
      const there = this.#names.get(foldCase(parent));
      if (there === undefined) this.#names.set(foldCase(parent), { path: parent, kind: 'implied' });
      else if (there.path !== parent || there.kind === 'file' || there.kind === 'link') return false;
    }
    const there = this.#names.get(foldCase(path));
    const fits =
      there === undefined || (there.path === path && there.kind === 'implied' && kind === 'directory');
    if (fits) this.#names.set(foldCase(path), { path, kind });
    return fits;
  }
}
