import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bootstrapHeadBytes,
  bootstrapLength,
  decodeBootstrap,
  encodeBootstrap,
  maxBootstrapBytes,
  refusalError,
} from '../../../plugins/rdma/src/bootstrap-message.js';
import {
  messageHeadBytes,
  readMessageHead,
  writeMessageHead,
} from '../../../plugins/rdma/src/message-head.js';

const party = fc.record({
  tag: fc.bigInt({ min: 1n, max: 2n ** 56n - 1n }),
  smallCount: fc.integer({ min: 4, max: 4096 }),
  largeCount: fc.integer({ min: 2, max: 1024 }),
  smallBytes: fc.integer({ min: 1024, max: 2 ** 20 }),
  largeBytes: fc.integer({ min: 2 ** 16, max: 2 ** 26 }),
  address: fc.uint8Array({ minLength: 1, maxLength: 256 }),
});
const name = fc.stringMatching(/^[ -~]{0,64}$/);
const offers = fc.array(fc.record({ provider: name, fabric: name, domain: name, version: name }), {
  ...{ minLength: 1, maxLength: 8 },
});
const host = fc.option(
  fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((id) => id.some(Boolean)),
  {
    nil: undefined,
  },
);
const message = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    lowest: fc.integer({ min: 1, max: 9 }),
    highest: fc.integer({ min: 9, max: 65_535 }),
    ...{ host, offers },
  }),
  fc.record({ kind: fc.constant('answer' as const), version: fc.nat(65_535), provider: name, party }),
  fc.record({
    kind: fc.constant('refusal' as const),
    code: fc.nat(65_535),
    words: fc.stringMatching(/^[ -~]{0,512}$/),
  }),
  fc.record({ kind: fc.constant('ready' as const), party }),
  fc.constant({ kind: 'finished' as const }),
);

describe('the exchange', () => {
  it('is read back as it was written, within its limit', () => {
    fc.assert(
      fc.property(message, (said) => {
        const bytes = encodeBootstrap(said);
        expect(bytes.length).toBeLessThanOrEqual(maxBootstrapBytes);
        expect(bootstrapLength(bytes)).toBe(bytes.length);
        expect(decodeBootstrap(bytes)).toEqual(said);
      }),
    );
  });

  it('cut short or gone on with is refused, never half read', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.boolean(), (said, at, isCut) => {
        const bytes = encodeBootstrap(said);
        const body = bytes.length - bootstrapHeadBytes;
        fc.pre(!isCut || body > 0);
        const other = isCut
          ? bytes.subarray(0, bytes.length - 1 - (at % body))
          : Buffer.concat([bytes, bytes]);
        expect(() => decodeBootstrap(other)).toThrow(expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }));
      }),
    );
  });

  it('of any bytes gives a message or ERR_XFER_PROTOCOL, nothing else', () => {
    const head = fc.tuple(fc.nat(7), fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(head, ([kind, body]) => {
        const bytes = Buffer.concat([Buffer.from([0x78, 0x66, 0x72, 0x66, kind, 0, 0, 0]), body]);
        bytes.writeUInt16BE(body.length, 6);
        try {
          expect(['hello', 'answer', 'refusal', 'ready', 'finished']).toContain(decodeBootstrap(bytes).kind);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['another magic', 'GET / HTTP/1.1'],
    ['unknown flags', Buffer.from('7866726601010000', 'hex').toString('latin1')],
    ['more than 4 KiB', Buffer.from('7866726601000ff9', 'hex').toString('latin1')],
  ])('with %s is refused by its head', (_what, text) => {
    expect(() => bootstrapLength(Buffer.from(text, 'latin1'))).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }),
    );
  });

  it.each([
    ['no tag', { tag: 0n }],
    ['a tag of more than 56 bits', { tag: 2n ** 56n }],
    ['too few buffers', { largeCount: 1 }],
    ['more buffers than anybody has', { smallCount: 4097 }],
    ['buffers of gigabytes', { largeBytes: 2 ** 30 }],
    ['small buffers that hold nothing', { smallBytes: 16 }],
    ['no address', { address: new Uint8Array(0) }],
    ['an address that is too long', { address: new Uint8Array(257) }],
  ])('refuses an endpoint with %s', (_what, wrong) => {
    const right = { tag: 7n, smallCount: 4, largeCount: 2, smallBytes: 1024, largeBytes: 65_536 };
    const bytes = encodeBootstrap({
      kind: 'ready',
      party: { ...right, address: Uint8Array.of(1), ...wrong },
    });
    expect(() => decodeBootstrap(bytes)).toThrow(expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }));
  });

  it('takes what steers a terminal out of words, and cuts them between characters', () => {
    const words = `\u001b[2J${'é'.repeat(400)}`;
    const read = decodeBootstrap(encodeBootstrap({ kind: 'refusal', code: 3, words }));
    expect(read).toMatchObject({ words: `?[2J${'é'.repeat(254)}` });
  });

  it('has an error for every refusal', () => {
    const codes = [1, 2, 3, 4, 999].map((code) => refusalError(code, 'words', 'there').code);
    expect(codes).toEqual([
      ...['ERR_XFER_VERSION', 'ERR_XFER_NO_TRANSPORT', 'ERR_XFER_LIMIT'],
      ...['ERR_XFER_UNREACHABLE', 'ERR_XFER_UNREACHABLE'],
    ]);
  });
});

describe('the head of a message', () => {
  it('is read back as it was written', () => {
    const content = fc.record({
      type: fc.constant(2),
      fin: fc.boolean(),
      streamId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      offset: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(content, (head) => {
        const bytes = new Uint8Array(messageHeadBytes + 1);
        writeMessageHead(bytes, head);
        expect(readMessageHead(bytes)).toEqual(head);
      }),
    );
  });

  it.each([
    ['is cut off', '02000000000000000000000000000001000000000000'],
    ['has unknown flags', '020200000000000000000000000000010000000000000000ff'],
    ['has something where zeros belong', '020000000000000100000000000000010000000000000000ff'],
    ['is of an unknown type', '040000000000000000000000000000000000000000000000'],
    ['is content of no stream', '020000000000000000000000000000000000000000000000ff'],
    ['is content of nothing', '020000000000000000000000000000010000000000000000'],
    ['is control of a stream', '010000000000000000000000000000010000000000000000ff'],
    ['is an end with content', '030000000000000000000000000000000000000000000000ff'],
    ['has a stream past 2^53', '020000000000000000200000000000000000000000000000ff'],
  ])('is refused where it %s', (_what, hex) => {
    expect(() => readMessageHead(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }),
    );
  });
});
