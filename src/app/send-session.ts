import { asXferError, type XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { dialHandshake, preloadHandshake } from '../session/handshake.js';
import { ownHello } from '../session/hello.js';
import type { Identity } from '../session/identity.js';
import { Session } from '../session/session.js';
import { sessionHeader } from '../session/stream-headers.js';
import { benchedSession } from './bench-end.js';
import { cipherOrder } from './cipher-order.js';
import type { Decision } from './events.js';
import { LaneKeeper, type LaneAbout } from './lane-keeper.js';
import type { CommonOptions } from './options.js';
import { ShortWait } from './short-wait.js';
import { retryOf, silenceMs } from './silence.js';
import { ownName } from './trust.js';
import type { Ways, WayThere } from './ways.js';

/** Whom the other side must prove to be: who has the code, or one of these keys. */
export type Trust = { readonly code: string } | { readonly expected: readonly Uint8Array[] };

export interface SendSession {
  readonly session: Session;
  readonly lanes: LaneKeeper;
  /** How the first lane got there. */
  readonly there: WayThere;
  /** Whether a code joined the two. */
  readonly paired: boolean;
  /** Whom to tell: who uses the session now. */
  events: SendSessionEvents;
  /** Number of the first record of the next transfer; undefined before the first. */
  nextRecord: number | undefined;
  /** For the answer to a parcel. */
  readonly answer: ShortWait;
}

export interface SendSessionEvents {
  onLane(lane: number, state: 'up' | 'down', about: LaneAbout, error?: XferError): void;
  onDecision(decision: Decision): void;
  /** A relay on the way does not pipe, but stores records and forwards them whole. */
  onStored(relay: string): void;
  /** Something about the ways that people should know. */
  onNote(message: string): void;
  /** The last lane is lost. */
  onDetached(): void;
}

export interface SendSessionOptions {
  readonly options: CommonOptions;
  readonly identity: Identity;
  /** How to get there; what there is to say goes to whoever uses the session. */
  ways(told: Pick<SendSessionEvents, 'onDecision' | 'onStored' | 'onNote'>): Ways;
  readonly trust: Trust;
  readonly events: SendSessionEvents;
  /** Told in HELLO. */
  readonly capabilities: readonly string[];
}

/** Dials, proves and greets. Rejects with an XferError. */
export async function openSendSession(opening: SendSessionOptions): Promise<SendSession> {
  const { options, trust } = opening;
  options.onEvent({ event: 'phase', phase: 'connect' });
  const user = { events: opening.events };
  const ways = opening.ways(toldTo(user));
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  void preloadHandshake('code' in trust ? 'code' : 'known').catch(() => undefined);
  try {
    for (let isFirst = true; ; isFirst = false) {
      const there = await ways.dialFirst(signal);
      if (isFirst) options.onEvent({ event: 'phase', phase: 'pair' });
      try {
        return await openOver(there, ways, user, opening);
      } catch (thrown) {
        const error = asXferError(thrown);
        if (!(await leaveUnheard(there, error))) throw error;
        options.signal.throwIfAborted();
      }
    }
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}

/** Who uses a session changes; until it is there that is who opens it. */
interface User {
  events: SendSessionEvents;
}

/** Apart from all that holds who opens the session: what is over is let go of. */
function toldTo(user: User): Pick<SendSessionEvents, 'onDecision' | 'onStored' | 'onNote'> {
  return {
    onDecision: (decision) => user.events.onDecision(decision),
    onStored: (relay) => user.events.onStored(relay),
    onNote: (message) => user.events.onNote(message),
  };
}

async function openOver(
  there: WayThere,
  ways: Ways,
  user: User,
  opening: SendSessionOptions,
): Promise<SendSession> {
  const { options, identity, trust } = opening;
  const { signal } = options;
  const { connection } = there;
  const lanes = new LaneKeeper({
    retryMs: retryOf(options),
    signal,
    ways,
    onLane: (lane, state, about, error) => user.events.onLane(lane, state, about, error),
    onDecision: (decision) => user.events.onDecision(decision),
  });
  try {
    const native = nativeApi();
    const stream = connection.openStream({ header: sessionHeader });
    const secrets = await dialHandshake(stream, {
      identity,
      mode: trust,
      signal,
      ciphers: cipherOrder(native),
    });
    const greetedAt = performance.now();
    const session = await Session.establish({
      stream,
      secrets,
      hello: ownHello(
        'send',
        ownName(),
        options.remember ?? false,
        [],
        opening.capabilities,
        options.streamingThresholdBytes,
      ),
      trustFabric: options.trustFabric ?? false,
      ...benchedSession(options.bench),
      native,
      signal,
      silenceMs,
      rejoinMs: retryOf(options),
      onLaneDown: (lane, error) => lanes.handleLaneDown(lane, error),
      onDetached: (error) => {
        user.events.onDetached();
        lanes.handleDetached(error);
      },
    });
    const helloMs = performance.now() - greetedAt;
    const candidates = ways.candidates(there, session.hello.listens);
    lanes.begin(session, { there, candidates, helloMs });
    void ways.lateCandidates?.(there, session.hello.listens).then((late) => lanes.handleLate(late));
    const answer = new ShortWait(nativeApi());
    return Object.assign(user, {
      ...{ session, lanes, there, paired: secrets.paired },
      ...{ nextRecord: undefined, answer },
    });
  } catch (error) {
    if (there.hasAnswered?.() ?? true) await connection.close();
    throw error;
  }
}

/** Whether nobody answered on a way that has failed: then it is left, and trying another is no second try of a code. */
async function leaveUnheard({ connection, hasAnswered }: WayThere, error: XferError): Promise<boolean> {
  if (hasAnswered?.() ?? true) return false;
  connection.abort(error);
  // What was heard just now counts: who has said hello may have heard enough of us to test a guess.
  return (await connection.answered) === false;
}
