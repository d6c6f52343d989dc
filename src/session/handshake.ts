import { setMaxListeners } from 'node:events';
import { sessionDefaults } from '../config/index.js';
import { asXferError, XferError, type ErrorCode } from '../errors/index.js';
import { cipher, type Cipher } from '../native/api.js';
import type { Stream } from '../transport/contract.js';
import type { StartCpace } from './handshake-core.js';
import { driveHandshake, reasonOf, type HandshakeResult } from './handshake-driver.js';
import type { HandshakeLimit } from './handshake-limit.js';
import type { ListenerCore } from './handshake-listener.js';
import type { Identity } from './identity.js';
import type { PairingGate, PairingRun } from './pairing-gate.js';

interface CommonOptions {
  readonly identity: Identity;
  readonly signal: AbortSignal;
  /** In the order of preference. Default: AES-256-GCM, then ChaCha20-Poly1305. */
  readonly ciphers?: readonly Cipher[];
  /** Default: sessionDefaults.handshakeTimeoutMs, counted from the call. */
  readonly timeoutMs?: number;
  /** For tests. Default: the system's randomness and clock. */
  random?(bytes: number): Uint8Array;
  now?(): number;
}

export interface DialHandshakeOptions extends CommonOptions {
  /**
   * `code`: the secret part of a code (see parseCode); with `expected` the key is checked as well.
   * `expected` alone: keys of which the other side must hold one.
   */
  readonly mode:
    | { readonly code: string; readonly expected?: readonly Uint8Array[] }
    | { readonly code?: never; readonly expected: readonly Uint8Array[] };
}

export interface AcceptHandshakeOptions extends CommonOptions {
  /** Holds the current code; without one nobody can pair. */
  readonly gate?: PairingGate;
  /** Asked only of keys that the other side has proved to hold. */
  isKnown(key: Uint8Array): boolean | Promise<boolean>;
  /** False where the user gave the code himself: a given code is always checked. */
  readonly allowKnown: boolean;
  /** Where the other side comes from, for fair turns: its address without the port. */
  readonly source: string;
  /** Handshakes under way at this listener. */
  readonly limit?: HandshakeLimit;
}

/**
 * The dialer's side of the handshake. Resolves with the stream paused. Rejects with an XferError:
 * ERR_XFER_WRONG_CODE, _CODE_SPENT, _NO_CODE, _UNKNOWN_PEER, _KEY_CHANGED, _HANDSHAKE, _LIMIT, _VERSION,
 * _PROTOCOL, _TIMEOUT, _CONNECTION_LOST, _REFUSED, or the signal's reason. Never tries a code a second time.
 */
export async function dialHandshake(stream: Stream, options: DialHandshakeOptions): Promise<HandshakeResult> {
  const { code, expected } = options.mode;
  const now = options.now ?? Date.now;
  const deadline = now() + (options.timeoutMs ?? sessionDefaults.handshakeTimeoutMs);
  const [{ DialerCore }, startCpace, random] = await Promise.all([
    import('./handshake-dialer.js'),
    code === undefined ? undefined : loadCpace(),
    options.random ?? systemRandom(),
  ]);
  const core = new DialerCore({
    identity: options.identity,
    ciphers: options.ciphers ?? defaultCiphers,
    random,
    deadline,
    ...(code !== undefined && startCpace ? { code: { secret: code, startCpace } } : {}),
    ...(expected ? { expected } : {}),
  });
  return driveHandshake({ stream, core, signal: options.signal, deadline, now });
}

