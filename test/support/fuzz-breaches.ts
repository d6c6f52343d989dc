import { decode, decodeFirst } from 'cborg';
import { frameFlag, frameType } from '../../src/mux/frame.js';
import { encodeHello, ownHello } from '../../src/session/hello.js';
import { encodeRecordHeader, recordKind } from '../../src/session/record-header.js';
import { entryKind, type ManifestEntry } from '../../src/transfer/entry-codec.js';
import { encodeTransferMessage, type TransferMessage } from '../../src/transfer/messages.js';
import { encodeAny, mutatedEncoding, mutatedValue, randomValue } from './fuzz-cbor.js';
import { oddOffers, type FuzzStep } from './fuzz-oddities.js';
import { sessionStream } from './fuzz-peer.js';
import type { FuzzRandom } from './fuzz-random.js';
import type { FuzzSession } from './fuzz-session.js';
import { hostileOffers } from './hostile-names.js';
import { randomFrame } from './fuzz-strangers.js';

type Make = (session: FuzzSession, random: FuzzRandom) => Uint8Array | undefined;

/** A step that sends what `make` gives; nothing where it cannot be made now. */
const step = (kind: string, make: Make): FuzzStep => ({
  kind,
  async run(session, random) {
    const bytes = make(session, random);
    if (bytes) await session.peer.data(bytes);
    return bytes !== undefined;
  },
});

/** A message of each type as it could be said now. */
const messages: Readonly<
  Record<TransferMessage['type'], (session: FuzzSession, random: FuzzRandom) => TransferMessage>
> = {
  begin: (session, random) => ({
    ...session.begin(),
    resume: random.chance(2),
    update: random.below(3),
    remove: random.chance(2),
  }),
  manifest: (session, random) => ({
    type: 'manifest',
    entries: oddOffers(session, random).map((offer, at) => ({ ...offer, id: session.entries + at })),
  }),
  finished: ({ open }) => ({ type: 'finished', ids: open.slice(0, 3).map(({ id }) => id) }),
  failed: ({ open }, random) => ({ type: 'failed', id: open[0]?.id ?? random.below(9) }),
  holes: ({ open }, random) => ({
    type: 'holes',
    id: open[0]?.id ?? random.below(9),
    ranges: [[random.oddInteger(), random.oddInteger()]],
  }),
  keep: ({ open }, random) => ({
    type: 'keep',
    id: open[0]?.id ?? random.below(9),
    ranges: [[random.oddInteger(), random.oddInteger()]],
  }),
  compared: ({ open }, random) => ({
    type: 'compared',
    id: open[0]?.id ?? random.below(9),
    isSame: random.chance(2),
  }),
  group: (_session, random) => ({
    type: 'group',
    lane: random.below(9),
    epoch: random.bytes(16),
    key: random.bytes(32),
    cipher: random.chance(2) ? 1 : 2,
  }),
  sealed: (_session, random) => ({ type: 'sealed', from: random.below(3), digests: new Uint8Array(64) }),
  grouped: (_session, random) => ({ type: 'grouped', lane: random.below(9) }),
  ungroup: (_session, random) => ({ type: 'ungroup', lane: random.below(9) }),
  end: (session) => session.end(),
  declared: (_session, random) => ({ type: 'declared', entries: random.below(9) }),
  received: (_session, random) => ({ type: 'received', ranges: [[0, random.below(9)]] }),
  again: (_session, random) => ({ type: 'again', ranges: [[0, random.below(9)]] }),
  durable: (_session, random) => ({ type: 'durable', bytes: random.oddInteger() }),
  digests: (_session, random) => ({
    type: 'digests',
    id: random.below(9),
    from: random.oddInteger(),
    digests: new Uint8Array(16),
    isLast: random.chance(2),
  }),
  'left-out': (_session, random) => ({ type: 'left-out', id: random.below(9), reason: 'none' }),
  committed: (session) => ({ type: 'committed', files: session.files, bytes: session.bytes }),
  parcel: (_session, random) => ({
    type: 'parcel',
    entry: {
      ...{ id: random.below(2), kind: entryKind.file, path: `p${random.below(9)}`, size: 3, mode: 0o600 },
      ...{ mtimeSeconds: 0, mtimeNanoseconds: 0, target: '', token: new Uint8Array() },
    },
    content: random.bytes(random.below(9)),
  }),
  parcelled: (_session, random) => ({ type: 'parcelled', isTaken: random.chance(2) }),
  ping: (_session, random) => ({ type: 'ping', number: random.oddInteger() }),
  pong: (_session, random) => ({ type: 'pong', number: random.oddInteger() }),
  abort: (_session, random) => ({ type: 'abort', wire: random.below(100), message: 'a\u001b[2J\nb' }),
};
const types = Object.keys(messages) as TransferMessage['type'][];

