import { decode } from 'cborg';
import { frameType } from '../../src/mux/frame.js';
import { encodeFrame } from '../../src/mux/encode.js';
import { recordKind } from '../../src/session/record-header.js';
import { entryKind, type ManifestEntry } from '../../src/transfer/entry-codec.js';
import { encodeTransferMessage } from '../../src/transfer/messages.js';
import { encodeAny, randomValue } from './fuzz-cbor.js';
import { sessionStream } from './fuzz-peer.js';
import type { FuzzRandom } from './fuzz-random.js';
import { contentOf, type FuzzFile, type FuzzSession } from './fuzz-session.js';
import { hostileTargets } from './hostile-names.js';

/** Something to do in a session. False where it cannot be done now. */
export interface FuzzStep {
  readonly kind: string;
  run(session: FuzzSession, random: FuzzRandom): Promise<boolean>;
}

/** Batches that the receiver may have to do at once; past twice as many it takes none. */
const mostUndeclared = 4;

type Offer = Omit<ManifestEntry, 'id'>;

const file = (session: FuzzSession, random: FuzzRandom, at: number): Offer => ({
  ...plain,
  path: `${random.pick(['f', 'F\u00e9', '\u65e5\u672c', '\u{1f600}', 'x'.repeat(200)])}${session.entries + at}-${random.below(4)}`,
  size: random.chance(3) ? 0 : random.below(3000),
  mode: random.below(512),
  mtimeSeconds: random.pick([0, 1, 2 ** 31, 2 ** 32 + 7, 1_000_000_000, -1, -1_000_000]),
  mtimeNanoseconds: random.below(1_000_000_000),
});

const directory = (session: FuzzSession, random: FuzzRandom, at: number): Offer => ({
  ...file(session, random, at),
  kind: entryKind.directory,
  path: `d${session.entries + at}`,
  size: 0,
  mode: 0o700 | random.below(512),
});

const link = (session: FuzzSession, at: number, target: string): Offer => ({
  ...plain,
  kind: entryKind.link,
  path: `l${session.entries + at}`,
  target,
});

/** Files, directories with files in them, and links, with values at the edge of what is allowed. */
export function oddOffers(session: FuzzSession, random: FuzzRandom): Offer[] {
  const offers: Offer[] = [];
  for (let count = 1 + random.below(3); count > 0; count--) {
    const choice = random.below(6);
    if (choice === 0)
      offers.push(link(session, offers.length, random.pick(['.', 'f1', 'd1/x', 'nowhere', '\u00e9'])));
    else if (choice === 1) {
      const parent = directory(session, random, offers.length);
      offers.push(parent, {
        ...file(session, random, offers.length + 1),
        path: `${parent.path}/f${random.below(3)}`,
      });
    } else offers.push(file(session, random, offers.length));
  }
  return offers;
}

const plain: Offer = {
  kind: entryKind.file,
  path: '',
  size: 0,
  mode: 0o644,
  mtimeSeconds: 1,
  mtimeNanoseconds: 0,
  target: '',
  token: new Uint8Array(8),
};

async function declare(
  session: FuzzSession,
  random: FuzzRandom,
  offers = oddOffers(session, random),
): Promise<boolean> {
  await session.peer.until(() => session.undeclared < mostUndeclared);
  await session.peer.data(session.message(session.manifest(offers)));
  return true;
}

const unfinished = ({ open }: FuzzSession): FuzzFile | undefined =>
  open.find(({ size, sent }) => sent < size);

/** What an honest sender does next: not counted. */
export async function goOn(session: FuzzSession, random: FuzzRandom): Promise<void> {
  const next = unfinished(session);
  const done = session.open.find(({ size, sent }) => sent === size);
  if (next && random.chance(2)) return session.peer.data(session.content(next, 1 + random.below(2000)));
  if (done) return session.peer.data(session.message(session.finished(done)));
  await declare(session, random);
}

/** All that is open is sent and finished, then the end is said: the receiver commits. */
export async function complete(session: FuzzSession): Promise<void> {
  for (const open of [...session.open]) {
    while (open.sent < open.size) await session.peer.data(session.content(open, 65_536));
    await session.peer.data(session.message(session.finished(open)));
  }
  await session.peer.data(session.message(session.end()));
  await session.peer.until(() => false);
}

/** A text that begins with a byte order mark is no link but a breach. */
const targetsOut = hostileTargets.filter((target) => !target.startsWith('\ufeff'));

/** Messages that say nothing new. */
const nothing = (random: FuzzRandom): Uint8Array =>
  encodeAny({ ...(random.chance(2) ? { more: randomValue(random) } : {}), type: 'finished', ids: [] });

