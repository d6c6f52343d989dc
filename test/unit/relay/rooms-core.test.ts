import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relayDefaults } from '../../../src/config/index.js';
import { isUnknownPeer, unknownPeer } from '../../../src/relay/peer-key.js';
import { isRoomName, RoomsCore } from '../../../src/relay/rooms-core.js';

const times = <Result>(count: number, act: (turn: number) => Result) =>
  Array.from({ length: count }, (_, i) => act(i));
const limits = { maxRooms: 4, maxRoomsPerPeer: 2, roomLifetimeMs: 1_000, roomMissesPerMinute: 3 };
const stranger = unknownPeer('192.0.2.1');
/** The connection of who waits there, or why not. */
const whoIs = (rooms: RoomsCore, now: number, name: string, address?: string) => {
  const found = rooms.find(now, name, address);
  return 'refused' in found ? found.refused : found.connection;
};

describe('the name of a room', () => {
  it.each(['4821', 'a', 'A_z-9', 'x'.repeat(64)])('may be %s', (name) => expect(isRoomName(name)).toBe(true));

  it.each(['', 'x'.repeat(65), 'a b', 'ä', 'a\n', '../a', 'a/b', '%41', 'a\0'])('may not be %j', (name) => {
    const rooms = new RoomsCore();
    expect([isRoomName(name), rooms.open(0, name, 'key', 1), whoIs(rooms, 0, name)]).toEqual([
      ...[false, 'room-name', 'room-name'],
    ]);
  });
});

describe('an unknown peer', () => {
  it('is its source', () => {
    expect([stranger, unknownPeer('::ffff:192.0.2.1')]).toEqual(['unknown:192.0.2.1', 'unknown:192.0.2.1']);
    expect([isUnknownPeer(stranger), isUnknownPeer('ab'.repeat(32))]).toEqual([true, false]);
  });
});

