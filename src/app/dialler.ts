import { XferError } from '../errors/index.js';
import { parseCode } from '../session/code.js';
import type { Identity } from '../session/identity.js';
import type { PeerStore } from '../session/peer-store.js';
import type { Session } from '../session/session.js';
import { formatAddress, type Address } from '../transport/address.js';
import { transportsOf } from './carried.js';
import type { Decision, DoneEvent } from './events.js';
import type { CommonOptions, HopOptions, SendOptions } from './options.js';
import type { FoundRoute, Route } from './route.js';
import { doneSealing, laneSealing, sealedNote } from './sealing-told.js';
import {
  openSendSession,
  type SendSession,
  type SendSessionEvents,
  type SendSessionOptions,
  type Trust,
} from './send-session.js';
import { rememberPeer, shownPeer } from './trust.js';
import { waysOf } from './ways-of.js';

/** Whom to dial, and what is told of it. */
export type DialOptions = CommonOptions &
  HopOptions &
  Pick<SendOptions, 'use' | 'explain' | 'askCode' | 'peer'>;

export interface DiallerOptions {
  readonly route: Route;
  readonly options: DialOptions;
  readonly identity: Identity;
  readonly peers: PeerStore;
  /** Told in HELLO. */
  readonly capabilities: readonly string[];
}

/** Gets to one other side, over as many sessions as it takes, and tells of it: who is there, and over which lanes. */
export class Dialler {
  readonly #options: DialOptions;
  readonly #given: DiallerOptions;
  /** The address where the other side answered. */
  #found: Address | undefined;
  #laneCount = 0;
  #isDone = false;
  #lostAt: number | undefined;
  #paired = false;
  #hasToldSealed = false;
  /** Relays on the way that store records and forward them whole. */
  readonly #storing = new Set<string>();

  /** Throws ERR_XFER_BAD_ADDRESS or ERR_XFER_USAGE: what is wrong with the route is said before anybody is asked for a code. */
  constructor(given: DiallerOptions) {
    this.#given = given;
    this.#options = given.options;
    this.#waysTold(this.events);
  }

  /** When the last lane of the session was lost. */
  get lostAt(): number | undefined {
    return this.#lostAt;
  }

  async open(trust: Trust): Promise<SendSession> {
    const { identity, capabilities } = this.#given;
    const opened = await openSendSession({
      options: this.#options,
      ways: this.#waysTold,
      events: this.events,
      ...{ identity, capabilities, trust },
    });
    this.#paired ||= opened.paired;
    this.#lostAt = undefined;
    return opened;
  }

  /** From now on what happens to this session is told here. */
  use(opened: SendSession): void {
    opened.events = this.events;
    this.#found = opened.there.address;
  }

  /** How the other side is to prove who it is. The code is asked for where nothing else says it. */
  async chooseTrust(): Promise<Trust> {
    const { code, peer: name, askCode } = this.#options;
    const { peers, route } = this.#given;
    if (code !== undefined) return { code: parseCode(code).secret };
    if (name !== undefined) {
      const peer = await peers.findByName(name);
      if (!peer) throw new XferError('ERR_XFER_USAGE', `there is no known peer ${name}: see xfer peers`);
      return { expected: [peer.key] };
    }
    const { host } = route;
    const met = host === undefined ? [] : await peers.findByHost(host);
    if (met.length > 0) return { expected: met.map((peer) => peer.key) };
    const asked = await askCode?.();
    if (asked === undefined)
      throw new XferError(
        'ERR_XFER_NO_CODE',
        `no code was given, and no known peer was met ${host === undefined ? 'in this room' : `at ${host}`}`,
      );
    return { code: parseCode(asked).secret };
  }