/** A message with another value in its map; what stands behind the map stays there. */
function withAnotherValue(message: TransferMessage, random: FuzzRandom): Uint8Array {
  const [value, behind] = decodeFirst(encodeTransferMessage(message)) as [unknown, Uint8Array];
  return Buffer.concat([encodeAny(mutatedValue(value, random)), behind]);
}

const cbor: readonly FuzzStep[] = types.flatMap((type) => [
  step(`value in ${type}`, (session, random) =>
    session.control(withAnotherValue(messages[type](session, random), random)),
  ),
  step(`encoding of ${type}`, (session, random) =>
    session.control(mutatedEncoding(encodeTransferMessage(messages[type](session, random)), random)),
  ),
  step(`out of turn: ${type}`, (session, random) =>
    type === 'manifest' ? undefined : session.message(messages[type](session, random)),
  ),
]);

const bodies: readonly FuzzStep[] = [
  step('any value', (session, random) => session.control(encodeAny(randomValue(random)))),
  step('any bytes', (session, random) => session.control(random.bytes(random.below(400)))),
  step('too large a message', (session, random) =>
    session.control(Buffer.alloc(256 * 1024 + 1 + random.below(9), 0x80)),
  ),
];

/** Entries that fit the schema and nothing else. */
const manifests: readonly FuzzStep[] = [
  ...(
    [
      [
        'hostile name',
        (random) => ({ path: random.pick(random.pick(random.pick(hostileOffers).batches)).path }),
      ],
      ['number', (random) => ({ id: random.oddInteger() + 70 })],
      ['target of a file', () => ({ target: 'x' })],
      ['size of a directory', () => ({ kind: entryKind.directory, size: 1 })],
      [
        'a time beyond',
        (random) => ({
          mtimeSeconds: random.pick([2 ** 40, -(2 ** 40), 2 ** 35, 2 ** 34, -(2 ** 34)]),
          size: 0,
        }),
      ],
      ['below what is not there', (random) => ({ path: `nothing/${random.below(9)}` })],
      ['below a file of others', () => ({ path: 'f0-0/x', size: 0 })],
      ['where a directory is', () => ({ path: 'd0', size: 0 })],
      ['an immense size', (random) => ({ size: random.pick([2 ** 40, Number.MAX_SAFE_INTEGER]) })],
    ] satisfies [string, (random: FuzzRandom) => object][]
  ).map(([kind, change]): FuzzStep => ({
    kind: `entry with ${kind}`,
    async run(session, random) {
      const [first] = oddOffers(session, random);
      const id = session.entries++;
      if (!first) return false;
      const entry: ManifestEntry = { ...first, kind: entryKind.file, target: '', id, ...change(random) };
      await session.peer.data(session.message({ type: 'manifest', entries: [entry] }));
      await session.peer.fence();
      // Whoever let it pass is told that it is whole, and has to find a place for it.
      if (entry.size === 0 && entry.kind === entryKind.file)
        await session.peer.data(session.message({ type: 'finished', ids: [id] }));
      else
        await session.peer.data(
          session.seal(
            {
              kind: recordKind.content,
              entry: id,
              offset: Math.max(0, entry.size - 1),
              number: session.records++,
            },
            Buffer.of(7),
          ),
        );
      return true;
    },
  })),
  {
    kind: 'more manifests than asked for',
    async run(session, random) {
      for (let count = 24; count > 0; count--)
        await session.peer.data(session.message(session.manifest(oddOffers(session, random))));
      return true;
    },
  },
  step('the same entry twice', (session, random) => {
    const [offer] = oddOffers(session, random);
    return offer && session.message(session.manifest([offer, offer]));
  }),
];