describe('a room', () => {
  it('is found until who opened it closes it, and nobody else can', () => {
    const rooms = new RoomsCore(limits);
    expect([rooms.open(0, 'a', stranger, 1), rooms.open(0, 'b', stranger, 1)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(rooms.find(1, 'a', '192.0.2.9')).toEqual({
      name: 'a',
      owner: stranger,
      countedBy: stranger,
      connection: 1,
      expiresAt: 1_000,
    });
    expect([rooms.close('a', 2), rooms.close('c', 1), whoIs(rooms, 1, 'a')]).toEqual([false, false, 1]);
    expect([rooms.close('a', 1), rooms.close('a', 1), whoIs(rooms, 1, 'a')]).toEqual([
      true,
      false,
      'room-unknown',
    ]);
    expect([whoIs(rooms, 1, 'b'), rooms.size]).toEqual([1, 1]);
  });

  it('goes with the connection of its owner, and with no other', () => {
    const rooms = new RoomsCore(limits);
    rooms.open(0, 'a', 'key', 1);
    rooms.open(0, 'b', 'key', 1);
    rooms.open(0, 'c', 'other', 2);
    expect(rooms.handleClose(3)).toEqual([]);
    expect(rooms.handleClose(1).map(({ name }) => name)).toEqual(['a', 'b']);
    expect([rooms.handleClose(1), rooms.size, whoIs(rooms, 0, 'c')]).toEqual([[], 1, 2]);
  });

  it('is of one owner, whom a proved key lets come back over another connection', () => {
    const rooms = new RoomsCore(limits);
    rooms.open(0, 'a', 'key', 1);
    rooms.open(0, 'b', stranger, 2);
    expect([rooms.open(1, 'a', 'other', 3), rooms.open(1, 'b', stranger, 3)]).toEqual([
      'room-taken',
      'room-taken',
    ]);
    expect([rooms.open(1, 'a', 'key', 4), whoIs(rooms, 1, 'a')]).toEqual([undefined, 4]);
    expect([rooms.handleClose(1), rooms.close('a', 1), whoIs(rooms, 1, 'a')]).toEqual([[], false, 4]);
    expect(rooms.handleClose(4).length).toBe(1);
  });

  it('is over after its time, which opening it again starts anew', () => {
    const rooms = new RoomsCore(limits);
    rooms.open(0, 'a', 'key', 1);
    rooms.open(10, 'b', 'key', 1);
    rooms.open(500, 'a', 'key', 1);
    expect([rooms.handleTick(1_009), whoIs(rooms, 1_010, 'b')]).toEqual([[], 'room-unknown']);
    expect(rooms.handleTick(1_010).map(({ name }) => name)).toEqual(['b']);
    expect(whoIs(rooms, 1_499, 'a')).toBe(1);
    expect(rooms.handleTick(1e9).map(({ name }) => name)).toEqual(['a']);
    expect([rooms.size, rooms.handleTick(2e9)]).toEqual([0, []]);
  });

  it('lives for a day by default', () => {
    const rooms = new RoomsCore();
    rooms.open(0, 'a', 'key', 1);
    const day = 24 * 3600 * 1000;
    expect([whoIs(rooms, day - 1, 'a'), whoIs(rooms, day, 'a')]).toEqual([1, 'room-unknown']);
  });
});

describe('rooms', () => {
  it('are so many a peer and in all', () => {
    const rooms = new RoomsCore(limits);
    const open = (name: string, owner: string, connection: number) => rooms.open(0, name, owner, connection);
    expect([open('a', 'k', 1), open('b', 'k', 2), open('c', 'k', 3)]).toEqual([
      undefined,
      undefined,
      'peer-rooms',
    ]);
    expect([open('a', 'k', 3), open('c', 'l', 4), open('d', 'l', 4)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(open('e', 'm', 5)).toBe('total-rooms');
    rooms.handleClose(2);
    expect([open('e', 'm', 5), open('f', 'k', 6)]).toEqual([undefined, 'total-rooms']);
  });

  it('are counted by address where keys are free, and stay with their key wherever it is', () => {
    const rooms = new RoomsCore({ maxRoomsPerPeer: 2 });
    const open = (name: string, key: string, connection: number, from = stranger) =>
      rooms.open(0, name, key, connection, from);
    expect([open('a', 'k', 1), open('b', 'l', 2), open('c', 'm', 3)]).toEqual([
      ...[undefined, undefined, 'peer-rooms'],
    ]);
    expect([open('a', 'k', 4, 'unknown:elsewhere'), whoIs(rooms, 0, 'a')]).toEqual([undefined, 4]);
    expect(open('c', 'm', 3)).toBeUndefined();
  });

  it('are as many as by default', () => {
    const rooms = new RoomsCore();
    const { maxRooms, maxRoomsPerPeer } = relayDefaults;
    expect(times(maxRoomsPerPeer + 1, (i) => rooms.open(0, `a${i}`, 'k', 1)).indexOf('peer-rooms')).toBe(
      maxRoomsPerPeer,
    );
    const others = times(maxRooms, (i) => rooms.open(0, `b${i}`, `k${i}`, i));
    expect(others.indexOf('total-rooms')).toBe(maxRooms - maxRoomsPerPeer);
  });
});

describe('guessing rooms', () => {
  it('ends after so many misses of a source, then nothing is looked up for it', () => {
    const rooms = new RoomsCore(limits);
    rooms.open(0, 'real', 'key', 1);
    const from = '2001:db8::1';
    expect(times(4, (i) => whoIs(rooms, 0, `guess${i}`, from))).toEqual([
      ...['room-unknown', 'room-unknown', 'room-unknown', 'room-misses'],
    ]);
    expect(whoIs(rooms, 0, 'real', '2001:db8::2')).toBe('room-misses');
    expect(whoIs(rooms, 0, 'real', '2001:db8:0:1::1')).toBe(1);
    expect(times(9, () => whoIs(rooms, 0, 'guess'))).toEqual(times(9, () => 'room-unknown'));
  });

  it('goes on at a slow rate, and what is found costs nothing', () => {
    const rooms = new RoomsCore({ ...limits, roomLifetimeMs: 1e9 });
    rooms.open(0, 'real', 'key', 1);
    expect(times(100, () => whoIs(rooms, 0, 'real', '192.0.2.1'))).toEqual(times(100, () => 1));
    let misses = 0;
    for (let now = 0; now < 600_000; now += 100)
      if (whoIs(rooms, now, 'guess', '192.0.2.1') === 'room-unknown') misses++;
    expect(misses).toBe(3 + 29);
  });

  it('by opening them counts as well', () => {
    const rooms = new RoomsCore(limits);
    rooms.open(0, 'real', 'key', 1);
    expect(times(4, () => rooms.open(0, 'real', stranger, 2))).toEqual([
      ...['room-taken', 'room-taken', 'room-taken', 'room-misses'],
    ]);
    expect(rooms.open(0, 'free', stranger, 2)).toBeUndefined();
  });

  it('is counted for so many sources and no more', () => {
    const rooms = new RoomsCore({ ...limits, roomMissesPerMinute: 1, maxSources: 2 });
    const guess = (address: string) => whoIs(rooms, 0, 'guess', address);
    expect(['a', 'a', 'b', 'c', 'b', 'a'].map(guess)).toEqual([
      ...['room-unknown', 'room-misses', 'room-unknown', 'room-unknown', 'room-misses', 'room-unknown'],
    ]);
  });
});

describe('whoever opens and closes rooms', () => {
  it('leaves the same rooms as in a plain list', () => {
    const act = fc.record({
      act: fc.constantFrom('open', 'open', 'close', 'end', 'find', 'tick'),
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      connection: fc.integer({ min: 1, max: 6 }),
      afterMs: fc.constantFrom(0, 1, 400),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 150 }), (acts) => {
        const rooms = new RoomsCore({ ...limits, roomMissesPerMinute: 1e9 });
        const open = new Map<string, { owner: string; connection: number; until: number }>();
        let now = 0;
        for (const { act, name, connection, afterMs } of acts) {
          now += afterMs;
          // Connections 1 and 2 are of one peer with a key, 3 and 4 of one without, the others of two.
          const owner = connection <= 2 ? 'key' : connection <= 4 ? stranger : `key ${connection}`;
          const standing = open.get(name);
          if (act === 'open') {
            const own = [...open.values()].filter((room) => room.owner === owner).length;
            const isTaken =
              standing &&
              standing.connection !== connection &&
              (owner !== standing.owner || owner === stranger);
            const refusal = isTaken
              ? 'room-taken'
              : standing
                ? undefined
                : own >= 2
                  ? 'peer-rooms'
                  : open.size >= 4
                    ? 'total-rooms'
                    : undefined;
            expect(rooms.open(now, name, owner, connection)).toBe(refusal);
            if (!refusal) open.set(name, { owner, connection, until: now + 1_000 });
          } else if (act === 'close') {
            expect(rooms.close(name, connection)).toBe(standing?.connection === connection);
            if (standing?.connection === connection) open.delete(name);
          } else if (act === 'end') {
            const gone = [...open].filter(([, room]) => room.connection === connection).map(([key]) => key);
            expect(
              rooms
                .handleClose(connection)
                .map((room) => room.name)
                .sort(),
            ).toEqual(gone.sort());
            for (const key of gone) open.delete(key);
          } else if (act === 'find') {
            const found = standing && standing.until > now ? standing.connection : 'room-unknown';
            expect(whoIs(rooms, now, name, '192.0.2.7')).toBe(found);
          } else {
            const gone = [...open].filter(([, room]) => room.until <= now).map(([key]) => key);
            expect(
              rooms
                .handleTick(now)
                .map((room) => room.name)
                .sort(),
            ).toEqual(gone.sort());
            for (const key of gone) open.delete(key);
          }
          expect(rooms.size).toBe(open.size);
        }
      }),
      { numRuns: 500 },
    );
  });
});
