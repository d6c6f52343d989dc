import { describe, expect, it, vi } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { frame } from '../../../src/session/handshake-messages.js';
import { encodeJoinHeader } from '../../../src/session/stream-headers.js';
import { OpenRefused, openErrorCode } from '../../../src/transport/contract.js';
import { contentJob, meet, never, openFile, say, type Wire } from './lanes-kit.js';

const KiB = 1024;
const rejoinMs = 60_000;
const soon = 5_000;

/** Asks to join with a number, and proves nothing yet. */
const knock = ({ connection }: Wire, session: Uint8Array, lane: number) =>
  connection.openStream({ header: encodeJoinHeader({ session, lane, nonce: new Uint8Array(32) }) });

describe('a lane that joins late', () => {
  it('is there for both, and carries content and control messages', async () => {
    const { dialer, listener, join } = await meet();
    say(dialer, 'before');
    const { lane } = await join();
    expect([lane, dialer.session.lanes, listener.session.lanes]).toEqual([1, [0, 1], [0, 1]]);
    expect([dialer.lanes, listener.lanes]).toEqual([['1 up'], ['1 up']]);
    const fd = await openFile(64 * KiB);
    for (const number of [0, 1, 2, 3])
      dialer.session.sendContent(number % 2, contentJob(fd, number, 64 * KiB), () => undefined);
    say(dialer, 'behind');
    say(listener, 'back');
    await vi.waitFor(
      () =>
        expect([listener.texts, dialer.texts, [...listener.records].sort()]).toEqual([
          ['before', 'behind'],
          ['back'],
          [
            [0, [0, 2]],
            [1, [1, 3]],
          ],
        ]),
      soon,
    );
    expect([dialer.session.laneCount, dialer.ends, listener.ends]).toEqual([2, [], []]);
  });

  it('has a number of its own whenever it joins', async () => {
    const { join, dialer, listener } = await meet();
    const { kill } = await join();
    kill();
    await vi.waitFor(() => expect(listener.session.lanes).toEqual([0]), soon);
    expect((await join()).lane).toBe(2);
    expect(dialer.session.lanes).toEqual([0, 2]);
  });
});

describe('when a lane dies', () => {
  it('control messages that were under way on it come on another one, once and in order', async () => {
    const { dialer, listener, join } = await meet();
    const newest = await join();
    say(dialer, 'a');
    await vi.waitFor(() => expect(listener.texts).toEqual(['a']), soon);
    newest.hold();
    say(listener, 'x', 'y');
    newest.kill();
    say(dialer, 'b');
    await vi.waitFor(
      () =>
        expect([listener.texts, dialer.texts]).toEqual([
          ['a', 'b'],
          ['x', 'y'],
        ]),
      soon,
    );
    expect([dialer.lanes, listener.lanes]).toEqual([
      ['1 up', '1 down'],
      ['1 up', '1 down'],
    ]);
    expect(dialer.down).toEqual([[1, 'ERR_XFER_CONNECTION_LOST']]);
  });

  it('the same holds for those of the dialer, which stay on the older one', async () => {
    const { dialer, listener, first, join } = await meet();
    await join();
    say(dialer, 'a');
    await vi.waitFor(() => expect(listener.texts).toEqual(['a']), soon);
    first.hold();
    say(dialer, 'b', 'c');
    first.kill();
    say(dialer, 'd');
    await vi.waitFor(() => expect(listener.texts).toEqual(['a', 'b', 'c', 'd']), soon);
    expect(dialer.down).toEqual([[0, 'ERR_XFER_CONNECTION_LOST']]);
  });

  it('the same holds where another joins meanwhile, and nothing is heard twice', async () => {
    const { dialer, listener, first, join } = await meet();
    first.hold();
    say(dialer, 'a');
    say(listener, 'x');
    await join();
    await vi.waitFor(() => expect([listener.texts, dialer.texts]).toEqual([['a'], ['x']]), soon);
    first.kill();
    say(dialer, 'b');
    await vi.waitFor(() => expect(listener.texts).toEqual(['a', 'b']), soon);
    expect([dialer.session.lanes, dialer.ends]).toEqual([[1], []]);
  });

  it('its content is gone, it takes none any more, and that of others comes', async () => {
    const { dialer, listener, join } = await meet();
    const dying = await join();
    const fd = await openFile(KiB);
    dying.hold();
    dialer.session.sendContent(1, contentJob(fd, 0, KiB), () => undefined);
    dialer.session.sendContent(0, contentJob(fd, 1, KiB), () => undefined);
    dying.kill();
    await vi.waitFor(() => expect(dialer.lanes).toEqual(['1 up', '1 down']), soon);
    expect(dialer.session.hasRoom(1)).toBe(false);
    expect(() => dialer.session.sendContent(1, contentJob(fd, 2, KiB), () => undefined)).toThrow('gone');
    dialer.session.sendContent(0, contentJob(fd, 0, KiB), () => undefined);
    await vi.waitFor(() => expect([...listener.records]).toEqual([[0, [1, 0]]]), soon);
  });

  it('and nobody says so, another one carries what is said, and it is given up when it was silent for too long', async () => {
    const { dialer, listener, first, join } = await meet({ silenceMs: 12_000 });
    await join();
    first.hold();
    say(dialer, 'a');
    await vi.waitFor(() => expect(listener.texts).toEqual(['a']), 10_000);
    expect(dialer.session.lanes).toEqual([0, 1]);
    await vi.waitFor(() => expect(dialer.session.lanes).toEqual([1]), 15_000);
    await vi.waitFor(() => expect(listener.session.lanes).toEqual([1]), 10_000);
  }, 40_000);

  it('another one carries what is said as soon as its transport hears nothing', async () => {
    const { dialer, listener, first, join } = await meet();
    await join();
    first.hold();
    say(dialer, 'a');
    dialer.session.handleSuspect(0, true);
    await vi.waitFor(() => expect(listener.texts).toEqual(['a']), soon);
    expect(dialer.session.lanes).toEqual([0, 1]);
  });

  it('what is urgent, or is not acknowledged for a while, goes on every lane, and is heard once', async () => {
    const { dialer, listener, first, join } = await meet();
    await join();
    await join();
    first.hold();
    say(dialer, 'a');
    dialer.session.hurryControl();
    await vi.waitFor(() => expect(listener.texts).toEqual(['a']), 250);
    say(dialer, 'b');
    // Before control records move to another lane, where it would be said again.
    await vi.waitFor(() => expect(listener.texts).toEqual(['a', 'b']), 700);
    expect(dialer.session.lanes).toEqual([0, 1, 2]);
  });

  it('what the dialer says does not wait for one that is only tried', async () => {
    const { dialer, listener, join } = await meet();
    const newest = await join();
    // Longer than the patience with a lane on which the other side speaks.
    await new Promise((resolve) => setTimeout(resolve, 600));
    newest.hold();
    for (const text of ['a', 'b', 'c']) {
      say(dialer, text);
      await vi.waitFor(() => expect(listener.texts.at(-1)).toBe(text), 300);
    }
  });
});