/** Nothing here ends a session: what is unknown is ignored, what came twice is dropped, the order is found again. */
export const oddities: readonly FuzzStep[] = [
  { kind: 'manifest of odd entries', run: declare },
  {
    kind: 'manifest with unknown fields',
    async run(session, random) {
      await session.peer.until(() => session.undeclared < mostUndeclared);
      const message = decode(encodeTransferMessage(session.manifest(oddOffers(session, random)))) as object;
      const more = { unknown: randomValue(random), '': randomValue(random), toString: 1 };
      await session.peer.data(session.control(encodeAny({ ...more, ...message })));
      return true;
    },
  },
  {
    kind: 'links that lead out',
    run: (session, random) => declare(session, random, [link(session, 0, random.pick(targetsOut))]),
  },
  {
    kind: 'control number again',
    async run(session, random) {
      const entry = 1 + random.below(session.number);
      await session.peer.data(
        session.seal({ entry, offset: session.heard }, random.bytes(random.below(200))),
      );
      return true;
    },
  },
  {
    kind: 'control numbers out of order',
    async run(session, random) {
      const count = 2 + random.below(5);
      const first = session.number + 1;
      session.number += count;
      for (let entry = first + count - 1; entry >= first; entry--)
        await session.peer.data(session.seal({ entry, offset: session.heard }, nothing(random)));
      return true;
    },
  },
  {
    kind: 'control without number but with a body',
    async run(session, random) {
      await session.peer.data(
        session.seal(
          { offset: random.below(session.heard + 1), number: random.below(9) },
          random.bytes(random.below(300)),
        ),
      );
      return true;
    },
  },
  {
    kind: 'control that says nothing',
    async run(session, random) {
      await session.peer.data(session.control(nothing(random)));
      return true;
    },
  },
  {
    kind: 'file given up',
    async run(session, random) {
      if (session.open.length === 0) return false;
      const [given] = session.open.splice(random.below(session.open.length), 1);
      if (given) await session.peer.data(session.message({ type: 'failed', id: given.id }));
      return true;
    },
  },
  {
    kind: 'content of no bytes',
    async run(session, random) {
      if (session.open.length === 0) return false;
      const { id, size } = random.pick(session.open);
      const header = {
        kind: recordKind.content,
        entry: id,
        offset: random.below(size + 1),
        number: session.records++,
      };
      await session.peer.data(session.seal(header, new Uint8Array()));
      return true;
    },
  },
  {
    kind: 'content backwards, numbers too',
    async run(session, random) {
      const open = session.open.find(({ sent, size }) => sent === 0 && size > 1);
      if (!open) return false;
      const cut = 1 + random.below(open.size - 1);
      const number = session.records;
      session.records += 2;
      for (const [from, to, ahead] of [
        [cut, open.size, 1],
        [0, cut, 0],
      ] as const) {
        const header = { kind: recordKind.content, entry: open.id, offset: from, number: number + ahead };
        await session.peer.data(session.seal(header, contentOf(open.size, from, to - from)));
      }
      open.sent = open.size;
      return true;
    },
  },
  {
    kind: 'record in crumbs',
    async run(session, random) {
      const record = session.control(nothing(random));
      for (let at = 0; at < record.length;) {
        const piece = record.subarray(at, at + 1 + random.below(40));
        await session.peer.data(piece);
        at += piece.length;
      }
      return true;
    },
  },
  {
    kind: 'other frames within a record',
    async run(session, random) {
      const record = session.control(nothing(random));
      const cut = random.below(record.length);
      await session.peer.data(record.subarray(0, Math.max(1, cut)));
      session.peer.send(strayFrame(session, random));
      await session.peer.data(record.subarray(Math.max(1, cut)));
      return true;
    },
  },
];

/** A frame that a receiver answers or ignores. */
function strayFrame(session: FuzzSession, random: FuzzRandom): Uint8Array {
  const eight = Buffer.alloc(8);
  switch (random.below(4)) {
    case 0:
      return encodeFrame(
        // Behind the two that mean something.
        0x82 + random.below(126),
        random.below(256),
        random.oddInteger(),
        random.bytes(random.below(3000)),
      );
    case 1:
      return encodeFrame(frameType.keepaliveAck, 0, 0, eight);
    case 2:
      eight.writeUIntBE((session.peer.granted += random.below(1_000_000)), 2, 6);
      return encodeFrame(frameType.window, 0, sessionStream, eight);
    default:
      return encodeFrame(
        frameType.streamOpen,
        0,
        (session.peer.lastOpened += 2),
        random.bytes(9 + random.below(40)).fill(0, 0, 2),
      );
  }
}
