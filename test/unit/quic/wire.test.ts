import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedPieces } from '../../../plugins/quic/src/shared-pieces.js';
import {
  checkPreface,
  decodeId,
  encodeId,
  encodePieceHeader,
  encodePreface,
} from '../../../plugins/quic/src/wire.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const from = (text: string) => Buffer.from(text, 'hex');

describe('what opens a stream of QUIC', () => {
  it('is laid out as docs/quic.md says', () => {
    expect(hex(encodePreface())).toBe('7866727100010000');
    expect(hex(encodeId(2 ** 32 + 5))).toBe('0000000100000005');
    expect(hex(encodePieceHeader({ id: 7, fin: true, bytes: 258 }))).toBe('00000000000000070100000102');
  });

  it('is refused where it is of another version, or none of ours', () => {
    expect(() => checkPreface(encodePreface())).not.toThrow();
    const code = (code: string) => expect.objectContaining({ code }) as Error;
    expect(() => checkPreface(from('7866727100020000'))).toThrow(code('ERR_XFER_VERSION'));
    expect(() => checkPreface(from('132f6d756c746973'))).toThrow(code('ERR_XFER_PROTOCOL'));
  });

  it('names every id that a stream may have', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (id) => decodeId(encodeId(id)) === id));
    expect(() => decodeId(from('0020000000000000'))).toThrow('impossible');
  });
});

describe('what shares a stream of QUIC', () => {
  const piece = fc.record({
    id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    content: fc.uint8Array({ maxLength: 50 }),
    fin: fc.boolean(),
  });

  it('comes apart again, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(piece),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (pieces, cuts) => {
          const sent = Buffer.concat(
            pieces.flatMap(({ id, content, fin }) => [
              encodePieceHeader({ id, fin, bytes: content.length }),
              content,
            ]),
          );
          const got: string[] = [];
          let open: { id: number; parts: Uint8Array[]; left: number } | undefined;
          const next = pieces.values();
          const shared = new SharedPieces((id, bytes, fin) => {
            open ??= { id, parts: [], left: (next.next().value as { content: Uint8Array }).content.length };
            expect(id).toBe(open.id);
            open.parts.push(bytes.slice());
            open.left -= bytes.length;
            if (open.left > 0) return expect(fin).toBe(false);
            got.push(`${id} ${hex(Buffer.concat(open.parts))} ${fin}`);
            open = undefined;
          });
          for (let at = 0, i = 0; at < sent.length; i++) {
            const cut = cuts[i % cuts.length] ?? 1;
            shared.push(sent.subarray(at, at + cut));
            at += cut;
          }
          expect(shared.isWhole).toBe(true);
          expect(got).toEqual(pieces.map(({ id, content, fin }) => `${id} ${hex(content)} ${fin}`));
        },
      ),
    );
  });

  it.each([
    ['an id that is none', '00000000000000000000000001'],
    ['flags that are none', '00000000000000010200000001'],
    ['a length that is too large', '00000000000000010001000001'],
  ])('is refused with %s', (_what, header) => {
    const shared = new SharedPieces(() => expect.unreachable());
    expect(() => shared.push(from(header))).toThrow('makes no sense');
  });
});
