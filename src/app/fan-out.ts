import { randomBytes } from 'node:crypto';
import { transferDefaults } from '../config/index.js';
import { nativeApi } from '../native/index.js';
import { cipher } from '../native/api.js';
import { PathDialer } from '../relay/dial-path.js';
import type { ProveHop } from '../relay/prove-hop.js';
import { maxBranches } from '../relay/route.js';
import { groupEpochBytes, groupKeyBytes } from '../session/group-keys.js';
import type { Session } from '../session/session.js';
import type { CompressMode } from '../transfer/compress-core.js';
import { GroupContent, type GroupSeat } from '../transfer/group-content.js';
import type { SendGroup, SendLimit } from '../transfer/send-options.js';
import { resetCode, type Connection, type Stream, type TransportTuning } from '../transport/contract.js';
import { lateSignal } from '../transport/late-signal.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { FoundRoute } from './route.js';

export interface FanOutOptions {
  readonly transports: TransportRegistry;
  readonly signal: AbortSignal;
  /** Says to relays who dials, as for the sessions. */
  prove(): Promise<ProveHop | undefined>;
  readonly compress: CompressMode;
  readonly limit?: SendLimit | undefined;
  readonly tuning?: TransportTuning | undefined;
  /** How many targets there are. */
  readonly targets: number;
}

export interface FanOutHandlers {
  /** The lane that all share. */
  onLane(lane: number, state: 'up' | 'down'): void;
  onNote(message: string): void;
  /** It sends by itself, from the beginning or from now on. */
  onAlone(): void;
}

export interface FanOutEntry {
  /** Undefined where it has joined or declined before. */
  join(session: Session, route: FoundRoute, handlers: FanOutHandlers): SendGroup | undefined;
  /** The others need not wait for it. */
  decline(): void;
}

/** A target whose session is there. */
interface Candidate {
  readonly session: Session;
  readonly route: FoundRoute;
  resolve(seat: GroupSeat | undefined): void;
}

/** One of them, with the header that opens its lane. */
interface Named extends Candidate {
  readonly lane: number;
  readonly header: Uint8Array;
}

/** What receivers must be able to do. */
const needed = ['streaming', 'fanout', 'pack'];