  /** Tells who is there, and gives its name. */
  async introduce(session: Session): Promise<string> {
    const { peer, known } = await shownPeer(this.#given.peers, session.peerKey);
    const { onEvent } = this.#options;
    const { path } = this.#given.route;
    const { transport } = this.#shownWay;
    this.#laneCount++;
    const [storedBy] = this.#storing;
    onEvent({ event: 'connected', peer, known, transport, path, ...(storedBy ? { storedBy } : {}) });
    onEvent({ event: 'lane', lane: 0, state: 'up', ...this.#shownWay, ...laneSealing(session, 0) });
    const note = sealedNote(session);
    if (note && !this.#hasToldSealed) onEvent(note);
    this.#hasToldSealed ||= note !== undefined;
    onEvent({ event: 'phase', phase: 'transfer' });
    return peer;
  }

  /** To be called when all went well: where a code joined the two, they may know each other from now on. */
  async remember({ hello, peerKey }: Session): Promise<void> {
    const { peers, route } = this.#given;
    if (this.#paired) await rememberPeer(peers, this.#options, { key: peerKey, hello, host: route.host });
  }

  /** What carried it, for `done`. */
  shapeOf(
    opened: SendSession,
    carried: ReadonlyMap<number, number>,
  ): Pick<DoneEvent, 'lanes' | 'transport' | 'transports' | 'path' | 'sealed'> {
    const { path } = this.#given.route;
    const transportOf = (lane: number) => opened.lanes.transportOf(lane);
    const by = transportsOf({ lanes: carried, transportOf, first: this.#shownWay.transport });
    return { lanes: this.#laneCount, ...by, path, ...doneSealing(opened.session) };
  }

  /** How the lanes of what is done go is nobody's business, and `done` the last that is told. */
  end(): void {
    this.#isDone = true;
  }

  /** A lane that is not of this session's own; it takes the way of the first one. */
  handleSharedLane(lane: number, state: 'up' | 'down'): void {
    if (state === 'up') this.#laneCount++;
    this.#options.onEvent({ event: 'lane', lane, state, ...this.#shownWay });
  }

  /** Once there was a session. */
  get foundRoute(): FoundRoute {
    const { route } = this.#given;
    const { way } = route;
    if ('relays' in way || 'scheme' in way) return { ...route, way };
    if (!this.#found) throw new XferError('ERR_XFER_INTERNAL', 'no way is known to lead there yet');
    return { ...route, way: this.#found };
  }

  get events(): SendSessionEvents {
    const { onEvent } = this.#options;
    return {
      onDecision: (decision) => this.#explain(decision),
      onStored: (relay) => this.#handleStored(relay),
      onNote: (message) => {
        if (!this.#isDone) onEvent({ event: 'note', message });
      },
      onLane: (lane, state, about, error) => {
        if (state === 'up') this.#laneCount++;
        if (this.#isDone) return;
        onEvent({ event: 'lane', lane, state, ...about });
        if (error) onEvent({ event: 'note', message: `${error.message}; trying to go on` });
      },
      onDetached: () => (this.#lostAt = performance.now()),
    };
  }

  /** Outlives this with the session, and so refers to nothing of it but how to get there. */
  get #waysTold(): SendSessionOptions['ways'] {
    const { transports, tuning, use, home, identify, relayToken } = this.#options;
    const { route, identity } = this.#given;
    const how = {
      ...{ transports, home, identity },
      ...(tuning ? { tuning } : {}),
      ...(use ? { use } : {}),
      ...(identify === undefined ? {} : { identify }),
      ...(relayToken === undefined ? {} : { relayToken }),
    };
    return (told) => waysOf(route, { ...how, ...told });
  }

  /** Over relays the transport is that of the first hop. */
  get #shownWay(): { readonly transport: string; readonly address?: string } {
    const { way } = this.foundRoute;
    const transport = this.#found?.scheme ?? '';
    return 'relays' in way ? { transport } : { transport, address: formatAddress(way) };
  }

  #explain(decision: Decision): void {
    const { explain, onEvent } = this.#options;
    if (explain && !this.#isDone) onEvent({ event: 'explain', ...decision });
  }

  #handleStored(relay: string): void {
    if (this.#storing.has(relay)) return;
    this.#storing.add(relay);
    const message = `${relay} stores each record and forwards it then: slower than a relay that pipes`;
    this.#options.onEvent({ event: 'note', message });
  }
}