/** Changes one field of what an honest record of content says. */
const content = (
  kind: string,
  change: (session: FuzzSession, random: FuzzRandom, size: number) => object,
): FuzzStep =>
  step(`content: ${kind}`, (session, random) => {
    const [open] = session.open;
    if (!open) return undefined;
    const header = { kind: recordKind.content, entry: open.id, offset: open.sent, number: session.records };
    return session.seal({ ...header, ...change(session, random, open.size) }, Buffer.of(1, 2, 3));
  });

const contents: readonly FuzzStep[] = [
  content('entry', (_session, random) => ({ entry: random.oddInteger() + 99 })),
  content('layout', (_session, random) => ({ layout: 1 + random.below(255) })),
  content('offset', (_session, random, size) => ({ offset: Math.max(0, size - 2) + random.below(2 ** 31) })),
  content('offset at the end of all', () => ({ offset: Number.MAX_SAFE_INTEGER })),
  content('number again', ({ records }, random) => ({
    number: records > 0 ? random.below(records) : 0,
    offset: 2 ** 52,
  })),
  content('number', (_session, random) => ({ number: random.oddInteger(), offset: 2 ** 51 })),
  content('kind', (_session, random) => ({ kind: random.pick([0, 3, 255]) })),
  step('header of any bytes', (session, random) =>
    session.sealPlain(random.bytes(32), random.bytes(random.below(99))),
  ),
  step('header with other bytes', (session, random) => {
    const header = encodeRecordHeader({ kind: 1, layout: 0, bodyBytes: 5, entry: 1, offset: 0, number: 0 });
    return session.sealPlain(random.flipped(header), random.bytes(5));
  }),
  step('control with a layout', (session, random) =>
    session.seal({ layout: 1 + random.below(200), entry: session.number }, random.bytes(9)),
  ),
];

const controls: readonly FuzzStep[] = [
  step('control number too far ahead', (session, random) =>
    session.seal({ entry: session.number + 1025 + (random.oddInteger() % 2 ** 50) }, random.bytes(9)),
  ),
  step('acknowledges what was never sent', (session, random) =>
    session.seal(
      { offset: session.heard + 100 + (random.oddInteger() % 2 ** 50) },
      random.bytes(random.below(9)),
    ),
  ),
];

const sealed: readonly FuzzStep[] = [
  step('sealed: bits', (session, random) => {
    const record = session.control(random.bytes(40 + random.below(200)));
    return Buffer.concat([record.subarray(0, 4), random.flipped(record.subarray(4))]);
  }),
  step('sealed: length', (session, random) => {
    const record = Buffer.from(session.control(random.bytes(40)));
    record.writeUInt32BE(random.pick([0, 1, 63, 2 ** 20 + 65, 2 ** 31, 2 ** 32 - 1]));
    return record;
  }),
  step('sealed: twice', (session, random) => {
    const record = session.control(encodeTransferMessage({ type: 'finished', ids: [] }));
    return Buffer.concat([record, record, random.bytes(random.below(9))]);
  }),
  step('sealed: one is missing', (session) => {
    session.control(encodeTransferMessage({ type: 'finished', ids: [] }));
    return session.control(encodeTransferMessage({ type: 'finished', ids: [] }));
  }),
  step('sealed: two are swapped', (session) => {
    const first = session.control(encodeTransferMessage({ type: 'finished', ids: [] }));
    return Buffer.concat([session.control(encodeTransferMessage({ type: 'finished', ids: [] })), first]);
  }),
  step('sealed: content with other bytes', (session, random) => {
    const open = session.open.find(({ size, sent }) => size > sent);
    if (!open) return undefined;
    const record = session.content(open, 500);
    return Buffer.concat([record.subarray(0, 52), random.flipped(record.subarray(52))]);
  }),
  step('no record at all', (_session, random) => Buffer.concat([Buffer.of(0, 0, 0, 80), random.bytes(80)])),
];

