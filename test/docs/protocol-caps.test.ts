import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/session/schema.js';
import { readHello } from '../../src/session/hello.js';
import { decodePipeMessage } from '../../src/pipe/messages.js';
import { decodeTransferMessage } from '../../src/transfer/messages.js';
import { numberOf, tableWith } from './protocol-page.js';

const text = (length: number) => 'x'.repeat(length);
const list = <Item>(length: number, item: Item) => Array.from({ length }, () => item);

/** An entry with one of its nine parts in the place of an honest one. */
const entry = (at: number, part: unknown) =>
  [0, 2, 'p', 0, 0, 0, 0, 't', new Uint8Array()].map((good, i) => (i === at ? part : good));
const manifest = (...entries: unknown[]) => ({ type: 'manifest', entries });
/** One with a tenth part. */
const more = (value: object) => manifest([...entry(-1, 0), value]);
/** That of a name and a value which are so long. */
const attributes = (...lengths: readonly (readonly [number, number])[]) =>
  more({
    attributes: lengths.map(([name, bytes]) => [`user.${text(name - 5)}`, new Uint8Array(bytes)]),
  });

/** What a message with so much of each capped part looks like. */
const messages: Readonly<Record<string, (value: number) => Record<string, unknown>>> = {
  'begin.update': (n) => ({
    type: 'begin',
    key: new Uint8Array(16),
    resume: false,
    update: n,
    remove: false,
  }),
  'manifest.entries': (n) => manifest(...list(n, entry(0, 0))),
  'entry.kind': (n) => manifest(entry(1, n)),
  'entry.path': (n) => manifest(entry(2, text(n))),
  'entry.size': (n) => manifest(entry(3, n)),
  'entry.mode': (n) => manifest(entry(4, n)),
  'entry.seconds': (n) => manifest(entry(5, n)),
  'entry.nanoseconds': (n) => manifest(entry(6, n)),
  'entry.target': (n) => manifest(entry(7, text(n))),
  'more.allocated': (n) => more({ allocated: n }),
  'owner.uid': (n) => more({ owner: [n, 0] }),
  'owner.gid': (n) => more({ owner: [0, n] }),
  'more.attributes': (n) => attributes(...list(n, [6, 0] as const)),
  'attribute.name': (n) => attributes([n, 0]),
  'attribute.value': (n) => attributes([6, n]),
  'finished.ids': (n) => ({ type: 'finished', ids: list(n, 1) }),
  'holes.ranges': (n) => ({ type: 'holes', id: 0, ranges: list(n, [0, 1]) }),
  'keep.ranges': (n) => ({ type: 'keep', id: 0, ranges: list(n, [0, 1]) }),
  'declared.skip': (n) => ({ type: 'declared', entries: 0, skip: list(n, 1) }),
  'declared.have': (n) => ({ type: 'declared', entries: 0, have: list(n, [0, []]) }),
  'declared.compare': (n) => ({ type: 'declared', entries: 0, compare: list(n, [0, true]) }),
  'have.ranges': (n) => ({ type: 'declared', entries: 0, have: [[0, list(n, [0, 1])]] }),
  'digests.digests': (n) => ({
    type: 'digests',
    id: 0,
    from: 0,
    digests: new Uint8Array(n),
    isLast: true,
  }),
  'sealed.digests': (n) => ({ type: 'sealed', from: 0, digests: new Uint8Array(n) }),
  'again.ranges': (n) => ({ type: 'again', ranges: list(n, [0, 1]) }),
  'received.ranges': (n) => ({ type: 'received', ranges: list(n, [0, 1]) }),
  'left-out.reason': (n) => ({ type: 'left-out', id: 0, reason: text(n) }),
  'abort.wire': (n) => ({ type: 'abort', wire: n, message: '' }),
  'abort.message': (n) => ({ type: 'abort', wire: 1, message: text(n) }),
};

const refused = expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }) as Error;
const transfer = (message: Record<string, unknown>) => () => decodeTransferMessage(encodeMessage(message));

