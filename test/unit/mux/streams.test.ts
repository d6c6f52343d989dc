import { describe, expect, it } from 'vitest';
import {
  encodeClose,
  encodeCodeFrame,
  encodeDataFlags,
  encodeFrame,
  encodeOpen,
  encodeUint64Frame,
} from '../../../src/mux/encode.js';
import { frameFlag, frameType } from '../../../src/mux/frame.js';
import type { CoreStream } from '../../../src/mux/core-stream.js';
import { LoneCore, nameOf, type Frame } from '../../support/mux-cores.js';

const KiB = 1024;
const t = frameType;
const open = (id: number): Uint8Array => encodeOpen(id, 1 << 20, 0, new Uint8Array(0));
const ack = (id: number, limit = 1 << 20): Uint8Array => encodeUint64Frame(t.openAck, id, limit);
const names = (frames: readonly Frame[]): string[] => frames.map(({ type, id }) => `${nameOf(type)} ${id}`);

/** A core whose link carries content beside the frames. */
const beside = (options: ConstructorParameters<typeof LoneCore>[0] = {}): LoneCore => {
  const lone = new LoneCore({ contentBeside: true, ...options });
  lone.takeControl();
  return lone;
};

/** A dialer with one stream, whose OPEN is out. */
function dialer(config = {}): { lone: LoneCore; stream: CoreStream } {
  const lone = beside({ dialer: true, config });
  const stream = lone.open();
  lone.takeControl();
  return { lone, stream };
}

/** A listener with stream 1, not accepted yet. */
function listener(config = {}): { lone: LoneCore; stream: CoreStream } {
  const lone = beside({ config });
  lone.feed(open(1));
  return { lone, stream: lone.streams[0] as CoreStream };
}

const content = (lone: LoneCore, id: number, bytes: Uint8Array, fin = false): string | undefined =>
  lone.core.handleContent(lone.now, id, bytes, fin)?.reason;

