import { onTestFinished } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import type { NativeApi } from '../../../src/native/api.js';
import { encodeHello, ownHello, type Hello } from '../../../src/session/hello.js';
import type { SessionSecrets } from '../../../src/session/keys.js';
import type { SealedContent } from '../../../src/session/lane.js';
import { Session, type SessionHandlers, type SessionOptions } from '../../../src/session/session.js';
import { HandStream } from './hand-stream.js';
import { HandSeal, laneEnd, secrets, type LaneEnd } from './lane-kit.js';

export interface SessionEnd {
  readonly stream: HandStream;
  readonly seal: HandSeal;
  readonly establishing: Promise<Session>;
}

export interface Attached {
  readonly session: Session;
  readonly texts: string[];
  readonly contents: SealedContent[];
  readonly ends: (XferError | undefined)[];
}

export const hellos = { send: ownHello('send', 'alice', false), recv: ownHello('recv', 'bob', true) };

/** A session that has sent its HELLO and waits for the other. It is over with the test. */
export function begin(
  role: 'dialer' | 'listener',
  options: Partial<SessionOptions> = {},
  stream = new HandStream(),
): SessionEnd {
  const seal = new HandSeal();
  const establishing = Session.establish({
    stream,
    secrets: sessionSecrets(role),
    hello: role === 'dialer' ? hellos.send : hellos.recv,
    native: { seal } as unknown as NativeApi,
    signal: new AbortController().signal,
    ...options,
  });
  onTestFinished(async () => {
    const session = await establishing.catch(() => undefined);
    session?.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over'));
  });
  return { stream, seal, establishing };
}

export function sessionSecrets(role: 'dialer' | 'listener'): SessionSecrets {
  const { secret, transcript, cipher } = secrets;
  return { secret, transcript, cipher, role, leftover: new Uint8Array(), peerKey: new Uint8Array(32) };
}

/** The bare lane of another end that has the keys, and may say what no session would. */
export interface Rogue extends LaneEnd {
  /** What it has sent goes over. */
  push(): void;
  hello(hello?: Partial<Hello>): void;
  /** A control message of its own number. */
  say(number: number, words: string, acknowledged?: number): void;
}

export function rogueFor(end: SessionEnd, role: 'dialer' | 'listener' = 'listener'): Rogue {
  const rogue = laneEnd(role);
  const own = role === 'listener' ? hellos.recv : hellos.send;
  const push = (): void => end.stream.deliver(Buffer.concat(rogue.stream.take()));
  const say = (number: number, words: string, acknowledged = 0): void =>
    rogue.lane.sendControl(number, acknowledged, Buffer.from(words));
  const hello = (changes: Partial<Hello> = {}): void =>
    rogue.lane.sendControl(1, 0, encodeHello({ ...own, ...changes }));
  return { ...rogue, push, say, hello };
}

/** A session that has met a rogue; its next message is number 2. */
export async function meetRogue(handlers: Partial<SessionHandlers> = {}) {
  const end = begin('dialer');
  const rogue = rogueFor(end);
  rogue.hello();
  rogue.push();
  const attached = attach(await end.establishing, handlers);
  rogue.stream.deliver(...end.stream.take());
  return { ...end, ...attached, rogue };
}

export function attach(session: Session, handlers: Partial<SessionHandlers> = {}): Attached {
  const attached: Attached = { session, texts: [], contents: [], ends: [] };
  session.attach({
    onControl: (body) => {
      attached.texts.push(Buffer.from(body).toString());
      handlers.onControl?.(body);
    },
    onContent: (content) => attached.contents.push(content),
    onRoom: (lane) => handlers.onRoom?.(lane),
    onEnd: (error) => attached.ends.push(error),
  });
  return attached;
}

/** Carries what each has sent to the other until nothing is left, ends too. */
export function carry(a: HandStream, b: HandStream): void {
  const ways = [[a, b] as const, [b, a] as const];
  while (a.sent.length + b.sent.length > 0) for (const [from, to] of ways) to.deliver(...from.take());
  for (const [from, to] of ways) if (from.hasEnded) to.deliverFin();
}
