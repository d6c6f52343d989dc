import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { encodeHello, ownHello, readHello, sessionVersion } from '../../../src/session/hello.js';
import type { XferError } from '../../../src/errors/index.js';

const good = {
  v: [sessionVersion, sessionVersion],
  caps: ['streaming'],
  threshold: 65536,
  listens: ['tcp://192.0.2.1:4840'],
  role: 'recv',
  name: 'bob',
  remember: false,
};
const read = (message: unknown) => readHello(encode(message), 'send');
/** The code with which it is refused, or `taken`. */
const verdict = (message: unknown) => {
  try {
    read(message);
    return 'taken';
  } catch (error) {
    return (error as XferError).code;
  }
};
const changed = (changes: Record<string, unknown>) => verdict({ ...good, ...changes });
const repeated = (count: number, bytes = 1) => Array.from({ length: count }, () => 'x'.repeat(bytes));

describe('HELLO', () => {
  it('comes out as it went in', () => {
    const hello = ownHello('recv', 'bob', true, ['tcp://192.0.2.1:4840', 'ws://[2001:db8::1]:4840']);
    expect(readHello(encodeHello(hello), 'send')).toEqual(hello);
  });

  it('says what this xfer is', () => {
    expect(ownHello('send', 'alice', false)).toEqual({
      lowestVersion: 2,
      highestVersion: 2,
      capabilities: ['streaming', 'lanes', 'resume', 'pack', 'fanout'],
      streamingThresholdBytes: sessionDefaults.streamingThresholdBytes,
      listens: [],
      role: 'send',
      name: 'alice',
      remember: false,
    });
  });

  it('of ours is never more than the other side takes', () => {
    const hello = ownHello('recv', 'n'.repeat(1000), false, repeated(100, 256));
    expect([hello.name.length, hello.listens.length]).toEqual([128, 16]);
    expect(readHello(encodeHello(hello), 'send')).toEqual(hello);
  });

  it('says that a fabric is trusted where that is so, and is as ever where it is not', () => {
    const hello = ownHello('recv', 'bob', true);
    const trusting = { ...hello, trustFabric: true };
    expect(readHello(encodeHello(trusting), 'send')).toEqual(trusting);
    expect(encodeHello({ ...hello, trustFabric: false })).toEqual(encodeHello(hello));
    expect(read({ ...good, trustFabric: false })).toEqual(read(good));
    for (const trustFabric of [1, 'yes', null, []])
      expect(changed({ trustFabric })).toBe('ERR_XFER_PROTOCOL');
  });

  it('may have fields that are not known, which are dropped', () => {
    const hello = read({ ...good, later: { deep: [1, 2, 3] }, '': true });
    expect(hello).toEqual(read(good));
  });

  it('may name capabilities that are not known', () => {
    expect(read({ ...good, caps: ['teleport', 'streaming', ''] }).capabilities).toContain('streaming');
    expect(read({ ...good, caps: [] }).capabilities).toEqual([]);
  });

  it.each([
    [[2, 2], 'taken'],
    [[1, 2], 'taken'],
    [[1, 0xffff], 'taken'],
    [[0, 0xffff], 'taken'],
    [[0, 0], 'ERR_XFER_VERSION'],
    [[3, 3], 'ERR_XFER_VERSION'],
    [[1, 1], 'ERR_XFER_VERSION'],
    [[2, 0], 'ERR_XFER_VERSION'],
    [[2, 1], 'ERR_XFER_VERSION'],
    [[1, 0], 'ERR_XFER_VERSION'],
    [[1], 'ERR_XFER_PROTOCOL'],
    [[-1, 1], 'ERR_XFER_PROTOCOL'],
    [[1, 0x1_0000], 'ERR_XFER_PROTOCOL'],
    [[0.5, 1], 'ERR_XFER_PROTOCOL'],
  ])('of versions %j is %s', (versions, expected) => {
    expect(changed({ v: versions })).toBe(expected);
  });

  it('of another version is told by its versions, whatever else it says', () => {
    expect(verdict({ v: [3, 4], role: 'pipe', caps: { all: true } })).toBe('ERR_XFER_VERSION');
    expect(verdict({ v: [2, 4], role: 'pipe', caps: { all: true } })).toBe('ERR_XFER_PROTOCOL');
  });

  it('of the same role is refused with the words of a user', () => {
    expect(changed({ role: 'send' })).toBe('ERR_XFER_USAGE');
    expect(() => readHello(encode(good), 'recv')).toThrow(/one has to send and one to receive/);
  });

  it('that is too large is refused by its size alone', () => {
    const room = 16 * 1024 - encode({ ...good, pad: new Uint8Array(256) }).length + 256;
    expect(changed({ pad: new Uint8Array(room) })).toBe('taken');
    expect(changed({ pad: new Uint8Array(room + 1) })).toBe('ERR_XFER_PROTOCOL');
    // Not even its first byte is looked at.
    expect(() => readHello(new Uint8Array(16 * 1024 + 1), 'send')).toThrow(
      /has 16385 bytes, more than 16384/,
    );
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['capabilities', { caps: repeated(64) }, { caps: repeated(65) }],
    ['the length of a capability', { caps: repeated(1, 64) }, { caps: repeated(1, 65) }],
    ['addresses', { listens: repeated(16) }, { listens: repeated(17) }],
    ['the length of an address', { listens: repeated(1, 256) }, { listens: repeated(1, 257) }],
    ['the length of a name', { name: 'x'.repeat(128) }, { name: 'x'.repeat(129) }],
    ['the threshold', { threshold: 2 ** 40 }, { threshold: 2 ** 40 + 1 }],
  ])('has a limit for %s', (_, most, more) => {
    expect([changed(most), changed(more)]).toEqual(['taken', 'ERR_XFER_PROTOCOL']);
  });

  it.each(Object.keys(good))('without %s, or with another type there, is none', (field) => {
    const without = Object.fromEntries(Object.entries(good).filter(([key]) => key !== field));
    expect(verdict(without)).toBe('ERR_XFER_PROTOCOL');
    expect(changed({ [field]: { a: 1 } })).toBe('ERR_XFER_PROTOCOL');
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['no map', encode('hello')],
    ['half of one', encode(good).subarray(0, 40)],
    ['one with bytes behind it', Buffer.concat([encode(good), Uint8Array.of(0)])],
    ['a map that claims 2^32 entries', Uint8Array.of(0xba, 0xff, 0xff, 0xff, 0xff)],
    ['a tag', Buffer.concat([Uint8Array.of(0xc0), encode(good)])],
  ])('is refused where it is %s', (_, bytes) => {
    expect(() => readHello(bytes, 'send')).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_PROTOCOL', exit: 3 }) as Error,
    );
  });
});
