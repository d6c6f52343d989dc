import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { recordLayout } from '../../src/native/api.js';
import { encodeTransferMessage } from '../../src/transfer/messages.js';
import { handshakeUnits, Middle, type Alter, type Direction } from '../support/middle.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { runUsually } from '../support/run-hosted.js';
import { runXfer, temporaryDirectory, type Ended } from '../support/run-xfer.js';

const size = 3 * 2 ** 20;
const bytes = randomBytes(size);
let source: string;
let senderHome: string;

beforeAll(async () => {
  senderHome = await temporaryDirectory();
  source = join(await temporaryDirectory(), 'file');
  await writeFile(source, bytes);
});

interface Attacked {
  readonly send: Ended;
  readonly receiver: Receiver;
  readonly directory: string;
  readonly middle: Middle;
}

const sendTo = (address: string, code: string | undefined, { home = senderHome, start = runUsually } = {}) =>
  start(['send', source, address, '--json', '--retry', '0'], { home, env: { XFER_CODE: code } });

async function attack(alter: Alter, start = runUsually): Promise<Attacked> {
  const directory = join(await temporaryDirectory(), 'received');
  const receiver = await startReceiver(directory, { flags: ['--once', '--retry', '0'], start });
  const middle = await Middle.open(receiver.address, alter);
  const send = await (await sendTo(middle.address, receiver.code, { start })).ended;
  return { send, receiver, directory, middle };
}

/** What each side has to be after an attack: told of it in plain words, with a status of its own. */
function expectReported(ended: Ended): void {
  const { status, timedOut, events, stdout, stderr } = ended;
  expect(timedOut).toBe(false);
  const error = events.findLast((event) => event.event === 'error');
  expect(error, stdout + stderr).toMatchObject({ exit: status });
  expect(error?.code).not.toBe('ERR_XFER_INTERNAL');
  expect([3, 4, 5]).toContain(status);
  expect(stdout + stderr).not.toMatch(/^\s+at /m);
}

const isContent = (unit: Buffer) => unit.length > 2 ** 17;
const ofSender = {
  source: 0,
  seal: 0,
  network: 0,
  window: 0,
  limit: 0,
  totalMs: 0,
  readMs: 0,
  sealMs: 0,
  loopMs: 0,
};
const ofReceiver = { heldMs: 0, openMs: 0, writeMs: 0, loopMs: 0 };
/** Messages that are told by their length, which grows with the times in them: by two bytes each at most. */
const told = {
  finished: { type: 'finished', ids: [0] },
  end: { type: 'end', entries: 1, files: 1, bytes: size, records: 9, remove: false, waits: ofSender },
  committed: { type: 'committed', files: 1, bytes: size, waits: ofReceiver },
} as const;
const mostMore = { finished: 0, end: 18, committed: 8 };

/** A unit of one direction, by number or by what it is. */
type Which = number | keyof typeof told;

const isIt = (which: Which, unit: Buffer, index: number) =>
  typeof which === 'number' ? index === which : index > handshakeUnits + 1 && isTold(which, unit.length);

function isTold(which: keyof typeof told, length: number): boolean {
  const more = length - recordLayout.overheadBytes - encodeTransferMessage(told[which]).length;
  return more >= 0 && more <= mostMore[which];
}

/** Once, to that unit; everything else passes. */
const only = (direction: Direction, which: Which, change: (unit: Buffer) => ReturnType<Alter>): Alter => {
  let done = false;
  return (unit, index, from) => {
    if (done || from !== direction || !isIt(which, unit, index)) return { units: [unit] };
    done = true;
    return change(unit);
  };
};

/** Turns one bit; negative places count from the end. */
const flip = (direction: Direction, which: Which, place: number, bit = 1): Alter =>
  only(direction, which, (unit) => {
    const altered = Buffer.from(unit);
    const at = place < 0 ? unit.length + place : place;
    altered[at] = (altered[at] ?? 0) ^ bit;
    return { units: [altered] };
  });

/** Of all records of content. */
const everyContent =
  (place: number): Alter =>
  (unit, _index, from) => {
    if (from !== 'out' || !isContent(unit)) return { units: [unit] };
    const altered = Buffer.from(unit);
    const at = place < 0 ? unit.length + place : place;
    altered[at] = (altered[at] ?? 0) ^ 1;
    return { units: [altered] };
  };

