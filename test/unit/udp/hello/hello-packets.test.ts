import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeAccept,
  encodeRefused,
  encodeRetry,
  encodeUntaggedAccept,
  encodeVersions,
  parseAccept,
  parseRefused,
  parseRetry,
  parseVersions,
} from '../../../../plugins/udp/src/hello/answer-packets.js';
import {
  encodeHello,
  maxCookieBytes,
  maxHelloControlBytes,
  parseHello,
  parseHelloHead,
} from '../../../../plugins/udp/src/hello/hello-packet.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const parameters = fc.record({
  maxDatagramBytes: fc.integer({ min: 1232, max: 0xffff_ffff }),
  receiveBufferBytes: u32,
  creditBytes: u32.map((kib) => kib * 1024),
});
const hello = fc
  .record({
    version: u16,
    dialerId: bytes(8),
    publicKey: bytes(32),
    parameters,
    cookie: fc.uint8Array({ maxLength: maxCookieBytes }),
    control: fc.uint8Array({ maxLength: maxHelloControlBytes }),
  })
  .map((fields) => (fields.cookie.length > 0 ? fields : { ...fields, control: new Uint8Array() }));
const accept = fc.record({
  dialerId: bytes(8),
  version: u16,
  listenerId: bytes(8),
  publicKey: bytes(32),
  parameters,
});
const retry = fc.record({
  dialerId: bytes(8),
  cookie: fc.uint8Array({ minLength: 1, maxLength: maxCookieBytes }),
});
const versions = fc.record({ dialerId: bytes(8), versions: fc.array(u16, { minLength: 1, maxLength: 255 }) });
const refused = fc.record({ dialerId: bytes(8), code: u16 });

describe('HELLO', () => {
  it('says what it was made of, in 1200 bytes', () => {
    fc.assert(
      fc.property(hello, (fields) => {
        const packet = encodeHello(fields);
        expect(packet).toHaveLength(1200);
        expect(parseHello(packet)).toEqual(fields);
        const { version, dialerId } = fields;
        expect(parseHelloHead(packet)).toEqual({ version, dialerId });
      }),
    );
  });

  it('has room for the longest control beside the longest cookie, to the last byte', () => {
    const fields = {
      version: 1,
      dialerId: new Uint8Array(8),
      publicKey: new Uint8Array(32),
      parameters: { maxDatagramBytes: 1232, receiveBufferBytes: 1, creditBytes: 1024 },
      cookie: new Uint8Array(maxCookieBytes).fill(1),
      control: new Uint8Array(maxHelloControlBytes).fill(2),
    };
    expect(parseHello(encodeHello(fields))).toEqual(fields);
    expect(encodeHello(fields).at(-1)).toBe(2);
    expect(() => encodeHello({ ...fields, control: new Uint8Array(maxHelloControlBytes + 1) })).toThrow(
      RangeError,
    );
  });

  it.each([
    ['shorter', (packet: Uint8Array) => packet.subarray(0, 1199)],
    ['longer', (packet: Uint8Array) => Uint8Array.of(...packet, 0)],
    ['with something in its padding', (packet: Uint8Array) => packet.fill(1, 1199)],
    ['with a cookie longer than any', (packet: Uint8Array) => packet.fill(65, 59, 60)],
    ['with control that goes past its end', (packet: Uint8Array) => packet.fill(0xff, 60 + 5, 60 + 7)],
    ['with parameters that this version has not', (packet: Uint8Array) => packet.fill(1, 58, 59)],
    ['with datagrams smaller than every path carries', (packet: Uint8Array) => packet.fill(0, 43, 47)],
    ['of another type', (packet: Uint8Array) => packet.fill(0x12, 0, 1)],
  ])('is none when it is %s', (_, change) => {
    const packet = encodeHello({
      version: 1,
      dialerId: new Uint8Array(8),
      publicKey: new Uint8Array(32),
      parameters: { maxDatagramBytes: 1232, receiveBufferBytes: 1, creditBytes: 1024 },
      cookie: new Uint8Array(5),
      control: new Uint8Array(7),
    });
    expect(parseHello(packet)).toBeDefined();
    expect(parseHello(change(packet))).toBeUndefined();
  });

  it('brings no control before its cookie', () => {
    const packet = encodeHello({
      version: 1,
      dialerId: new Uint8Array(8),
      publicKey: new Uint8Array(32),
      parameters: { maxDatagramBytes: 1232, receiveBufferBytes: 1, creditBytes: 1024 },
      cookie: new Uint8Array(),
      control: Uint8Array.of(1),
    });
    expect(parseHello(packet)).toBeUndefined();
  });

  it('says its version and id to those who do not know the version, whatever follows', () => {
    const packet = new Uint8Array(1300).fill(9);
    packet.set([0x10, 0x7f, 0x01]);
    expect(parseHelloHead(packet)).toEqual({ version: 0x7f01, dialerId: new Uint8Array(8).fill(9) });
    expect(parseHelloHead(packet.subarray(0, 1199))).toBeUndefined();
  });
});

describe('what the listener says', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(retry, versions, refused, (r, v, f) => {
        expect(parseRetry(encodeRetry(r))).toEqual(r);
        expect(parseVersions(encodeVersions(v))).toEqual(v);
        expect(parseRefused(encodeRefused(f))).toEqual(f);
      }),
    );
    fc.assert(
      fc.property(accept, bytes(8), (fields, tag) => {
        const untagged = encodeUntaggedAccept(fields);
        const packet = encodeAccept(untagged, tag);
        expect(packet).toHaveLength(75);
        expect(parseAccept(packet)).toEqual({ ...fields, untagged, tag });
      }),
    );
  });

  it('is nothing a byte shorter or longer, or as another packet', () => {
    const parsers = [parseRetry, parseVersions, parseRefused, parseAccept, parseHello];
    fc.assert(
      fc.property(
        fc.oneof(
          retry.map(encodeRetry),
          versions.map(encodeVersions),
          refused.map(encodeRefused),
          accept.map((fields) => encodeAccept(encodeUntaggedAccept(fields), new Uint8Array(8))),
        ),
        (packet) => {
          expect(parsers.filter((parse) => parse(packet))).toHaveLength(1);
          for (const parse of parsers) {
            expect(parse(packet.subarray(0, -1))).toBeUndefined();
            expect(parse(Uint8Array.of(...packet, 0))).toBeUndefined();
          }
        },
      ),
    );
  });

  it('has a cookie to give back, and versions to choose from', () => {
    const dialerId = new Uint8Array(8);
    expect(parseRetry(encodeRetry({ dialerId, cookie: new Uint8Array() }))).toBeUndefined();
    expect(parseRetry(encodeRetry({ dialerId, cookie: new Uint8Array(maxCookieBytes + 1) }))).toBeUndefined();
    expect(parseVersions(encodeVersions({ dialerId, versions: [] }))).toBeUndefined();
  });

  it('tells more than a field holds as the most that it holds', () => {
    const most = { maxDatagramBytes: 65_507, receiveBufferBytes: 2 ** 40, creditBytes: 1500 };
    const packet = encodeAccept(
      encodeUntaggedAccept({
        dialerId: new Uint8Array(8),
        version: 1,
        listenerId: new Uint8Array(8),
        publicKey: new Uint8Array(32),
        parameters: most,
      }),
      new Uint8Array(8),
    );
    expect(parseAccept(packet)?.parameters).toEqual({
      maxDatagramBytes: 65_507,
      receiveBufferBytes: 2 ** 32 - 1,
      creditBytes: 1024,
    });
  });
});