describe('when a lane dies and nobody says so', () => {
  const lateMs = 2 * sessionDefaults.heartbeatMs;

  it('what is said moves to the lane on which content still comes, long before the other is late', async () => {
    const { dialer, listener, join } = await meet();
    const newest = await join();
    const fd = await openFile(KiB);
    newest.hold();
    say(listener, 'x');
    dialer.session.sendContent(0, contentJob(fd, 0, KiB), () => undefined);
    await vi.waitFor(() => expect(dialer.texts).toEqual(['x']), lateMs / 2);
    expect(dialer.session.lanes).toEqual([0, 1]);
  });

  it('who ends it is heard on another, and answered there', async () => {
    const { dialer, listener, join } = await meet();
    const newest = await join();
    newest.hold();
    say(listener, 'x');
    dialer.session.closeLane(1);
    await vi.waitFor(() => expect(dialer.texts).toEqual(['x']), lateMs / 2);
    expect(listener.session.lanes).toEqual([0, 1]);
  });
});

describe('a session without any lane', () => {
  it('goes on when one joins in time, with all that was said meanwhile', async () => {
    const { dialer, listener, first, join } = await meet({ rejoinMs });
    first.kill();
    await vi.waitFor(() => expect([dialer.detached.length, listener.detached.length]).toEqual([1, 1]), soon);
    say(dialer, 'a');
    say(listener, 'x');
    await join();
    await vi.waitFor(() => expect([listener.texts, dialer.texts]).toEqual([['a'], ['x']]), soon);
    expect([dialer.session.lanes, dialer.ends, listener.ends]).toEqual([[1], [], []]);
  });

  it('ends when none does, with why the last one was lost', async () => {
    const { dialer, listener, first, wire } = await meet({ rejoinMs: 100 });
    first.kill();
    await vi.waitFor(() => expect([dialer.ends.length, listener.ends.length]).toEqual([1, 1]), soon);
    expect([dialer.ends, listener.ends]).toEqual([
      ['ERR_XFER_CONNECTION_LOST'],
      ['ERR_XFER_CONNECTION_LOST'],
    ]);
    const late = await wire();
    await expect(dialer.session.dialLane(late.connection, never)).rejects.toMatchObject({
      code: 'ERR_XFER_REFUSED',
    });
    expect(await late.joins[0]).toBe('ERR_XFER_LIMIT');
  });

  it('ends at once where it is not to wait', async () => {
    const { dialer, listener, first } = await meet();
    first.kill();
    await vi.waitFor(() => expect([dialer.ends.length, listener.ends.length]).toEqual([1, 1]), soon);
    expect([dialer.detached, listener.detached]).toEqual([[], []]);
  });

  it('ends at once when it is finished and nothing is to be said', async () => {
    const { dialer, listener, first } = await meet({ rejoinMs });
    say(listener, 'x');
    listener.session.confirm();
    await vi.waitFor(() => expect(dialer.texts).toEqual(['x']), soon);
    first.kill();
    await vi.waitFor(() => expect(dialer.detached).toHaveLength(1), soon);
    dialer.session.finish();
    expect(dialer.ends).toEqual(['ERR_XFER_CONNECTION_LOST']);
  });

  it('says its last words on the next one when it is finished', async () => {
    const { dialer, listener, first, join } = await meet({ rejoinMs });
    listener.session.attach({
      onControl: (body) => {
        listener.texts.push(Buffer.from(body).toString());
        listener.session.finish();
      },
      onContent: (content) => content.release(),
      onRoom: () => undefined,
      onEnd: (error) => listener.ends.push(error?.code),
    });
    first.kill();
    await vi.waitFor(() => expect(dialer.detached).toHaveLength(1), soon);
    say(dialer, 'last');
    dialer.session.finish();
    expect(dialer.ends).toEqual([]);
    await join();
    await vi.waitFor(() => expect([dialer.ends, listener.ends]).toEqual([[undefined], [undefined]]), soon);
    expect(listener.texts).toEqual(['last']);
  });

  it('ends when none does, with words left to say', async () => {
    const { dialer, first } = await meet({ rejoinMs: 100 });
    first.kill();
    await vi.waitFor(() => expect(dialer.detached).toHaveLength(1), soon);
    say(dialer, 'last');
    dialer.session.finish();
    await vi.waitFor(() => expect(dialer.ends).toEqual(['ERR_XFER_CONNECTION_LOST']), soon);
  });
});

