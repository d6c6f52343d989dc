import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { laneKeys } from '../../../src/session/keys.js';
import { Lane, type SealedContent } from '../../../src/session/lane.js';
import { Session } from '../../../src/session/session.js';
import { openBodyOf } from '../../../src/session/small-body.js';
import type { Stream } from '../../../src/transport/contract.js';
import type { MemoryHooks, MemoryLink } from '../../support/memory-link.js';
import { MemoryStreamsLink } from '../../support/memory-streams-link.js';
import { memory, type MemoryOptions } from '../../support/memory-transport.js';
import { PagedMemory } from '../../support/paged-memory.js';
import { bodyOf, contentHeader, CountedBuffers, secrets } from './lane-kit.js';
import { attach, hellos, sessionSecrets } from './session-kit.js';

const native = nativeApi();
const recordBytes = sessionDefaults.recordBytes;
const records = 12;
const file = randomBytes(records * recordBytes);
let directory = '';
let fd = -1;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xfer-lane-'));
  await writeFile(join(directory, 'file'), file);
  fd = openSync(join(directory, 'file'), 'r');
});
afterAll(async () => {
  closeSync(fd);
  await rm(directory, { recursive: true });
});

/** The dialer's way to the link: `held` keeps everything in it, `release` lets it go. */
class Gate {
  readonly hooks: MemoryHooks = {};
  #link: MemoryLink | undefined;

  onLink(dialer: MemoryLink): void {
    this.#link = dialer;
  }

  hold(): void {
    this.hooks.held = true;
  }

  release(): void {
    this.#link?.release();
  }
}

/** Both ends of a stream on a connection of its own. */
async function streamPair(gate = new Gate(), link: MemoryOptions = {}): Promise<readonly [Stream, Stream]> {
  const onLink = (dialer: MemoryLink) => gate.onLink(dialer);
  const transport = await memory({ dialerHooks: gate.hooks, onLink, ...link }).load();
  const address = { scheme: 'memory', host: 'here', port: 0 };
  const { signal } = new AbortController();
  let arrived: (stream: Stream) => void = () => undefined;
  const accepted = new Promise<Stream>((resolve) => (arrived = resolve));
  const listener = await transport.listen(address, {
    onConnection: (connection) =>
      connection.onStream((stream) => {
        stream.accept();
        arrived(stream);
      }),
  });
  const connection = await transport.dial(listener.address, { signal });
  onTestFinished(() => connection.abort(new Error('the test is over')));
  const stream = connection.openStream();
  return [stream, await accepted];
}

async function sessionPair(gate?: Gate, link?: MemoryOptions) {
  const [near, far] = await streamPair(gate, link);
  const common = { native, signal: new AbortController().signal };
  const [a, b] = await Promise.all([
    Session.establish({ ...common, stream: near, secrets: sessionSecrets('dialer'), hello: hellos.send }),
    Session.establish({
      ...common,
      stream: far,
      secrets: sessionSecrets('listener'),
      hello: hellos.recv,
    }).then((session) => attach(session)),
  ]);
  onTestFinished(() => [a, b.session].forEach((s) => s.abort(new XferError('ERR_XFER_INTERRUPTED', 'over'))));
  return [a, b] as const;
}

const piece = (number: number) => ({
  fd,
  header: contentHeader({ number, offset: number * recordBytes, bodyBytes: recordBytes }),
});
const contentOf = (contents: readonly SealedContent[]) =>
  contents.map(({ header }) => header.number).join(' ');
const allNumbers = Array.from({ length: records }, (_, i) => i).join(' ');

