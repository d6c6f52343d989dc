import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeGroupHeader,
  decodeJoinHeader,
  encodeGroupHeader,
  encodeJoinHeader,
  isSessionHeader,
  sessionHeader,
} from '../../../src/session/stream-headers.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const sample = { session: new Uint8Array(16).fill(1), lane: 3, nonce: new Uint8Array(32).fill(2) };

describe('the opening header of a group', () => {
  const group = { ...sample, epoch: new Uint8Array(16).fill(3), mac: new Uint8Array(32).fill(4) };

  it('says which session, lane and epoch, with a proof', () => {
    fc.assert(
      fc.property(bytes(16), fc.maxSafeNat(), bytes(16), bytes(32), (session, lane, epoch, mac) => {
        const header = Buffer.from(encodeGroupHeader({ session, lane, epoch, mac }));
        const decoded = decodeGroupHeader(header);
        header.fill(0);
        expect(decoded).toEqual({ session, lane, epoch, mac });
      }),
    );
  });

  it('is none where it is shorter, longer or begins otherwise, and nothing else', () => {
    const header = encodeGroupHeader(group);
    expect(header).toHaveLength(77);
    for (let cut = 0; cut < header.length; cut++)
      expect(decodeGroupHeader(header.subarray(0, cut))).toBeUndefined();
    expect(decodeGroupHeader(Buffer.concat([header, Buffer.alloc(1)]))).toBeUndefined();
    for (let at = 0; at < sessionHeader.length; at++) {
      const altered = Uint8Array.from(header);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(decodeGroupHeader(altered)).toBeUndefined();
    }
    header.fill(0xff, 21, 29);
    expect(decodeGroupHeader(header)).toBeUndefined();
    expect([decodeJoinHeader(encodeGroupHeader(group)), decodeGroupHeader(encodeJoinHeader(sample))]).toEqual(
      [undefined, undefined],
    );
  });
});

describe('the opening header of a lane', () => {
  it('says which session, which lane and which nonce', () => {
    const lane = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER));
    fc.assert(
      fc.property(bytes(16), lane, bytes(32), (session, lane, nonce) => {
        const header = Buffer.from(encodeJoinHeader({ session, lane, nonce }));
        expect(decodeJoinHeader(header)).toEqual({ session, lane, nonce });
        expect(isSessionHeader(header)).toBe(false);
        // What is kept of it outlives the bytes that came.
        const decoded = decodeJoinHeader(header);
        header.fill(0);
        expect(decoded).toEqual({ session, lane, nonce });
      }),
    );
  });

  it('is none where it is shorter, longer or begins otherwise', () => {
    const header = encodeJoinHeader(sample);
    for (let cut = 0; cut < header.length; cut++)
      expect(decodeJoinHeader(header.subarray(0, cut))).toBeUndefined();
    expect(decodeJoinHeader(Buffer.concat([header, Buffer.alloc(1)]))).toBeUndefined();
    for (let at = 0; at < sessionHeader.length; at++) {
      const altered = Uint8Array.from(header);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(decodeJoinHeader(altered)).toBeUndefined();
    }
  });

  it('is none where the number of the lane is not exact', () => {
    const header = encodeJoinHeader(sample);
    header.fill(0xff, 21, 29);
    expect(decodeJoinHeader(header)).toBeUndefined();
  });

  it('is not that of a session', () => {
    expect([isSessionHeader(sessionHeader), decodeJoinHeader(sessionHeader)]).toEqual([true, undefined]);
    expect([isSessionHeader(new Uint8Array()), decodeJoinHeader(new Uint8Array())]).toEqual([
      false,
      undefined,
    ]);
    expect(isSessionHeader(Buffer.concat([sessionHeader, Buffer.alloc(1)]))).toBe(false);
  });
});
