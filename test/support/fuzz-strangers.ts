import { encodeFrame, encodeOpen } from '../../src/mux/encode.js';
import { frameType } from '../../src/mux/frame.js';
import { encodeHello } from '../../src/mux/hello.js';
import { sessionHeader } from '../../src/session/stream-headers.js';
import { alterations, codeAlterations } from './fuzz-handshake-units.js';
import { dialFuzz, type FuzzCredentials } from './fuzz-handshake.js';
import { FuzzPeer, linkHello, sessionStream, type FuzzTarget } from './fuzz-peer.js';
import type { FuzzRandom } from './fuzz-random.js';
import type { FuzzTally } from './fuzz-tally.js';

export interface FuzzContext {
  readonly target: FuzzTarget;
  readonly random: FuzzRandom;
  readonly tally: FuzzTally;
  /** A key that the receiver knows, the code with that key, and a key that it does not know. */
  readonly known: FuzzCredentials;
  readonly coded: FuzzCredentials;
  readonly unknown: FuzzCredentials;
}

/** One connection of somebody who proves nothing. */
export async function fuzzStranger(context: FuzzContext): Promise<void> {
  const { random } = context;
  const choice = random.below(100);
  if (choice < 12) return noise(context);
  if (choice < 22) return brokenHello(context);
  if (choice < 66) return frames(context);
  if (choice < 98) return handshake(context);
  return flood(context);
}

const words = [
  'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'SSH-2.0-OpenSSH_9.9\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'xfer',
  '\0'.repeat(4096),
  '',
];

/** Bytes that are no frames at all. */
async function noise({ target, random, tally }: FuzzContext): Promise<void> {
  const peer = await FuzzPeer.open(target);
  if (random.chance(3)) peer.send(encodeHello(frameType.linkHello, linkHello));
  for (let count = 1 + random.below(4); count > 0 && !peer.isLinkOver(); count--)
    peer.send(random.chance(4) ? Buffer.from(random.pick(words), 'latin1') : random.bytes(random.below(600)));
  await (random.chance(4) ? peer.tearOff() : peer.leave());
  tally.add('link: no frames', peer.end ?? 'nothing');
}

/** A link's hello with something wrong about it, or something else before it. */
async function brokenHello({ target, random, tally }: FuzzContext): Promise<void> {
  const peer = await FuzzPeer.open(target);
  const good = Buffer.from(encodeHello(frameType.linkHello, linkHello));
  const odd = () => random.word() >>> random.below(32);
  const [kind, bytes] = random.pick<() => [string, Uint8Array]>([
    () => ['bits', random.flipped(good)],
    () => ['cut', good.subarray(0, random.below(good.length))],
    () => [
      'longer',
      encodeFrame(0x20, 0, 0, Buffer.concat([good.subarray(14), random.bytes(random.below(300))])),
    ],
    () => ['twice', Buffer.concat([good, good])],
    () => ['acknowledged', encodeHello(frameType.linkHelloAck, linkHello)],
    () => [
      'version',
      encodeHello(0x20, { ...linkHello, lowestVersion: odd() & 0xffff, highestVersion: odd() & 0xffff }),
    ],
    () => ['payload', encodeHello(0x20, { ...linkHello, maxPayloadBytes: odd(), firstWindowBytes: odd() })],
    () => ['counts', encodeHello(0x20, { ...linkHello, maxStreams: odd(), maxPendingOpens: odd() })],
    () => ['other first', encodeOpen(sessionStream, 2 ** 20, 0, sessionHeader)],
  ])();
  peer.send(bytes);
  await peer.leave();
  tally.add(`link hello: ${kind}`, peer.end ?? 'nothing');
}

const types = [...Object.values(frameType), 0x00, 0x0a, 0x1f, 0x24, 0x7f, 0x80, 0x9c, 0xff];
const nameOf = (type: number) =>
  Object.entries(frameType).find(([, value]) => value === type)?.[0] ??
  (type >= 0x80 ? 'ignorable' : 'unknown');
