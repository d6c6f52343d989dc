import { CpaceRun } from '../../../src/session/cpace.js';
import type { HandshakeCore } from '../../../src/session/handshake-core.js';
import { DialerCore, type DialerOptions } from '../../../src/session/handshake-dialer.js';
import { ListenerCore, type ListenerOptions } from '../../../src/session/handshake-listener.js';
import type { Identity } from '../../../src/session/identity.js';
import { makeIdentity, secret, seededRandom } from './handshake-kit.js';

export const deadline = 5_000;
export const ciphers = [1, 2] as const;
export const alice: Identity = makeIdentity();
export const bob: Identity = makeIdentity();
export const startCpace = (options: ConstructorParameters<typeof CpaceRun>[0]) => new CpaceRun(options);

export function codeDialer(options: Partial<DialerOptions> & { seed?: string } = {}): DialerCore {
  const random = seededRandom(options.seed ?? 'dialer');
  return new DialerCore({
    identity: alice,
    ciphers,
    random,
    deadline,
    code: { secret, startCpace },
    ...options,
  });
}

export function knownDialer(options: Partial<DialerOptions> & { seed?: string } = {}): DialerCore {
  const random = seededRandom(options.seed ?? 'dialer');
  return new DialerCore({
    identity: alice,
    ciphers,
    random,
    deadline,
    expected: [bob.publicKey],
    ...options,
  });
}

export function listenerCore(options: Partial<ListenerOptions> & { seed?: string } = {}): ListenerCore {
  const random = seededRandom(options.seed ?? 'listener');
  return new ListenerCore({ identity: bob, ciphers, random, deadline, allowKnown: true, ...options });
}

export interface Wire {
  readonly from: 'dialer' | 'listener';
  readonly bytes: Uint8Array;
}

export interface TalkOptions {
  /** What the listener's owner answers. */
  readonly codeSecret?: string;
  readonly isKnown?: boolean;
  /** Changes what is on the wire; `index` counts both directions' messages from 0. */
  readonly tap?: (wire: Wire, index: number) => Uint8Array;
}

/** Lets two cores talk until neither has anything to say; who waits in vain then meets the deadline. */
export function talk(
  dialer: HandshakeCore,
  listener: ListenerCore,
  options: TalkOptions = {},
): readonly Wire[] {
  const wires: Wire[] = [];
  const carry = (from: Wire['from'], core: HandshakeCore, other: HandshakeCore): boolean => {
    const bytes = core.pollOutput();
    if (!bytes) return false;
    const wire = { from, bytes };
    other.handleData(options.tap?.(wire, wires.length) ?? bytes);
    wires.push(wire);
    return true;
  };
  const answer = (): boolean => {
    const { question } = listener;
    if (question?.kind === 'code') listener.handleCode(options.codeSecret ?? secret, startCpace);
    if (question?.kind === 'known') listener.handleKnown(options.isKnown ?? true);
    return question !== undefined;
  };
  while (carry('dialer', dialer, listener) || answer() || carry('listener', listener, dialer));
  for (const core of [dialer, listener]) if (!core.outcome) core.handleTime(deadline);
  return wires;
}

/** The error code, or `done`, or `open`. */
export function endOf(core: HandshakeCore): string {
  const { outcome } = core;
  return outcome === undefined ? 'open' : outcome.kind === 'done' ? 'done' : outcome.error.code;
}

export function secretOf(core: HandshakeCore): Uint8Array | undefined {
  return core.outcome?.kind === 'done' ? core.outcome.keys.secret : undefined;
}