/** The listener's side. Resolves and rejects as `dialHandshake` does. The caller has accepted the stream. */
export async function acceptHandshake(
  stream: Stream,
  options: AcceptHandshakeOptions,
): Promise<HandshakeResult> {
  const now = options.now ?? Date.now;
  const deadline = now() + (options.timeoutMs ?? sessionDefaults.handshakeTimeoutMs);
  // A listener gives all its handshakes one signal; HandshakeLimit bounds how many of them listen to it.
  setMaxListeners(0, options.signal);
  const release = options.limit ? options.limit.enter(options.source) : () => undefined;
  const [{ ListenerCore }, startCpace, random] = await Promise.all([
    import('./handshake-listener.js'),
    options.gate ? loadCpace() : undefined,
    options.random ?? systemRandom(),
  ]);
  const { identity, allowKnown, ciphers = defaultCiphers } = options;
  const core = new ListenerCore({ identity, ciphers, random, deadline, allowKnown });
  if (!release)
    core.fail(new XferError('ERR_XFER_LIMIT', 'too many handshakes are under way'), 'ERR_XFER_LIMIT');
  const clerk = new Clerk(core, options, startCpace);
  try {
    return await driveHandshake({
      stream,
      core,
      signal: options.signal,
      deadline,
      now,
      onStep: (pump) => clerk.answer(pump),
      onOutcome: (error) => clerk.close(error),
    });
  } finally {
    release?.();
  }
}

/** Loads what a dialer's handshake needs while the connection is still being made. */
export async function preloadHandshake(mode: 'code' | 'known'): Promise<void> {
  await Promise.all([import('./handshake-dialer.js'), mode === 'code' ? loadCpace() : undefined]);
}

/** Loads what a listener's handshakes need while nobody has come yet: whoever comes first waits for none of it. */
export async function preloadListener(): Promise<void> {
  await Promise.all([import('./handshake-listener.js'), loadCpace()]);
}

const defaultCiphers: readonly Cipher[] = [cipher.aes256gcm, cipher.chacha20poly1305];

/** Answers the listener's questions: waits for the turn at the gate, asks who is known, and says how it ended. */
class Clerk {
  readonly #core: ListenerCore;
  readonly #options: AcceptHandshakeOptions;
  readonly #startCpace: StartCpace | undefined;
  readonly #over = new AbortController();
  #asked: 'code' | 'known' | undefined;
  #run: PairingRun | undefined;

  constructor(core: ListenerCore, options: AcceptHandshakeOptions, startCpace: StartCpace | undefined) {
    this.#core = core;
    this.#options = options;
    this.#startCpace = startCpace;
  }

  answer(pump: () => void): void {
    const { question } = this.#core;
    if (!question || question.kind === this.#asked) return;
    this.#asked = question.kind;
    const answered = question.kind === 'code' ? this.#enter(pump) : this.#recognise(question.key);
    answered.then(pump, (thrown: unknown) => {
      const error = asXferError(thrown);
      this.#core.fail(error, gateCodes.has(error.code) ? error.code : 'ERR_XFER_REFUSED');
      pump();
    });
  }

  /** In the same turn as the failure: a wrong code is spent before anybody else can try it. */
  close(error: XferError | undefined): void {
    this.#over.abort(error ?? new XferError('ERR_XFER_INTERRUPTED', 'the handshake is over'));
    this.#run?.finish(!error ? 'paired' : error.code === 'ERR_XFER_WRONG_CODE' ? 'wrong' : 'aborted');
  }

  async #enter(pump: () => void): Promise<void> {
    const { gate, source } = this.#options;
    if (!gate || !this.#startCpace)
      throw new XferError('ERR_XFER_REFUSED', 'a peer came with a code, and there is none');
    const run = await gate.enter(source, this.#over.signal);
    if (this.#over.signal.aborted) return run.finish('aborted');
    this.#run = run;
    run.signal.addEventListener('abort', () => {
      this.#core.fail(reasonOf(run.signal), 'ERR_XFER_TIMEOUT');
      pump();
    });
    this.#core.handleCode(run.secret, this.#startCpace);
  }

  async #recognise(key: Uint8Array): Promise<void> {
    this.#core.handleKnown(await this.#options.isKnown(key));
  }
}

/** What a dialer may hear of the gate. */
const gateCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ERR_XFER_CODE_SPENT', 'ERR_XFER_LIMIT']);

async function loadCpace(): Promise<StartCpace> {
  const { CpaceRun } = await import('./cpace.js');
  return (options) => new CpaceRun(options);
}

async function systemRandom(): Promise<(bytes: number) => Uint8Array> {
  const { randomBytes } = await import('node:crypto');
  return (bytes) => Uint8Array.from(randomBytes(bytes));
}