describe('the end of one lane of two', () => {
  it('comes behind what was submitted on it, and the session goes on', async () => {
    const { dialer, listener, join } = await meet();
    await join();
    const fd = await openFile(KiB);
    for (const number of [0, 1, 2])
      dialer.session.sendContent(1, contentJob(fd, number, KiB), () => undefined);
    dialer.session.closeLane(1);
    expect(dialer.session.hasRoom(1)).toBe(false);
    await vi.waitFor(() => expect([dialer.lanes, listener.lanes].flat()).toContain('1 down'), soon);
    await vi.waitFor(() => expect(dialer.session.lanes).toEqual([0]), soon);
    expect([listener.records.get(1), dialer.down, listener.down]).toEqual([
      [0, 1, 2],
      [[1, undefined]],
      [[1, undefined]],
    ]);
    say(dialer, 'a');
    say(listener, 'x');
    await vi.waitFor(() => expect([listener.texts, dialer.texts]).toEqual([['a'], ['x']]), soon);
  });

  it('loses no control message that is said while it closes', async () => {
    const { dialer, listener, join } = await meet();
    await join();
    say(dialer, 'a');
    dialer.session.closeLane(1);
    say(dialer, 'b');
    say(listener, 'x');
    await vi.waitFor(() => expect([listener.texts, dialer.texts]).toEqual([['a', 'b'], ['x']]), soon);
  });

  it('is not that of the last one', async () => {
    const { dialer, listener } = await meet();
    dialer.session.closeLane(0);
    say(dialer, 'a');
    await vi.waitFor(() => expect(listener.texts).toEqual(['a']), soon);
  });

  it('ends the session in order when both have finished', async () => {
    const { dialer, listener, join } = await meet({ rejoinMs });
    await join();
    say(dialer, 'last');
    dialer.session.finish();
    listener.session.finish();
    await vi.waitFor(() => expect([dialer.ends, listener.ends]).toEqual([[undefined], [undefined]]), soon);
    expect(listener.texts).toEqual(['last']);
  });
});

describe('the end of a session one of whose lanes is dead', () => {
  it('comes as soon as both have finished and heard all, and then the dead lane is lost', async () => {
    const { dialer, listener, join } = await meet({ rejoinMs });
    const newest = await join();
    newest.hold();
    listener.session.attach({
      onControl: () => listener.session.finish(),
      onContent: (content) => content.release(),
      onRoom: () => undefined,
      onEnd: (error) => listener.ends.push(error?.code),
    });
    say(dialer, 'last');
    dialer.session.finish();
    await vi.waitFor(
      () => expect([dialer.ends, listener.ends]).toEqual([[undefined], [undefined]]),
      sessionDefaults.heartbeatMs / 2,
    );
    const down = [
      [0, undefined],
      [1, 'ERR_XFER_CONNECTION_LOST'],
    ];
    await vi.waitFor(
      () => expect([dialer.down, listener.down]).toEqual([down, down]),
      sessionDefaults.heartbeatMs,
    );
  });

  it('is no loss where the dead lane is found out behind the end of the others', async () => {
    const { dialer, listener, first, join } = await meet({ rejoinMs });
    await join();
    first.hold();
    dialer.session.finish();
    listener.session.finish();
    first.kill();
    await vi.waitFor(() => expect([dialer.ends, listener.ends]).toEqual([[undefined], [undefined]]), soon);
    expect([dialer.detached, listener.detached]).toEqual([[], []]);
  });
});