describe('the caps of messages in docs/protocol.md', () => {
  const rows = tableWith('cap', 'least', 'most').map((row) => row.map((cell) => cell.replaceAll('`', '')));

  it('are all that are tried here', () => {
    expect(rows.map(([name]) => name)).toEqual(Object.keys(messages));
  });

  it.each(rows)('%s is from %s to %s', (name = '', least = '', most = '') => {
    const of = messages[name] ?? expect.unreachable(name);
    const [lowest, highest] = [numberOf(least), numberOf(most)];
    expect(transfer(of(lowest))).not.toThrow();
    expect(transfer(of(highest))).not.toThrow();
    expect(transfer(of(highest + 1))).toThrow(refused);
    // A length below 0 cannot be said.
    const isLength = /entries|path|target|attribute|ids|skip|have|compare|ranges|digests|reason|message/.test(
      name,
    );
    if (lowest !== 0 || !isLength) expect(transfer(of(lowest - 1))).toThrow(refused);
  });
});

describe('the caps of pipe messages in docs/protocol.md', () => {
  const reason = (type: string, rest: object = {}) => ({
    wire: (n: number) => ({ type, ...rest, wire: n, message: '' }),
    message: (n: number) => ({ type, ...rest, wire: 1, message: text(n) }),
  });
  const ranges = (type: string) => (n: number) => ({ type, ranges: list(n, [0, 1]) });
  const kinds: Readonly<Record<string, (value: number) => Record<string, unknown>>> = {
    'open.name': (n) => ({ type: 'open', id: 0, name: text(n) }),
    'refused.code': (n) => ({ type: 'refused', id: 0, code: n, wire: 1, message: '' }),
    'refused.wire': reason('refused', { id: 0, code: 1 }).wire,
    'refused.message': reason('refused', { id: 0, code: 1 }).message,
    'received.ranges': ranges('received'),
    'again.ranges': ranges('again'),
    'stop.wire': reason('stop', { id: 0 }).wire,
    'stop.message': reason('stop', { id: 0 }).message,
    'reset.wire': reason('reset', { id: 0 }).wire,
    'reset.message': reason('reset', { id: 0 }).message,
    'abort.wire': reason('abort').wire,
    'abort.message': reason('abort').message,
  };
  const rows = tableWith('pipe cap', 'most').map((row) => row.map((cell) => cell.replaceAll('`', '')));
  const read = (message: Record<string, unknown>) => () => decodePipeMessage(encodeMessage(message));

  it('are all that are tried here', () => {
    expect(rows.map(([name]) => name)).toEqual(Object.keys(kinds));
  });

  it.each(rows)('%s is at most %s', (name = '', most = '') => {
    const of = kinds[name] ?? expect.unreachable(name);
    for (const value of [0, numberOf(most)]) expect(read(of(value))).not.toThrow();
    expect(read(of(numberOf(most) + 1))).toThrow(refused);
  });
});

describe('the caps of HELLO in docs/protocol.md', () => {
  const good = { v: [2, 2], caps: [], threshold: 0, listens: [], role: 'send', name: '', remember: false };
  const fields: Readonly<Record<string, (value: number) => object>> = {
    v: (n) => ({ v: [1, n] }),
    caps: (n) => ({ caps: list(n, 'c') }),
    'caps[]': (n) => ({ caps: [text(n)] }),
    threshold: (n) => ({ threshold: n }),
    listens: (n) => ({ listens: list(n, 'u') }),
    'listens[]': (n) => ({ listens: [text(n)] }),
    name: (n) => ({ name: text(n) }),
  };
  const rows = tableWith('field', 'value', 'cap', 'what').map((row) =>
    row.map((cell) => cell.replaceAll('`', '')),
  );
  const read = (change: object) => () => readHello(encodeMessage({ ...good, ...change }), 'recv');

  it('are all that are tried here, and its fields all that there are', () => {
    expect(rows.filter(([, , cap]) => cap !== '').map(([name]) => name)).toEqual(Object.keys(fields));
    const isOptional = (value = '') => value.startsWith('optional');
    expect(rows.filter(([, value]) => isOptional(value)).map(([name]) => name)).toEqual([
      'trustFabric',
      'benchProof',
    ]);
    const names = rows
      .filter(([name, value]) => !name?.endsWith('[]') && !isOptional(value))
      .map(([name]) => name);
    expect(names).toEqual(Object.keys(good));
    for (const name of names) {
      const { [name as keyof typeof good]: dropped, ...others } = good;
      expect(dropped).toBeDefined();
      expect(() => readHello(encodeMessage(others), 'recv'), name).toThrow(refused);
    }
  });

  it.each(rows.filter(([, , cap]) => cap !== ''))('%s, %s, is at most %s', (name = '', _value, cap = '') => {
    const of = fields[name] ?? expect.unreachable(name);
    expect(read(of(numberOf(cap)))).not.toThrow();
    expect(read(of(numberOf(cap) + 1))).toThrow(refused);
  });
});
