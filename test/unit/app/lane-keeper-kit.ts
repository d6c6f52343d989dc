import { vi } from 'vitest';
import { LaneKeeper, type LaneAbout } from '../../../src/app/lane-keeper.js';
import type { Decision } from '../../../src/app/events.js';
import type { DrivenTransfer } from '../../../src/app/way-chooser.js';
import { XferError } from '../../../src/errors/index.js';
import type { Session } from '../../../src/session/session.js';
import { formatAddress, parseUrl, type Address } from '../../../src/transport/address.js';
import type { Connection } from '../../../src/transport/contract.js';
import type { LaneLoad } from '../../../src/transfer/scheduler-core.js';

/** A way of which a test says how fast it is, and whether anything goes through. */
export interface FakeWay {
  readonly url: string;
  bytesPerMs: number;
  /** Nothing comes back, and nobody answers a dial. */
  isCut: boolean;
  /** Who listens there takes connections, and says nothing, or knows no such session; or none does. */
  listener?: 'silent' | 'another' | 'none';
}

interface FakeLane {
  readonly way: FakeWay;
  readonly connection: Connection;
  received: number;
  isResting: boolean;
  isSuspect: boolean;
}

const tickMs = 10;
const dialMs = 20;
/** A transport waits no longer. */
const dialTimeoutMs = 3_000;

/** A keeper of lanes with a session, a transfer and connections that are none; time is vitest's. */
export class LaneKeeperKit {
  readonly told: { lane: number; state: string; about: LaneAbout; error: XferError | undefined }[] = [];
  readonly decisions: Decision[] = [];
  /** How connections ended, by their way. */
  readonly ended: string[] = [];
  readonly dialled: string[] = [];
  /** What was tried beside the transfer in vain. */
  readonly failed: string[] = [];
  readonly keeper: LaneKeeper;
  readonly lanes = new Map<number, FakeLane>();
  /** Lanes whose other end does not answer when they are ended. */
  keepsEnding = false;
  /** The way that is connected first, whoever is there. */
  front: FakeWay | undefined;
  /** This end of all connections. */
  local = 'tcp://127.0.0.1:1';
  isOver = false;
  isFinishing = false;
  /** Of the user. */
  readonly interrupting = new AbortController();
  readonly #suspecting = new Map<Connection, (isSuspect: boolean) => void>();
  readonly #muted = new Set<Connection | undefined>();
  #lastLane = 0;
  #received = 0;
  #networkMs = 0;
  readonly ways: readonly FakeWay[];
  readonly #totalBytes: number;