describe('content beside the frames, coming in', () => {
  it('may come before its OPEN, and waits for it in the link', () => {
    const lone = beside();
    expect(lone.core.limitOf(1)).toBe('unopened');
    lone.feed(open(1));
    expect(lone.core.limitOf(1)).toBe(64 * KiB);
    expect(lone.core.limitOf(3)).toBe('unopened');
  });

  it('may come up to what was granted', () => {
    const { lone, stream } = listener();
    lone.core.accept(stream);
    expect(lone.core.limitOf(1)).toBe(256 * KiB);
    lone.core.setReading(stream, true, false);
    expect(content(lone, 1, new Uint8Array(200 * KiB))).toBeUndefined();
    const [, window] = lone.takeControl();
    expect([window?.type, window?.payload.readUIntBE(2, 6)]).toEqual([t.window, lone.core.limitOf(1)]);
    expect(lone.core.limitOf(1)).toBeGreaterThanOrEqual(456 * KiB);
  });

  it('is a fault past that, and behind the end', () => {
    const { lone } = listener();
    expect(content(lone, 1, new Uint8Array(64 * KiB + 1))).toMatch(/more content than was granted/);
    const other = listener().lone;
    expect(content(other, 1, Uint8Array.of(1), true)).toBeUndefined();
    expect(other.core.limitOf(1)).toBe('over');
    expect(content(other, 1, Uint8Array.of(1))).toMatch(/behind the end/);
  });

  it('is nothing to anybody for ids of ours that were never opened', () => {
    const lone = beside();
    expect(lone.core.limitOf(2)).toBe('over');
    lone.core.open(0, new Uint8Array(0), 0);
    expect(lone.core.limitOf(2)).toBe('over');
    expect(content(lone, 2, Uint8Array.of(1))).toBeUndefined();
    lone.takeControl();
    expect(lone.core.limitOf(2)).toBe(256 * KiB);
  });

  it('of streams together is not bound before OPEN_ACK, as a RESET may come later than what it made room for', () => {
    const lone = beside();
    for (let id = 1; id < 41; id += 2) {
      lone.feed(open(id));
      expect(content(lone, id, new Uint8Array(64 * KiB))).toBeUndefined();
    }
    expect(lone.budget.grantedBytes).toBe(20 * 64 * KiB);
  });

  it('is bound by the pending opens, each with its own limit, and counted in the budget', () => {
    const lone = beside({ config: { maxPendingOpens: 5 } });
    const early = 64 * KiB;
    for (let id = 1; id < 41; id += 2) {
      lone.feed(open(id));
      expect(lone.core.limitOf(id)).toBe(id < 11 ? early : 'over');
      expect(content(lone, id, new Uint8Array(early))).toBeUndefined();
      lone.takeControl();
    }
    const held = lone.streams.map((stream) => stream.held.bytes);
    expect(held).toEqual(new Array(5).fill(early));
    expect(lone.budget.grantedBytes).toBe(5 * early);
    expect(content(lone, 1, Uint8Array.of(1))).toMatch(/more content than was granted/);
  });

  it('comes before OPEN_ACK, and is given to the reader behind it', () => {
    const { lone, stream } = dialer();
    lone.core.setReading(stream, true, false);
    const witness = lone.witnesses.get(stream);
    expect(content(lone, 1, Uint8Array.of(1, 2))).toBeUndefined();
    expect(content(lone, 1, Uint8Array.of(3), true)).toBeUndefined();
    lone.core.setReading(stream, true, false);
    expect([witness?.content, witness?.log]).toEqual([[], []]);
    expect(lone.takeControl()).toEqual([]);
    lone.feed(ack(1));
    expect([witness?.content, witness?.log]).toEqual([
      [1, 2, 3],
      ['opened', 'end'],
    ]);
    expect(lone.takeControl().map(({ flags }) => flags)).toEqual([frameFlag.finRead]);
  });

  it('ends behind OPEN_ACK too for a reader that stopped before', () => {
    const { lone, stream } = dialer();
    lone.core.stopReading(stream, 4);
    expect(content(lone, 1, Uint8Array.of(1), true)).toBeUndefined();
    expect(names(lone.takeControl())).toEqual(['stop 1']);
    lone.feed(ack(1));
    expect(lone.takeControl().map(({ flags }) => flags)).toEqual([frameFlag.finRead]);
    expect(lone.witnesses.get(stream)?.log).toEqual(['opened']);
  });

  it.each<[string, (lone: LoneCore, stream: CoreStream) => void]>([
    ['RESET by the other side', (lone) => lone.feed(encodeCodeFrame(t.streamReset, 1, 4))],
    ['our own reset', (lone, stream) => lone.core.reset(stream, 4)],
    ['a refusal', (lone, stream) => lone.core.refuse(stream, 2)],
  ])('is dropped behind %s', (_what, end) => {
    const { lone, stream } = listener();
    content(lone, 1, Uint8Array.of(1));
    end(lone, stream);
    expect(lone.core.limitOf(1)).toBe('over');
    expect(content(lone, 1, Uint8Array.of(2), true)).toBeUndefined();
    lone.core.setReading(stream, true, false);
    expect(lone.witnesses.get(stream)?.content).toEqual([]);
    expect([lone.left, lone.budget.grantedBytes]).toEqual([[1], 0]);
  });

  it('is dropped where the OPEN comes later, and is refused', () => {
    const lone = beside({ config: { maxStreamsPerPeer: 1 } });
    lone.feed(open(1), open(3));
    expect([lone.core.limitOf(3), lone.left]).toEqual(['over', [3]]);
  });

  it('must not come in frames', () => {
    const frame = (flags: number, bytes: number): Uint8Array =>
      encodeFrame(t.streamData, flags, 1, new Uint8Array(bytes));
    expect(listener().lone.feed(frame(0, 1))).toMatch(/content in a frame/);
    expect(listener().lone.feed(frame(frameFlag.finWrite, 0))).toMatch(/content in a frame/);
  });

  it('counts as a frame, as bytes and as life', () => {
    const { lone } = listener({ keepaliveIdleMs: 100 });
    const before = lone.core.bytesReceived;
    lone.now = 90;
    content(lone, 1, new Uint8Array(70));
    expect(lone.core.bytesReceived - before).toBe(70);
    expect(lone.core.frames.received.streamData).toBe(1);
    expect(lone.core.nextTimeout).toBeGreaterThan(100);
  });

  it('asks to be polled only where there is something to answer', () => {
    const { lone, stream } = listener();
    lone.core.accept(stream);
    lone.core.setReading(stream, true, false);
    lone.takeControl();
    const asked = (bytes: number, fin = false): boolean => {
      const before = lone.outputs;
      expect(content(lone, 1, new Uint8Array(bytes), fin)).toBeUndefined();
      return lone.outputs > before;
    };
    expect(asked(100 * KiB)).toBe(false);
    // Half of the window.
    expect(asked(28 * KiB)).toBe(true);
    expect(names(lone.takeControl())).toEqual(['window 1']);
    expect(asked(1)).toBe(false);
    expect(asked(0, true)).toBe(true);
    expect(names(lone.takeControl())).toEqual(['streamData 1']);
  });

  it("grows its window by the link's round trip", () => {
    const grown = (minRttMs: number): number => {
      const lone = beside({ minRttMs });
      lone.feed(open(1));
      const stream = lone.streams[0] as CoreStream;
      lone.core.accept(stream);
      lone.core.setReading(stream, true, false);
      lone.now = 300;
      content(lone, 1, new Uint8Array(200 * KiB));
      lone.takeControl();
      return stream.window?.sizeBytes ?? 0;
    };
    expect([grown(100), grown(200)]).toEqual([256 * KiB, 512 * KiB]);
  });
});