const ends: readonly FuzzStep[] = [
  ...(['entries', 'files', 'bytes', 'records'] as const).map((field) =>
    step(`end with other ${field}`, (session, random) => {
      const end = session.end();
      return session.message({ ...end, [field]: end[field] + 1 + random.below(9) });
    }),
  ),
  step('an end and something behind it', (session, random) =>
    Buffer.concat([session.message(session.end()), session.message(messages.manifest(session, random))]),
  ),
];

const link: readonly FuzzStep[] = [
  {
    kind: 'a fin',
    async run(session) {
      await session.peer.data(
        session.control(encodeTransferMessage({ type: 'finished', ids: [] })),
        frameFlag.finWrite,
      );
      return true;
    },
  },
  {
    kind: 'a fin within a record',
    async run(session, random) {
      const record = session.control(random.bytes(50));
      await session.peer.data(record.subarray(0, 1 + random.below(record.length - 1)), frameFlag.finWrite);
      return true;
    },
  },
  ...([frameType.streamReset, frameType.stop] as const).map((type): FuzzStep => ({
    kind: type === frameType.stop ? 'a stop' : 'a reset',
    run(session, random) {
      session.peer.frame(type, 0, sessionStream, random.bytes(4));
      return Promise.resolve(true);
    },
  })),
  {
    kind: 'any frame',
    run(session, random) {
      session.peer.send(randomFrame(random).bytes);
      return Promise.resolve(true);
    },
  },
  {
    kind: 'more than was granted',
    run(session) {
      const piece = Buffer.alloc(16 * 1024);
      for (let count = 18; count > 0; count--)
        session.peer.frame(frameType.streamData, 0, sessionStream, piece);
      return Promise.resolve(true);
    },
  },
];

/** What no honest sender does in a session. Some of it passes; most ends the session. */
export const breaches: readonly FuzzStep[] = [
  ...cbor,
  ...bodies,
  ...manifests,
  ...contents,
  ...controls,
  ...sealed,
  ...ends,
  ...link,
];

const hello = ownHello('send', 'fuzz', false);

/** In place of the first message. */
export const firstMessages: readonly FuzzStep[] = [
  step('hello: value', (session, random) =>
    session.control(encodeAny(mutatedValue(decode(encodeHello(hello)), random))),
  ),
  step('hello: encoding', (session, random) => session.control(mutatedEncoding(encodeHello(hello), random))),
  step('hello: unknown fields', (session, random) =>
    session.control(encodeAny({ more: randomValue(random), ...(decode(encodeHello(hello)) as object) })),
  ),
  step('hello: versions', (session, random) =>
    session.control(
      encodeHello({ ...hello, lowestVersion: random.below(70_000), highestVersion: random.below(70_000) }),
    ),
  ),
  step('hello: the same role', (session) => session.control(encodeHello({ ...hello, role: 'recv' }))),
  step('hello: too long', (session, random) =>
    session.control(
      encodeAny({ ...(decode(encodeHello(hello)) as object), more: 'x'.repeat(16_384 + random.below(99)) }),
    ),
  ),
  step('hello: much of everything', (session) =>
    session.control(
      encodeHello({
        ...hello,
        capabilities: Array.from({ length: 64 }, () => 'c'.repeat(64)),
        listens: Array.from({ length: 16 }, () => 'l'.repeat(256)),
        name: '\u001b[2J'.repeat(25),
      }),
    ),
  ),
  step('content before hello', (session, random) =>
    session.seal({ kind: recordKind.content }, random.bytes(9)),
  ),
  step('a message that overtakes hello', (session, random) => {
    session.number++;
    const later = session.control(encodeTransferMessage(messages[random.pick(types)](session, random)));
    return Buffer.concat([later, session.seal({ entry: 1 }, encodeHello(hello))]);
  }),
  step('another message for hello', (session, random) =>
    session.control(encodeTransferMessage(messages[random.pick(types)](session, random))),
  ),
];