  constructor(ways: readonly FakeWay[], totalBytes: number) {
    this.ways = ways;
    this.#totalBytes = totalBytes;
    this.keeper = new LaneKeeper({
      retryMs: 30_000,
      signal: this.interrupting.signal,
      ways: {
        dialFirst: async (signal) => {
          const address = parseUrl((this.front ?? ways[0])?.url ?? '');
          return { address, connection: await this.#dial(address, signal) };
        },
        dial: (address, signal) => this.#dial(address, signal),
        candidates: () => [],
        handleFailed: (address, { message }) => this.failed.push(`${formatAddress(address)} ${message}`),
      },
      onLane: (lane, state, about, error) => this.told.push({ lane, state, about, error }),
      onDecision: (decision) => this.decisions.push(decision),
    });
    this.keeper.onSuspect = (number, isSuspect) => {
      const lane = this.lanes.get(number);
      if (lane) lane.isSuspect = isSuspect;
    };
  }

  /** `known`: of the ways so many are candidates from the beginning. */
  begin(wanted?: number, isRelayed = false, known = this.ways.length): void {
    const [first, ...others] = this.ways.slice(0, known);
    if (!first) return;
    const connection = this.#connection(first, isRelayed);
    this.#add(connection, first);
    const there = { address: parseUrl(first.url), connection };
    const candidates = others.map(({ url }) => parseUrl(url));
    this.keeper.begin(this.#session(), { there, candidates, helloMs: 1 });
    this.keeper.drive(this.#transfer(), wanted);
  }

  /** The first lane is lost in the turn in which the session was there. */
  beginLost(): void {
    const error = new XferError('ERR_XFER_CONNECTION_LOST', 'lost');
    this.keeper.handleLaneDown(0, error);
    this.keeper.handleDetached(error);
    const [first] = this.ways;
    if (!first) return;
    this.#lastLane = 1;
    const there = { address: parseUrl(first.url), connection: this.#connection(first, false) };
    this.keeper.begin(this.#session(), { there, candidates: [], helloMs: 1 });
    this.keeper.drive(this.#transfer(), 1);
  }

  /** Time passes; content goes as the ways let it. */
  async run(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += tickMs) {
      const active = [...this.lanes.values()].filter(({ isResting, isSuspect }) => !isResting && !isSuspect);
      const carrying = active.length > 0 ? active : [...this.lanes.values()];
      for (const lane of carrying)
        if (!lane.way.isCut) {
          lane.received += lane.way.bytesPerMs * tickMs;
          this.#received += lane.way.bytesPerMs * tickMs;
        }
      this.#networkMs += tickMs;
      await vi.advanceTimersByTimeAsync(tickMs);
    }
  }

  /** The lane's connection is lost. */
  lose(lane: number): void {
    this.lanes.delete(lane);
    const error = new XferError('ERR_XFER_CONNECTION_LOST', 'lost');
    this.keeper.handleLaneDown(lane, error);
    if (this.lanes.size === 0) this.keeper.handleDetached(error);
  }

  /** Nothing comes back on this lane any more. */
  mute(lane: number): void {
    this.#muted.add(this.lanes.get(lane)?.connection);
  }

  /** What the lane's own connection says. */
  suspect(lane: number, isSuspect: boolean): void {
    const connection = this.lanes.get(lane)?.connection;
    if (connection) this.#suspecting.get(connection)?.(isSuspect);
  }

  /** The transfer has ended, and another, which knows of no silence, begins on the same lanes. */
  next(): void {
    this.keeper.rest();
    for (const lane of this.lanes.values()) lane.isSuspect = false;
    this.keeper.drive(this.#transfer());
  }

  /** By the schemes of the lanes that are there. */
  get schemes(): string[] {
    return [...this.lanes.values()].map(({ way }) => parseUrl(way.url).scheme).sort();
  }

  #transfer(): DrivenTransfer {
    const measured = () => {
      const loads = new Map<number, LaneLoad>();
      for (const [lane, { received, way }] of this.lanes)
        loads.set(lane, { receivedBytes: received, inFlightBytes: 1 + way.bytesPerMs, delayMs: 2 });
      const remainingBytes = Math.max(0, this.#totalBytes - this.#received);
      return { receivedBytes: this.#received, remainingBytes, networkMs: this.#networkMs, loads };
    };
    return {
      get measured() {
        return measured();
      },
      handleRest: (lane, isResting) => {
        const entry = this.lanes.get(lane);
        if (entry) entry.isResting = isResting;
      },
      handleRoundTrip: () => undefined,
    };
  }

  #session(): Session {
    const lanes = () => [...this.lanes.keys()];
    const isOver = () => this.isOver;
    const isFinishing = () => this.isFinishing;
    const session = {
      fabric: { isSealed: () => true },
      get lanes() {
        return lanes();
      },
      get isOver() {
        return isOver();
      },
      get isFinishing() {
        return isFinishing();
      },
      dialLane: (connection: Connection, signal: AbortSignal) => {
        const way = this.#wayOf(formatAddress(connection.remote));
        if (way.listener === 'another')
          return Promise.reject(new XferError('ERR_XFER_REFUSED', 'no such session'));
        if (way.listener === 'silent')
          return new Promise<number>((_, reject) => {
            signal.addEventListener('abort', () => reject(new XferError('ERR_XFER_TIMEOUT', 'too late')));
          });
        return Promise.resolve(this.#add(connection, way));
      },
      closeLane: (lane: number) => {
        if (this.keepsEnding) return;
        queueMicrotask(() => {
          this.keeper.handleLaneDown(lane, undefined);
          this.lanes.delete(lane);
        });
      },
      abort: () => (this.isOver = true),
    };
    // Whatever else a session has is not asked for.
    return session as unknown as Session;
  }

  #add(connection: Connection, way: FakeWay): number {
    const lane = this.#lastLane++;
    this.lanes.set(lane, { way, connection, received: 0, isResting: false, isSuspect: false });
    return lane;
  }

  #dial(address: Address, signal: AbortSignal): Promise<Connection> {
    const url = formatAddress(address);
    this.dialled.push(url);
    const way = this.#wayOf(url);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new XferError('ERR_XFER_TIMEOUT', 'too late')));
      const late = new XferError('ERR_XFER_TIMEOUT', 'no answer');
      const refused = new XferError('ERR_XFER_CONNECTION_REFUSED', 'nobody listens');
      if (way.isCut) setTimeout(() => reject(late), dialTimeoutMs);
      else if (way.listener === 'none') setTimeout(() => reject(refused), dialMs);
      else setTimeout(() => resolve(this.#connection(way, false)), dialMs);
    });
  }

  #connection(way: FakeWay, isRelayed: boolean): Connection {
    let heard = 0;
    const end = (how: string) => {
      this.ended.push(`${how} ${way.url}`);
      for (const [lane, entry] of this.lanes)
        if (entry.connection === connection && how === 'abort') {
          this.lanes.delete(lane);
          this.keeper.handleLaneDown(lane, new XferError('ERR_XFER_CONNECTION_LOST', 'it was aborted'));
        }
    };
    const connection = {
      ...{
        remote: parseUrl(way.url),
        local: parseUrl(this.local),
        isRelayed,
        capabilities: { streams: 'native' },
      },
      onSuspect: (handler: (isSuspect: boolean) => void) => this.#suspecting.set(connection, handler),
      stats: () => ({
        rttMs: 1,
        minRttMs: 1,
        lost: 0,
        bytesReceived: way.isCut || this.#muted.has(connection) ? heard : ++heard,
      }),
      close: () => Promise.resolve(end('close')),
      abort: () => end('abort'),
    } as unknown as Connection;
    return connection;
  }

  #wayOf(url: string): FakeWay {
    const way = this.ways.find((one) => one.url === url);
    if (!way) throw new Error(`there is no way ${url}`);
    return way;
  }
}