describe('content beside the frames, going out', () => {
  it('goes behind its OPEN, as far as early content may', () => {
    const lone = beside({ dialer: true });
    const stream = lone.open();
    lone.core.send(stream, new Uint8Array(100 * KiB));
    expect(lone.takeContent()).toEqual([]);
    lone.takeControl();
    expect(lone.takeContent().map(({ bytes }) => bytes)).toEqual([64 * KiB]);
    lone.feed(ack(1));
    const [rest] = lone.takeContent();
    expect(rest).toMatchObject({ streamId: 1, offset: 64 * KiB, bytes: 36 * KiB, fin: false });
  });

  it('says nothing before a listener has heard the hello', () => {
    const lone = beside({ hello: false });
    lone.core.send(lone.open(), new Uint8Array(10));
    expect([lone.takeControl(), lone.takeContent()]).toEqual([[], []]);
  });

  it('is at most as much as the link wants, from one stream, which take turns', () => {
    const { lone, stream } = dialer();
    const other = lone.open();
    lone.core.send(stream, new Uint8Array(25));
    lone.core.send(other, new Uint8Array(15));
    lone.core.closeWrite(stream);
    lone.core.closeWrite(other);
    lone.takeControl();
    const pieces = lone
      .takeContent(10)
      .map(({ streamId, offset, bytes, fin }) => [streamId, offset, bytes, fin]);
    expect(pieces).toEqual([
      [1, 0, 10, false],
      [3, 0, 10, false],
      [1, 10, 10, false],
      [3, 10, 5, true],
      [1, 20, 5, true],
    ]);
    expect(lone.core.frames.sent.streamData).toBe(5);
  });

  it('lets the higher priority go first', () => {
    const lone = beside({ dialer: true });
    for (const priority of [-1, 1, 0]) lone.core.send(lone.open(priority), new Uint8Array(10));
    lone.takeControl();
    expect(lone.takeContent(5).map(({ streamId }) => streamId)).toEqual([3, 3, 5, 5, 1, 1]);
  });

  it('ends with a piece of its own where nothing is left to send', () => {
    const { lone, stream } = dialer();
    lone.core.send(stream, new Uint8Array(7));
    lone.takeContent();
    lone.core.closeWrite(stream);
    expect(lone.takeContent()).toMatchObject([{ offset: 7, bytes: 0, chunks: [], fin: true }]);
    expect(stream.finSent).toBe(true);
  });

  it('gathers small pieces and refers to large ones', () => {
    const { lone, stream } = dialer();
    const large = new Uint8Array(2000);
    for (const piece of [Uint8Array.of(1), Uint8Array.of(2, 3), large, Uint8Array.of(4)])
      lone.core.send(stream, piece);
    const [piece] = lone.takeContent();
    expect(piece?.chunks.map((chunk) => chunk.length)).toEqual([3, 2000, 1]);
    expect(piece?.chunks[1]).toBe(large);
  });

  it('releases a send when the link is done with every piece of it, whichever is last', () => {
    const { lone, stream } = dialer();
    const released: string[] = [];
    lone.core.send(stream, new Uint8Array(3000), () => released.push('first'));
    lone.core.send(stream, new Uint8Array(1000), () => released.push('second'));
    const [a, b, c, d] = lone.takeContent(1000);
    c?.done();
    d?.done();
    expect(released).toEqual(['second']);
    a?.done();
    expect(released).toEqual(['second']);
    b?.done();
    expect(released).toEqual(['second', 'first']);
  });

  it('releases what is partly with the link when the link is done with it, though the stream is reset', () => {
    const { lone, stream } = dialer();
    const released: string[] = [];
    lone.core.send(stream, new Uint8Array(3000), () => released.push('partly'));
    lone.core.send(stream, new Uint8Array(10), () => released.push('not at all'));
    const one = lone.core.pollContent(0, 1000);
    const two = lone.core.pollContent(0, 1000);
    lone.core.reset(stream, 4);
    expect([released, lone.left]).toEqual([['not at all'], [1]]);
    expect(lone.takeContent()).toEqual([]);
    two?.done();
    one?.done();
    expect(released).toEqual(['not at all', 'partly']);
  });

  it('discards what waits behind a STOP, and ends at what went before', () => {
    const { lone, stream } = dialer();
    let released = 0;
    lone.core.send(stream, new Uint8Array(3000), () => released++);
    const sent = lone.core.pollContent(0, 1000);
    lone.feed(ack(1), encodeCodeFrame(t.stop, 1, 4));
    expect(lone.takeContent()).toMatchObject([{ offset: 1000, bytes: 0, fin: true }]);
    expect([released, lone.left]).toEqual([0, []]);
    sent?.done();
    expect(released).toBe(1);
  });
});