describe('a session over a stream of many on one link', () => {
  it('carries a file and control messages around it, in order and whole', async () => {
    const [dialer, listener] = await sessionPair();
    let next = 0;
    const pump = () => {
      while (dialer.hasRoom(0) && next < records) dialer.sendContent(0, piece(next++), () => undefined);
      if (next === records && dialer.hasControlRoom) dialer.sendControl(Buffer.from(`end ${next++}`));
    };
    dialer.sendControl(Buffer.from('begin'));
    attach(dialer, { onRoom: pump });
    pump();
    await vi.waitFor(() => expect(listener.texts).toEqual(['begin', `end ${records}`]), 10_000);
    expect(contentOf(listener.contents)).toBe(allNumbers);
    const received = Buffer.concat(listener.contents.map(bodyOf));
    expect(received.equals(file)).toBe(true);
  });

  it('holds its sender back while the link takes nothing, and goes on when it does', async () => {
    const gate = new Gate();
    const [dialer, listener] = await sessionPair(gate);
    gate.hold();
    let next = 0;
    const sealed = vi.fn();
    // One at a time: while the first of several is slow, others may be sealed behind it.
    const pump = () => {
      const isIdle = sealed.mock.calls.length === next;
      if (dialer.hasRoom(0) && isIdle && next < records) dialer.sendContent(0, piece(next++), sealed);
    };
    attach(dialer, { onRoom: pump });
    pump();
    await vi.waitFor(() => expect([dialer.hasRoom(0), sealed.mock.calls.length]).toEqual([false, next]));
    // What a send queue and a link's queue hold; the rest of the file is unread.
    expect(next).toBeLessThan(records / 2);
    expect(listener.contents).toEqual([]);
    gate.release();
    await vi.waitFor(() => expect(contentOf(listener.contents)).toBe(allNumbers), 10_000);
  });
});

describe('a session over a link that sends from memory of its own', () => {
  it('seals records there, and leaves those that come where they came', async () => {
    const own = new PagedMemory();
    const options = {
      seed: 41,
      pullBytes: 2 ** 21,
      bytesPerTurn: 2 ** 21,
      aloneBytes: 2 ** 16,
      mostRetained: 64,
    };
    const ends = MemoryStreamsLink.pair(options);
    const [dialer, listener] = await sessionPair(undefined, { pair: () => ends, memory: () => own });
    let next = 0;
    // One at a time: a link has credit for the whole of each.
    const pump = () => {
      if (next < records && next === listener.contents.length) {
        dialer.sendControl(Buffer.from('between'));
        dialer.sendContent(0, piece(next++), () => undefined);
      }
    };
    pump();
    await vi.waitFor(() => {
      pump();
      expect(contentOf(listener.contents)).toBe(allNumbers);
    }, 10_000);
    expect(ends[1].inbox.retained).toBe(records);
    const opened = await Promise.all(
      listener.contents.map(
        (content) =>
          new Promise<Uint8Array>((resolve, reject) =>
            openBodyOf(native, content, (error, body) => (error ? reject(error) : resolve(body))),
          ),
      ),
    );
    expect(Buffer.concat(opened).equals(file)).toBe(true);
    for (const content of listener.contents) content.release();
    expect(ends[1].inbox.retained).toBe(0);
    expect(own.acquired).toBe(records);
    await vi.waitFor(() => expect(own.out).toBe(0));
  });
});

describe('the memory of records on a link', () => {
  const laneOn = (stream: Stream) => {
    const buffers = new CountedBuffers();
    const ended = vi.fn();
    const lane = new Lane({
      ...laneKeys(secrets),
      number: 0,
      stream,
      leftover: new Uint8Array(),
      native,
      buffers,
      handlers: {
        onControl: () => undefined,
        onContent: () => undefined,
        onRoom: () => undefined,
        onEnd: ended,
      },
    });
    lane.start();
    return { lane, buffers, ended };
  };

  it.each(['the abort of this side', 'the reset of the other'])(
    'comes back in full after %s',
    async (how) => {
      const gate = new Gate();
      const [near, far] = await streamPair(gate);
      const { lane, buffers, ended } = laneOn(near);
      gate.hold();
      const sealed = vi.fn();
      const submit = () => {
        for (let number = 0; number < 4; number++) lane.sendContent(piece(number), sealed);
      };
      submit();
      await vi.waitFor(() => expect(sealed).toHaveBeenCalledTimes(4));
      expect(buffers.out.size).toBe(4);
      // These are being sealed while the lane ends, and those before lie in the link.
      submit();
      if (how === 'the abort of this side') lane.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
      else far.reset(1);
      await vi.waitFor(() => expect([sealed.mock.calls.length, ended.mock.calls.length]).toEqual([8, 1]));
      gate.release();
      await vi.waitFor(() => expect(buffers.out.size).toBe(0));
    },
  );
});