const cutAt = (direction: Direction, which: Which, place: number): Alter =>
  only(direction, which, (unit) => ({ units: [unit.subarray(0, place)], fin: true }));

describe('a man in the middle of the handshake', () => {
  it.each([
    ['what the sender offers: its nonce', 'out', 0, -1, 1],
    ['what the receiver answers: its nonce', 'back', 0, 8, 1],
    ["the sender's proof of the code", 'out', 1, 40, 1],
  ] as const)('spends the code by altering %s', async (_, direction, which, place, bit) => {
    const { send, receiver, directory, middle } = await attack(flip(direction, which, place, bit));
    expect(middle.altered).toBe(1);
    expectReported(send);
    expect(send.status).toBe(4);
    const recv = await receiver.recv.ended;
    expectReported(recv);
    expect(await receiver.recv.event('error')).toMatchObject({ code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    expect(await readdir(directory)).toEqual([]);
  });

  it('leaves the code as it was by what keeps the sender from proving it, and by all that follows', async () => {
    const attacks: readonly (readonly [string, Alter])[] = [
      ['the length of the first message', flip('out', 0, 0, 0x80)],
      ['its magic', flip('out', 0, 4)],
      ['its mode', flip('out', 0, 11, 4)],
      ['the length of the answer', flip('back', 0, 0, 0x80)],
      ['the type of the answer', flip('back', 0, 2)],
      ["the receiver's share, into no element", flip('back', 0, 38)],
      ["the receiver's proof", flip('back', 1, 10)],
      ["the receiver's identity", flip('back', 1, -1)],
      ['the length of the proofs', flip('out', 1, 0, 0x80)],
      ["the sender's identity", flip('out', 2, -1)],
      ['nothing, and cuts before the answer', cutAt('back', 0, 0)],
      ['nothing, and cuts within the proof', cutAt('out', 1, 60)],
      ["nothing, and cuts before the receiver's proof", cutAt('back', 1, 0)],
    ];
    const directory = join(await temporaryDirectory(), 'received');
    const flags = ['--once'];
    const receiver = await startReceiver(directory, { flags, timeoutMs: 60_000, start: runUsually });
    for (const [what, alter] of attacks) {
      const middle = await Middle.open(receiver.address, alter);
      const send = await (await sendTo(middle.address, receiver.code)).ended;
      expect(middle.altered, what).toBe(1);
      expectReported(send);
      await middle.close();
    }
    expect(await readdir(directory)).toEqual([]);
    const honest = await (await sendTo(receiver.address, receiver.code)).ended;
    expect(honest.status, honest.stdout).toBe(0);
    expect((await receiver.recv.ended).status).toBe(0);
    expect((await readFile(join(directory, 'file'))).equals(bytes)).toBe(true);
  }, 60_000);

  it('gets nothing by altering the verdict', async () => {
    const { send, receiver, directory } = await attack(flip('back', 2, -1), runXfer);
    expectReported(send);
    expectReported(await receiver.recv.ended);
    expect(await readdir(directory)).toEqual([]);
  });
});

/** Records of the sender, in order, behind the handshake; there are more of content, and these are as large as each other. */
const [hello, begin, manifest, first, second, third] = [3, 4, 5, 6, 7, 8] as const;

const swapped = (): Alter => {
  let held: Buffer | undefined;
  return (unit, index, direction) => {
    if (direction === 'out' && index === first) held = unit;
    if (direction !== 'out' || (index !== first && index !== second)) return { units: [unit] };
    return { units: index === second && held ? [unit, held] : [] };
  };
};

/** Attacks behind what confirms the file. */
const isOfEnd = new Set(['turns a bit of the end', 'ends before the end', 'ends within the end']);

describe('a man in the middle of the records', () => {
  it.each([
    ['turns a bit of the length of HELLO', flip('out', hello, 0, 0x40)],
    ['turns a bit of HELLO', flip('out', hello, 60)],
    ['turns a bit of the beginning', flip('out', begin, 80)],
    ['turns a bit of the manifest', flip('out', manifest, 80)],
    ["turns a bit of a manifest's header", flip('out', manifest, 10)],
    ['turns a bit of the length of a record', flip('out', first, 3)],
    ["turns a bit of a record's sealed header", flip('out', second, 12)],
    ["turns a bit of a record's header tag", flip('out', second, 44)],
    ['turns bits of the content of all records', everyContent(100_000)],
    ['turns bits of the tags of all records', everyContent(-1)],
    ['turns a bit of what confirms a file', flip('out', 'finished', -1)],
    ['turns a bit of the end', flip('out', 'end', 70)],
    ["turns a bit of the receiver's HELLO", flip('back', hello, 60)],
    ["turns a bit of the receiver's answer", flip('back', begin, -1)],
    ['swaps two records of the same length', swapped()],
    ['doubles a record', only('out', first, (unit) => ({ units: [unit, unit] }))],
    ['doubles a control message', only('out', manifest, (unit) => ({ units: [unit, unit] }))],
    ['drops a record', only('out', second, () => ({ units: [] }))],
    ['ends behind HELLO', cutAt('out', manifest, 0)],
    ['ends within a record', cutAt('out', second, 700)],
    ['ends between two records', cutAt('out', third, 0)],
    ['ends before the end', cutAt('out', 'end', 0)],
    ['ends within the end', cutAt('out', 'end', 30)],
    ["ends the receiver's direction behind HELLO", cutAt('back', begin, 0)],
  ] as const)('is found out: %s', async (what, alter) => {
    // One of them with processes of their own.
    const start = what === 'drops a record' ? runXfer : runUsually;
    const { send, receiver, directory, middle } = await attack(alter, start);
    expect(middle.altered).toBeGreaterThan(0);
    expectReported(send);
    expectReported(await receiver.recv.ended);
    const names = await readdir(directory);
    // A file gets its name when all of it has come and its sender has said so, which may be before the end is heard.
    if (!isOfEnd.has(what) || names.length === 0) return expect(names).toEqual([]);
    expect(names).toEqual(['file']);
    expect((await readFile(join(directory, 'file'))).equals(bytes)).toBe(true);
  });

  it.each([
    ['content', flip('out', third, 100_000)],
    ['tag', flip('out', third, -1)],
  ] as const)('costs a record when he turns a bit of its %s once: it is sent again', async (_, alter) => {
    const { send, receiver, directory, middle } = await attack(alter);
    expect(middle.altered).toBe(1);
    expect([send.status, (await receiver.recv.ended).status]).toEqual([0, 0]);
    expect((await readFile(join(directory, 'file'))).equals(bytes)).toBe(true);
    expect(await readdir(directory)).toEqual(['file']);
  });

  it.each([
    ['turns a bit of it', flip('back', 'committed', -1)],
    ['turns a bit of its length', flip('back', 'committed', 3, 4)],
    ['cuts it', cutAt('back', 'committed', 20)],
    ['keeps it', cutAt('back', 'committed', 0)],
  ] as const)('never makes the sender believe in a commit that it did not hear of: %s', async (_, alter) => {
    const { send, directory, middle } = await attack(alter);
    expect(middle.altered).toBe(1);
    expectReported(send);
    // The receiver had committed before it said so: what stands there is what was sent, and perhaps the word that it was.
    const names = await readdir(directory);
    expect(names.filter((name) => !/^\.xfer-[0-9a-f]{16}\.journal$/.test(name))).toEqual(['file']);
    expect((await readFile(join(directory, 'file'))).equals(bytes)).toBe(true);
  });

  it('passes what he does not alter', async () => {
    const contents: number[] = [];
    const { send, receiver, directory, middle } = await attack((unit, index, direction) => {
      if (direction === 'out' && isContent(unit)) contents.push(index);
      return { units: [unit] };
    }, runXfer);
    expect([send.status, (await receiver.recv.ended).status]).toEqual([0, 0]);
    // The numbers that the attacks above go by.
    expect(contents.slice(0, 3)).toEqual([first, second, third]);
    expect(middle.altered).toBe(0);
    expect((await readFile(join(directory, 'file'))).equals(bytes)).toBe(true);
  });
});

/** A receiver of his own, where the sender expects the other. */
async function impostor(home?: string): Promise<{ mallory: Receiver; loot: string }> {
  const loot = join(await temporaryDirectory(), 'loot');
  const options = { flags: [], start: runUsually, ...(home === undefined ? {} : { home }) };
  const mallory = await startReceiver(loot, options);
  return { mallory, loot };
}

describe('a man in the middle who answers with his own key', () => {
  it('gets nothing without the code', async () => {
    const { mallory, loot } = await impostor();
    const send = await (await sendTo(mallory.address, '4821-crossover-clockwork-melon')).ended;
    expectReported(send);
    expect(firstError(send)).toBe('ERR_XFER_WRONG_CODE');
    expect(send.events.some((event) => event.event === 'connected')).toBe(false);
    const { stdout } = await mallory.recv.kill('SIGINT');
    expect(stdout).not.toContain('"connected"');
    expect(await readdir(loot)).toEqual([]);
  });

  it('gets nothing in the place of a known peer, with or without relaying to him', async () => {
    const [home, friendHome] = [await temporaryDirectory(), await temporaryDirectory()];
    const directory = join(await temporaryDirectory(), 'received');
    const friend = await startReceiver(directory, {
      home: friendHome,
      flags: ['--remember', '--retry', '0'],
      timeoutMs: 60_000,
      start: runUsually,
    });
    const pairing = await runUsually(['send', source, friend.address, '--remember', '--json'], {
      home,
      env: { XFER_CODE: friend.code },
    });
    expect((await pairing.ended).status).toBe(0);
    await friend.recv.event('done');
    await rm(join(directory, 'file'));

    const { mallory, loot } = await impostor();
    const deceived = await (await sendTo(mallory.address, undefined, { home })).ended;
    expectReported(deceived);
    expect(firstError(deceived)).toBe('ERR_XFER_KEY_CHANGED');
    const { stdout } = await mallory.recv.kill('SIGINT');
    expect(stdout).not.toContain('"connected"');
    expect(await readdir(loot)).toEqual([]);

    for (const alter of [
      flip('back', 0, -1),
      flip('back', 1, 40),
      flip('out', 2, -1),
      flip('out', second, 12),
    ]) {
      const middle = await Middle.open(friend.address, alter);
      const send = await (await sendTo(middle.address, undefined, { home })).ended;
      expect(middle.altered).toBe(1);
      expectReported(send);
    }
    expect((await readdir(directory)).filter((name) => !name.startsWith('.xfer-'))).toEqual([]);
    const honest = await (await sendTo(friend.address, undefined, { home })).ended;
    expect(honest.status, honest.stdout).toBe(0);
    await expect.poll(() => readdir(directory)).toEqual(['file']);
  }, 60_000);
});

const firstError = (ended: Ended) => ended.events.find((event) => event.event === 'error')?.code;

/** Turns one bit of what goes over the wire itself, frames of the connection included. */
async function wireFlipper(
  target: string,
  direction: Direction,
  place: number,
  bit: number,
): Promise<string> {
  const { port } = new URL(target.replace(/^tcp:/, 'http:'));
  const server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1');
    for (const [from, to, name] of [
      [near, far, 'out'],
      [far, near, 'back'],
    ] as const) {
      let passed = 0;
      from.on('data', (chunk: Buffer) => {
        const at = place - passed;
        if (name === direction && at >= 0 && at < chunk.length) chunk[at] = (chunk[at] ?? 0) ^ bit;
        passed += chunk.length;
        to.write(chunk);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a man in the middle of the frames below', () => {
  it('turns bits, gets nothing, and leaves the code as it was', async () => {
    const directory = join(await temporaryDirectory(), 'received');
    const flags = ['--once'];
    const receiver = await startReceiver(directory, { flags, timeoutMs: 60_000, start: runUsually });
    for (const [direction, place, bit] of [
      ['out', 0, 0x40],
      ['out', 1, 4],
      ['out', 2, 0x80],
      ['out', 13, 1],
      ['out', 15, 1],
      ['back', 0, 0x40],
      ['back', 2, 0x80],
      ['back', 15, 1],
    ] as const) {
      const address = await wireFlipper(receiver.address, direction, place, bit);
      const send = await (await sendTo(address, receiver.code)).ended;
      expectReported(send);
      // At once, not when the time of a handshake is over.
      expect(firstError(send)).toMatch(/^ERR_XFER_(?:CONNECTION_LOST|PROTOCOL)$/);
    }
    expect(await readdir(directory)).toEqual([]);
    expect((await (await sendTo(receiver.address, receiver.code)).ended).status).toBe(0);
    expect((await receiver.recv.ended).status).toBe(0);
    expect((await readFile(join(directory, 'file'))).equals(bytes)).toBe(true);
  }, 60_000);
});