describe('a lane is refused', () => {
  it('when there are as many as may be', async () => {
    const { dialer, listener, join, wire } = await meet();
    for (let lanes = 1; lanes < sessionDefaults.maxLanes; lanes++) await join();
    const extra = await wire();
    await expect(dialer.session.dialLane(extra.connection, never)).rejects.toBeDefined();
    expect(await extra.joins[0]).toBe('ERR_XFER_LIMIT');
    expect(listener.session.lanes).toHaveLength(sessionDefaults.maxLanes);
  });

  it('when as many as may join already do, until one of them has left', async () => {
    const { dialer, listener, wire, join } = await meet();
    const strangers = await wire();
    const streams = Array.from({ length: sessionDefaults.maxJoiningLanes }, () =>
      knock(strangers, dialer.session.id, 1),
    );
    for (const stream of streams) await stream.opened;
    const next = await wire();
    await expect(dialer.session.dialLane(next.connection, never)).rejects.toBeDefined();
    expect(await next.joins[0]).toBe('ERR_XFER_LIMIT');
    streams[0]?.reset(4);
    expect(await strangers.joins[0]).toBe('ERR_XFER_CONNECTION_LOST');
    await join();
    expect(listener.session.lanes).toEqual([0, 2]);
  });

  it('when its number is that of another, or lower', async () => {
    const { dialer, listener, join, wire } = await meet();
    await join();
    const old = await wire();
    for (const lane of [0, 1]) {
      const refused: unknown = await knock(old, dialer.session.id, lane).opened.catch(
        (error: unknown) => error,
      );
      expect(refused).toBeInstanceOf(OpenRefused);
      expect((refused as OpenRefused).openCode).toBe(openErrorCode.resourceLimit);
    }
    expect(listener.session.lanes).toEqual([0, 1]);
  });

  it('when it knows the session by name alone, and the session goes on', async () => {
    const { dialer, listener, join, wire } = await meet();
    const stranger = await wire();
    const stream = knock(stranger, dialer.session.id, 7);
    stream.send(frame(Uint8Array.of(0x12, ...new Uint8Array(32))));
    await vi.waitFor(() => expect(stranger.joins).toHaveLength(1), soon);
    expect(await stranger.joins[0]).toBe('ERR_XFER_HANDSHAKE');
    // Its number is not spent either.
    expect((await join()).lane).toBe(1);
    say(dialer, 'a');
    await vi.waitFor(() => expect(listener.texts).toEqual(['a']), soon);
    expect([listener.session.lanes, listener.ends]).toEqual([[0, 1], []]);
  });

  it('of two that joined at once with the same number, the one that is later', async () => {
    const { dialer, listener, wire, join } = await meet();
    const stranger = await wire();
    const stream = knock(stranger, dialer.session.id, 1);
    await stream.opened;
    expect((await join()).lane).toBe(1);
    stream.send(frame(Uint8Array.of(0x12, ...new Uint8Array(32))));
    expect(await stranger.joins[0]).toBe('ERR_XFER_HANDSHAKE');
    expect(listener.session.lanes).toEqual([0, 1]);
  });
});

describe('a record that was altered on its way', () => {
  const alter = (wire: Wire): void => {
    let done = false;
    wire.dialerHooks.tamper = (bytes) => {
      const altered = Uint8Array.from(bytes);
      const middle = bytes.length >> 1;
      if (!done && bytes.length > 8 * KiB) altered[middle] = (altered[middle] ?? 0) ^ 1;
      done ||= bytes.length > 8 * KiB;
      return [altered];
    };
  };
  const large = 'x'.repeat(12 * KiB);

  it('ends its lane, and the session when that happens again', async () => {
    const { dialer, listener, first, join } = await meet({ rejoinMs });
    alter(first);
    say(dialer, large);
    await vi.waitFor(() => expect(listener.down).toEqual([[0, 'ERR_XFER_TAMPERED']]), soon);
    const second = await join();
    await vi.waitFor(() => expect(listener.texts).toEqual([large]), soon);
    alter(second);
    say(dialer, large);
    await vi.waitFor(() => expect(listener.ends).toEqual(['ERR_XFER_TAMPERED']), soon);
    expect(listener.texts).toHaveLength(1);
  });
});