describe('control beside content', () => {
  it('goes in whole frames of about as much as the link wants, in order', () => {
    const { lone } = dialer();
    for (let i = 0; i < 10; i++) lone.core.sendMessage(new Uint8Array(86).fill(i));
    const pulls: number[][] = [];
    for (let left = 1000; left > 0 && pulls.flat().length < 10; left--)
      pulls.push(lone.takeControl(250, true).map(({ payload }) => payload[0] ?? -1));
    expect(pulls).toEqual([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]);
    expect(lone.core.controlWaits).toBe(false);
  });

  it('keeps what credit and opens there is no room for', () => {
    const lone = beside({ dialer: true });
    const ids = [1, 3, 5].map(() => lone.open().id);
    const first = names(lone.takeControl(20, true));
    expect(first).toEqual(['streamOpen 1']);
    expect(names(lone.takeControl())).toEqual(ids.slice(1).map((id) => `streamOpen ${id}`));
    lone.feed(...ids.map((id) => ack(id)));
    for (const id of ids) content(lone, id, new Uint8Array(0), true);
    expect(lone.takeControl(14, true).map(({ id, flags }) => [id, flags])).toEqual([[1, frameFlag.finRead]]);
    expect(lone.takeControl().map(({ id }) => id)).toEqual([3, 5]);
  });

  it('is bounded where the link does not pull it', () => {
    const { lone } = listener({ maxQueuedControlBytes: 1000 });
    for (let i = 0; i < 12; i++) lone.core.sendMessage(new Uint8Array(86));
    expect(content(lone, 1, Uint8Array.of(1))).toMatch(/control output/);
  });

  it.each<[string, () => LoneCore]>([
    [
      'OPEN_ERR',
      () => {
        const { lone } = dialer();
        lone.feed(encodeCodeFrame(t.openErr, 1, 2));
        return lone;
      },
    ],
    [
      'GOAWAY',
      () => {
        const { lone } = dialer();
        lone.feed(encodeUint64Frame(t.goaway, 0, 0));
        return lone;
      },
    ],
    [
      'CLOSE',
      () => {
        const { lone, stream } = dialer();
        lone.core.setReading(stream, true, false);
        lone.core.closeWrite(stream);
        lone.takeContent();
        lone.feed(ack(1));
        content(lone, 1, Uint8Array.of(1), true);
        lone.takeControl();
        expect(lone.left).toEqual([]);
        expect(lone.feed(encodeDataFlags(1, frameFlag.finRead), encodeClose(1))).toBeUndefined();
        return lone;
      },
    ],
    [
      'our own CLOSE',
      () => {
        const { lone, stream } = listener();
        lone.core.accept(stream);
        lone.core.setReading(stream, true, false);
        lone.core.closeWrite(stream);
        lone.takeContent();
        content(lone, 1, Uint8Array.of(1), true);
        lone.feed(encodeDataFlags(1, frameFlag.finRead));
        expect(names(lone.takeControl())).toEqual(['openAck 1', 'streamData 1', 'streamClose 1']);
        return lone;
      },
    ],
    [
      'the end of the link',
      () => {
        const { lone } = dialer();
        lone.core.end(1);
        return lone;
      },
    ],
  ])('lets the link forget a stream with %s', (_what, end) => {
    const lone = end();
    expect([lone.left, lone.core.streams, lone.core.limitOf(1)]).toEqual([[1], 0, 'over']);
    expect([lone.budget.grantedBytes, lone.budget.streams]).toEqual([0, 0]);
  });
});