const right: Readonly<Record<number, number>> = {
  1: 14,
  2: 8,
  3: 4,
  5: 0,
  6: 4,
  7: 8,
  8: 8,
  9: 4,
  0x22: 8,
  0x23: 8,
};

/** Frames of every type, one after the other, until the receiver has had enough. */
async function frames({ target, random, tally }: FuzzContext): Promise<void> {
  const peer = await FuzzPeer.open(target);
  peer.begin(
    random.chance(3) ? 'no stream' : random.chance(4) ? random.bytes(random.below(40)) : sessionHeader,
  );
  for (let count = 1 + random.below(60); count > 0 && !peer.isLinkOver(); count--) {
    const { type, bytes } = randomFrame(random);
    peer.send(bytes);
    await peer.fence(true);
    tally.add(`frame: ${nameOf(type)}`, peer.isLinkOver() ? (peer.end ?? 'nothing') : 'taken');
  }
  await (random.chance(2) ? peer.tearOff() : peer.leave());
}

/** More often than not one that means something. */
export function randomFrame(random: FuzzRandom): { type: number; bytes: Uint8Array } {
  const harmless = [frameType.keepalive, frameType.keepaliveAck, frameType.streamOpen, 0x80, 0xff];
  const type = random.chance(7) ? random.pick(types) : random.pick([...harmless, frameType.window]);
  const onLink = type >= 0x20 && type < 0x80;
  const ids = [1, 1, 1, 3, 5, 7, 2, 0, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
  const id = random.chance(12)
    ? random.pick(ids)
    : onLink
      ? 0
      : type === 1
        ? 3 + 2 * random.below(2 ** 20)
        : 1;
  const length = random.chance(12) ? random.below(300) : (right[type] ?? random.below(40));
  const payload = random.bytes(length);
  // Half of all limits and last ids are ones that could be meant.
  if (payload.length >= 8 && !random.chance(3)) payload.writeUInt32BE(0, 0);
  if (type === frameType.window && payload.length >= 4 && !random.chance(6)) payload[4] = 0x7f;
  if (type === frameType.goaway && random.chance(2)) payload.fill(0);
  const flags = random.chance(20) ? random.below(256) : type === frameType.streamData ? random.below(4) : 0;
  return { type, bytes: encodeFrame(type, flags, id, payload) };
}

/** A handshake that goes wrong in one message. */
async function handshake({ target, random, tally, known, coded, unknown }: FuzzContext): Promise<void> {
  const peer = await FuzzPeer.open(target);
  peer.begin();
  // The code's arithmetic is a hundred times dearer than a known peer's.
  const byCode = random.chance(12);
  const { index, name, alter } = random.pick(byCode ? codeAlterations : alterations);
  const credentials = byCode ? coded : random.chance(8) ? unknown : known;
  // The hello is part of what the code's proof is over: one that was altered is not followed up.
  const stopAt = byCode && index === 0 ? 1 : Infinity;
  const cut = { done: false };
  const dialled = await dialFuzz(
    peer,
    credentials,
    (unit, at) => {
      if (at !== index) return cut.done ? [] : [unit];
      const altered = alter(unit, random);
      cut.done = altered.cut === true;
      if (cut.done) setImmediate(() => void (random.chance(2) ? peer.leave() : peer.tearOff()));
      return altered.units;
    },
    stopAt,
  );
  const who = byCode ? 'code' : credentials === known ? 'known' : 'unknown';
  tally.add(`handshake ${who}: message ${index + 1} ${name}`, dialled.outcome);
  await (random.chance(3) ? peer.tearOff() : peer.leave());
}

/** More handshakes at once than one source may have. */
async function flood({ target, tally, known }: FuzzContext): Promise<void> {
  const peers = await Promise.all(Array.from({ length: 12 }, () => FuzzPeer.open(target)));
  const dialled = await Promise.all(
    peers.map((peer) => {
      peer.begin();
      return dialFuzz(peer, known, (unit) => [unit], 1);
    }),
  );
  for (const { outcome } of dialled) tally.add('handshake: many at once', outcome);
  await Promise.all(peers.map((peer) => peer.leave()));
}
