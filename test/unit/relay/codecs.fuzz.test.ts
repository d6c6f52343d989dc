import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerDetail,
  ownDetail,
  passedDetail,
  reachDetail,
  refusedDetail,
} from '../../../src/relay/hop-errors.js';
import { behindHop, decodeHopDetail, encodeHopDetail } from '../../../src/relay/hop-detail.js';
import { decodeRoute, encodeRoute, isRoute, maxAlternatives, maxHops } from '../../../src/relay/route.js';
import { maxDetailBytes, OpenRefused } from '../../../src/transport/contract.js';

const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 3);
const byte = fc.nat(255);
const text = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 40,
});
const route = fc.record({
  ttl: byte,
  visited: fc
    .array(fc.uint8Array({ minLength: 8, maxLength: 8 }), { maxLength: 4 })
    .map((ids) => ids.map((id) => Buffer.from(id).toString('hex'))),
  relays: fc.array(fc.array(text, { minLength: 1, maxLength: maxAlternatives }), { maxLength: maxHops - 4 }),
  branches: fc.array(
    fc.record({ to: fc.oneof(text, fc.constant('')), header: fc.uint8Array({ maxLength: 60 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
});
const detail = fc.record({
  isStored: fc.boolean(),
  isOwn: fc.boolean(),
  isEntry: fc.boolean(),
  wire: fc.nat(0xffff),
  branch: byte,
  taken: fc.array(byte, { maxLength: 17 }),
});

describe('routes', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(route, (given) => {
        let encoded: Uint8Array;
        try {
          encoded = encodeRoute(given);
        } catch (error) {
          return expect(error).toMatchObject({ code: 'ERR_XFER_USAGE' });
        }
        expect(decodeRoute(Uint8Array.from(encoded))).toEqual(given);
      }),
    );
  });

  it('are read from any bytes without a throw, and what is read is written the same', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.uint8Array({ maxLength: 300 }), (isPrefixed, garbage) => {
        const given = isPrefixed ? Buffer.concat([prefix, garbage]) : garbage;
        const read = decodeRoute(given);
        if (!read) return;
        expect(isRoute(given)).toBe(true);
        expect(Buffer.from(encodeRoute(read)).equals(given)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('are none with a byte more, and none with any byte less', () => {
    fc.assert(
      fc.property(route, fc.nat(), (given, cut) => {
        let encoded: Uint8Array;
        try {
          encoded = encodeRoute(given);
        } catch {
          return;
        }
        expect(decodeRoute(Buffer.concat([encoded, Buffer.of(0)]))).toBeUndefined();
        expect(decodeRoute(encoded.subarray(0, cut % encoded.length))).toBeUndefined();
      }),
    );
  });

  it('with one byte changed are another route or none', () => {
    fc.assert(
      fc.property(route, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, change) => {
        let encoded: Buffer;
        try {
          encoded = Buffer.from(encodeRoute(given));
        } catch {
          return;
        }
        encoded[at % encoded.length] = Number(encoded[at % encoded.length]) ^ change;
        expect(decodeRoute(Uint8Array.from(encoded))).not.toEqual(given);
      }),
    );
  });
});

describe('details', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(detail, (given) => {
        expect(decodeHopDetail(encodeHopDetail(given))).toEqual(given);
      }),
    );
  });

  it('are read from any bytes without a throw', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.uint8Array({ maxLength: 40 }), (isVersion1, garbage) => {
        const given = isVersion1 ? Buffer.concat([Buffer.of(1), garbage]) : garbage;
        const read = decodeHopDetail(given);
        if (read) expect(read.taken.length).toBe(given.length - 6);
        for (const told of [
          passedDetail(given, 1),
          answerDetail(given, 1, true),
          answerDetail(given, 1, false),
        ])
          if (told && given.length < 250) expect(decodeHopDetail(told)).toBeDefined();
        expect(decodeHopDetail(refusedDetail(new OpenRefused(2, given), 3))).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });

  it('name what each relay took, nearest first, over the longest path', () => {
    const first = ownDetail('ERR_XFER_LIMIT');
    let told: Uint8Array | undefined = first;
    for (let hop = 0; hop < maxHops; hop++) told = passedDetail(told ?? first, hop % maxAlternatives);
    const read = decodeHopDetail(told ?? first);
    expect(read?.taken).toEqual(
      Array.from({ length: maxHops }, (_, i) => (maxHops - 1 - i) % maxAlternatives),
    );
    expect(told?.length).toBeLessThan(maxDetailBytes);
  });

  it('of an answer tell of the nearest relay that stores, whatever those before it do', () => {
    const none = new Uint8Array();
    expect(answerDetail(none, 0, false)).toBeUndefined();
    const stored = answerDetail(none, 5, true) ?? none;
    expect(decodeHopDetail(stored)).toMatchObject({ isStored: true, isOwn: true, taken: [] });
    const passed = answerDetail(stored, 2, false) ?? none;
    expect(decodeHopDetail(passed)).toMatchObject({ isStored: true, isOwn: true, taken: [2] });
    const nearer = answerDetail(passed, 1, true) ?? none;
    expect(decodeHopDetail(nearer)).toMatchObject({ isStored: true, isOwn: true, taken: [] });
  });

  it('keep all but what was taken when they are passed on', () => {
    fc.assert(
      fc.property(detail, byte, (given, alternative) => {
        const passed = behindHop(given, alternative);
        expect(passed).toEqual({ ...given, taken: [alternative, ...given.taken] });
        expect(decodeHopDetail(reachDetail('ERR_XFER_TIMEOUT', alternative))?.taken).toEqual([alternative]);
      }),
    );
  });
});
