import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { acceptHandshake, dialHandshake } from '../../../src/session/handshake.js';
import type { AcceptHandshakeOptions, DialHandshakeOptions } from '../../../src/session/handshake.js';
import type { HandshakeResult } from '../../../src/session/handshake-driver.js';
import type { Identity } from '../../../src/session/identity.js';
import { PairingGate, type CodeKind, type SpentReason } from '../../../src/session/pairing-gate.js';
import { streamPair, type FakeStream } from './fake-stream.js';

export const secret = 'crossover clockwork melon';

export function makeIdentity(): Identity {
  return identityOf(Uint8Array.from(randomBytes(32)));
}

/** RFC 8410 §7: what stands before the 32 bytes of an X25519 key in PKCS #8. */
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

export function identityOf(secretKey: Uint8Array): Identity {
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, secretKey]),
    type: 'pkcs8',
    format: 'der',
  });
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { secretKey, publicKey: Uint8Array.from(Buffer.from(x, 'base64url')) };
}

/** Random bytes that are the same in every run. */
export function seededRandom(seed: string): (bytes: number) => Uint8Array {
  let calls = 0;
  return (bytes) =>
    Uint8Array.from(createHash('shake256', { outputLength: bytes }).update(`${seed} ${calls++}`).digest());
}

export interface GateLog {
  readonly gate: PairingGate;
  readonly spent: SpentReason[];
}

export function makeGate(kind: CodeKind = 'made', gateSecret = secret): GateLog {
  const spent: SpentReason[] = [];
  return {
    spent,
    gate: new PairingGate({ code: { secret: gateSecret, kind }, onSpent: (reason) => spent.push(reason) }),
  };
}

export const never: AbortSignal = new AbortController().signal;
setMaxListeners(0, never);

export function dialOptions(options: Partial<DialHandshakeOptions> = {}): DialHandshakeOptions {
  return { identity: makeIdentity(), mode: { code: secret }, signal: never, ...options };
}

export function acceptOptions(options: Partial<AcceptHandshakeOptions> = {}): AcceptHandshakeOptions {
  return {
    identity: makeIdentity(),
    isKnown: () => false,
    allowKnown: true,
    source: '192.0.2.1',
    signal: never,
    ...options,
  };
}

export type Settled = { readonly keys?: HandshakeResult; readonly code?: string; readonly error?: Error };

export interface Meeting {
  readonly dialer: Settled;
  readonly listener: Settled;
}

/** Runs both sides over a pipe to their ends, good or bad. */
export async function meet(
  dial: DialHandshakeOptions,
  accept: AcceptHandshakeOptions,
  prepare: (dialer: FakeStream, listener: FakeStream) => void = () => undefined,
): Promise<Meeting> {
  const [dialerStream, listenerStream] = streamPair();
  prepare(dialerStream, listenerStream);
  const [dialer, listener] = await Promise.all([
    settle(dialHandshake(dialerStream, dial)),
    settle(acceptHandshake(listenerStream, accept)),
  ]);
  return { dialer, listener };
}

export async function settle(result: Promise<HandshakeResult>): Promise<Settled> {
  try {
    return { keys: await result };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error, ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}) };
  }
}