/**
 * Brings the transfers to several targets together: those whose sessions are there at about the same time get the content
 * in one group, over as few streams as there are ways. The others, and receivers that cannot, send by themselves.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #candidates: Candidate[] = [];
  readonly #connections = new Set<Connection>();
  #missing: number;
  #group: GroupContent | undefined;
  #isFormed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#missing = options.targets;
  }

  /** For one of the targets: who neither joins nor declines is waited for. */
  entry(): FanOutEntry {
    let isOpen = true;
    const close = () => {
      const wasOpen = isOpen;
      isOpen = false;
      return wasOpen;
    };
    return {
      join: (session, route, handlers) => (close() ? this.#join(session, route, handlers) : undefined),
      decline: () => {
        if (close()) this.#countOne();
      },
    };
  }

  /** A target whose session is there; its place is known when the others are there, too, or are not waited for any more. */
  #join(session: Session, route: FoundRoute, { onLane, onNote, onAlone }: FanOutHandlers): SendGroup {
    const seat = this.#seatFor(session, route);
    let lane: number | undefined;
    void seat.then((taken) => (lane = taken?.offer.lane));
    let isUp = false;
    return {
      seat,
      onJoined: () => {
        isUp = true;
        if (lane !== undefined) onLane(lane, 'up');
      },
      onAlone: (reason) => {
        if (isUp && lane !== undefined) onLane(lane, 'down');
        if (reason !== undefined) onNote(`${reason}: it gets the rest by itself`);
        onAlone();
      },
    };
  }

  #countOne(): void {
    this.#missing--;
    if (this.#missing === 0) this.#form();
  }

  /** Whoever is still in the group is on its own. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#group?.close();
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }

  #seatFor(session: Session, route: FoundRoute): Promise<GroupSeat | undefined> {
    if (this.#isFormed) return Promise.resolve(undefined);
    const seat = new Promise<GroupSeat | undefined>((resolve) =>
      this.#candidates.push({ session, route, resolve }),
    );
    // Those that take longer to connect keep nobody waiting.
    this.#timer ??= setTimeout(() => this.#form(), transferDefaults.groupPatienceMs);
    this.#countOne();
    return seat;
  }

  #form(): void {
    if (this.#isFormed) return;
    this.#isFormed = true;
    clearTimeout(this.#timer);
    const candidates = this.#candidates.splice(0);
    const able = candidates.filter(({ session }) => isAble(session));
    for (const candidate of candidates) if (!able.includes(candidate)) candidate.resolve(undefined);
    if (able.length > 1) void this.#seatAll(able);
    else for (const candidate of able) candidate.resolve(undefined);
  }

  async #seatAll(candidates: readonly Candidate[]): Promise<void> {
    const epoch = Uint8Array.from(randomBytes(groupEpochBytes));
    const named = candidates.map((one) => ({ ...one, ...one.session.nameGroupLane(epoch) }));
    const opened = await Promise.all(
      waysOf(named).map((way) => this.#open(way).then((stream) => ({ way, stream }))),
    );
    const heard = opened.flatMap(({ way, stream }) => (stream ? way.map((one) => ({ one, stream })) : []));
    if (heard.length < 2) {
      for (const { stream } of heard) stream.reset(resetCode.cancelled);
      for (const one of named) one.resolve(undefined);
      return;
    }
    const group = this.#newGroup(
      epoch,
      heard.map(({ one }) => one.session),
    );
    const seats = new Map(heard.map(({ one, stream }) => [one, group.seat(one.lane, stream)]));
    for (const one of named) one.resolve(seats.get(one));
  }

  #newGroup(epoch: Uint8Array, sessions: readonly Session[]): GroupContent {
    const { compress, limit } = this.#options;
    const [first, ...others] = sessions.map((session) => session.cipher);
    const isCommon = first !== undefined && others.every((one) => one === first);
    const canInflate = sessions.every(({ hello }) => hello.capabilities.includes('lz4'));
    return (this.#group = new GroupContent({
      key: {
        epoch,
        key: Uint8Array.from(randomBytes(groupKeyBytes)),
        // The one that is not slow without help from the processor, where they differ.
        cipher: isCommon ? first : cipher.chacha20poly1305,
      },
      native: nativeApi(),
      compress: canInflate ? compress : 'off',
      limit,
      patienceMs: transferDefaults.groupPatienceMs,
    }));
  }

  /** One stream to all of these; undefined where there is no way. */
  async #open(way: readonly Named[]): Promise<Stream | undefined> {
    const { transports, signal, prove, tuning } = this.#options;
    const late = AbortSignal.any([signal, lateSignal(transferDefaults.groupPatienceMs)]);
    const [first] = way;
    if (!first) return undefined;
    try {
      const { header, route } = first;
      if (!('relays' in route.way)) {
        const transport = await transports.get(route.way.scheme);
        const connection = this.#hold(
          await transport.dial(route.way, { signal: late, ...(tuning ? { tuning } : {}) }),
        );
        return closing(connection.openStream({ header }), connection);
      }
      const dialer = new PathDialer(transports, route.way, { prove: await prove(), tuning });
      const connection = await dialer.dial(late);
      this.#hold(connection);
      if (way.length === 1) return closing(connection.openStream({ header }), connection);
      return closing(
        connection.openFork(way.map((one) => ({ to: targetOf(one.route), header: one.header }))),
        connection,
      );
    } catch {
      return undefined;
    }
  }

  #hold<Held extends Connection>(connection: Held): Held {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }
}

function isAble({ hello, isOver }: Session): boolean {
  return !isOver && needed.every((capability) => hello.capabilities.includes(capability));
}

/** Those that one stream can reach: over the same relays, as many as a fork may have; directly each by itself. */
function waysOf(named: readonly Named[]): Named[][] {
  const ways = new Map<string, Named[]>();
  for (const [i, one] of named.entries()) {
    const { way } = one.route;
    const name = 'relays' in way ? JSON.stringify(way.relays) : `direct ${i}`;
    ways.set(name, [...(ways.get(name) ?? []), one]);
  }
  return [...ways.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / maxBranches) }, (_, i) =>
      all.slice(i * maxBranches, (i + 1) * maxBranches),
    ),
  );
}

const targetOf = ({ way }: FoundRoute) => ('relays' in way ? way.to : '');

/** A stream that takes its connection with it. */
function closing(stream: Stream, connection: Connection): Stream {
  void stream.closed.then(() => connection.close());
  return stream;
}
