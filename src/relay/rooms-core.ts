import { relayDefaults } from '../config/index.js';
import { sourceKey } from '../transport/source-key.js';
import { TokenBucketCore } from '../transport/token-bucket-core.js';
import { LruMap } from './lru-map.js';
import { isUnknownPeer } from './peer-key.js';
import type { RefusalReason } from './refusal-reason.js';

/** As in `relayDefaults`, each. */
export type RoomLimits = Readonly<
  Record<'maxRooms' | 'maxRoomsPerPeer' | 'roomLifetimeMs' | 'roomMissesPerMinute' | 'maxSources', number>
>;

export interface Room {
  readonly name: string;
  /** The peer that waits in it, and the connection on which it does. */
  readonly owner: string;
  /** Among whose rooms it is counted: a key is free, an address is not. */
  readonly countedBy: string;
  readonly connection: number;
  readonly expiresAt: number;
}

/** What may be the name of a room. It comes from strangers and goes into logs. */
export function isRoomName(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text);
}

/**
 * Where peers meet at a relay (DESIGN §8): a sans-IO core. A room is open until its owner or the owner's connection closes
 * it, or its time is over. Who asks for rooms that are not there, or opens ones that are, is guessing: after so many a
 * minute nothing is looked up for it.
 *
 * Calls: `open` and `close` as the owner says, `handleClose` when a connection is over, `find` for who comes to meet it,
 * `handleTick` now and then.
 */
export class RoomsCore {
  readonly #limits: RoomLimits;
  /** In the order in which they expire, as all live equally long. */
  readonly #rooms = new Map<string, Room>();
  readonly #byPeer = new Map<string, Set<string>>();
  readonly #byConnection = new Map<number, Set<string>>();
  /** Guesses of each source that is left some. */
  readonly #misses: LruMap<string, TokenBucketCore>;

  constructor(limits: Partial<RoomLimits> = {}) {
    this.#limits = { ...relayDefaults, ...limits };
    this.#misses = new LruMap(this.#limits.maxSources);
  }

  /** Rooms that are open or not yet known to be over. */
  get size(): number {
    return this.#rooms.size;
  }

  /**
   * Undefined: it is open. A peer that proved its key may have its own room moved to another connection, and so come back
   * before its lost one is known to be lost; opening one's own room again gives it its full time.
   * `countedBy`: of whom there may be `maxRoomsPerPeer`.
   */
  open(
    now: number,
    name: string,
    owner: string,
    connection: number,
    countedBy: string = owner,
  ): RefusalReason | undefined {
    if (!isRoomName(name)) return 'room-name';
    const standing = this.#rooms.get(name);
    if (!standing) {
      const { maxRooms, maxRoomsPerPeer } = this.#limits;
      if ((this.#byPeer.get(countedBy)?.size ?? 0) >= maxRoomsPerPeer) return 'peer-rooms';
      if (this.#rooms.size >= maxRooms) return 'total-rooms';
    } else if (!mayReopen(standing, owner, connection)) {
      if (!this.#mayGuess(countedBy, now)) return 'room-misses';
      this.#miss(countedBy, now);
      return 'room-taken';
    } else this.#remove(standing);
    const room = { name, owner, countedBy, connection, expiresAt: now + this.#limits.roomLifetimeMs };
    this.#rooms.set(name, room);
    addTo(this.#byPeer, countedBy, name);
    addTo(this.#byConnection, connection, name);
    return undefined;
  }

  /** `address`: of who asks; undefined for trusted peers, who may guess. */
  find(now: number, name: string, address: string | undefined): Room | { readonly refused: RefusalReason } {
    if (!isRoomName(name)) return { refused: 'room-name' };
    const source = address === undefined ? undefined : sourceKey(address);
    if (source !== undefined && !this.#mayGuess(source, now)) return { refused: 'room-misses' };
    const room = this.#standing(now, name);
    if (room) return room;
    if (source !== undefined) this.#miss(source, now);
    return { refused: 'room-unknown' };
  }

  /** False where this connection has no such room. */
  close(name: string, connection: number): boolean {
    const room = this.#rooms.get(name);
    if (room?.connection !== connection) return false;
    this.#remove(room);
    return true;
  }

  /** The connection is over: gives the rooms that are gone with it. */
  handleClose(connection: number): Room[] {
    const rooms = [...(this.#byConnection.get(connection) ?? [])].flatMap(
      (name) => this.#rooms.get(name) ?? [],
    );
    for (const room of rooms) this.#remove(room);
    return rooms;
  }

  /** Closes the rooms whose time is over, and gives them: their owners are to hear of it. */
  handleTick(now: number): Room[] {
    const expired: Room[] = [];
    for (const room of this.#rooms.values()) {
      if (room.expiresAt > now) break;
      this.#remove(room);
      expired.push(room);
    }
    return expired;
  }

  /** An expired one is nobody's any more, but stays until `handleTick` has told of it. */
  #standing(now: number, name: string): Room | undefined {
    const room = this.#rooms.get(name);
    return room && room.expiresAt > now ? room : undefined;
  }

  #remove({ name, countedBy, connection }: Room): void {
    this.#rooms.delete(name);
    deleteFrom(this.#byPeer, countedBy, name);
    deleteFrom(this.#byConnection, connection, name);
  }

  #mayGuess(source: string, now: number): boolean {
    return this.#misses.get(source)?.has(1, now) ?? true;
  }

  #miss(source: string, now: number): void {
    const { roomMissesPerMinute } = this.#limits;
    const bucket =
      this.#misses.get(source) ??
      new TokenBucketCore({
        ratePerSecond: roomMissesPerMinute / 60,
        capacityAt: () => roomMissesPerMinute,
      });
    bucket.reserve(1, now);
    this.#misses.set(source, bucket);
  }
}

function mayReopen(room: Room, owner: string, connection: number): boolean {
  return room.connection === connection || (room.owner === owner && !isUnknownPeer(owner));
}

function addTo<Key>(index: Map<Key, Set<string>>, key: Key, name: string): void {
  const names = index.get(key);
  if (names) names.add(name);
  else index.set(key, new Set([name]));
}

function deleteFrom<Key>(index: Map<Key, Set<string>>, key: Key, name: string): void {
  const names = index.get(key);
  names?.delete(name);
  if (names?.size === 0) index.delete(key);
}
