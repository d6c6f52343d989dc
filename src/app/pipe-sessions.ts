import { setMaxListeners } from 'node:events';
import { pipeDefaults, transportDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import type { ChannelRequest, IncomingChannel, PipeSession } from '../pipe/channel.js';
import { pipeSession } from '../pipe/pipe-session.js';
import { pipeCapability, stdoutCapability } from '../session/hello.js';
import type { PeerStore } from '../session/peer-store.js';
import type { Session } from '../session/session.js';
import { abortMessage } from '../transfer/abort-message.js';
import { encodeTransferMessage } from '../transfer/messages.js';
import { transportsOf } from './carried.js';
import { inTime } from './in-time.js';
import { PipeAccount, type AccountOptions } from './pipe-account.js';
import { pipeCapabilities } from './pipe-dial.js';
import { PipeDials } from './pipe-dials.js';
import type { PipeOptions, PipeResult } from './pipe-options.js';
import type { ReadPlace } from './pipe-place.js';
import { incomingEnd, runStream } from './pipe-stream.js';
import type { AcceptedSession, SessionHandler } from './session-handler.js';
import { doneSealing, laneSealing, sealedNote } from './sealing-told.js';
import { rememberPeer, shownPeer } from './trust.js';

/** As for a pipe whose places are known otherwise. */
export type ServeOptions = Omit<PipeOptions, 'endpoints' | 'from' | 'to'> & AccountOptions;

export interface PipeSessionsOptions {
  readonly options: ServeOptions;
  /** What a channel is joined to; opened anew for each. Throws why there is nothing for it. */
  placeOf(request: ChannelRequest): ReadPlace;
  readonly peers: PeerStore;
  /** Whether content may come, and go, here. */
  readonly takes: boolean;
  readonly gives: boolean;
}

/** What a listener of pipes does with its sessions: each channel is a stream, of which there is one without `fork`. */
export class PipeSessions implements SessionHandler<PipeResult> {
  /** Nobody goes on with a stream in another session: what was not acknowledged is gone with the first. */
  readonly ready = Promise.resolve();
  readonly hasResumable = false;
  readonly idleCount = 0;
  readonly #given: PipeSessionsOptions;

  constructor(given: PipeSessionsOptions) {
    this.#given = given;
  }

  mayResume(): boolean {
    return false;
  }

  isReplacing(): boolean {
    return false;
  }

  capabilities(): readonly string[] {
    const { ofFile } = this.#given.options;
    return ofFile === undefined ? pipeCapabilities() : [...pipeCapabilities(), stdoutCapability];
  }

  serve(accepted: AcceptedSession): Promise<PipeResult> {
    return servePipes(this.#given, accepted);
  }
}

/** Serves one session whose dialer begins channels. To be called in the turn in which it was made. */
export async function servePipes(given: PipeSessionsOptions, accepted: AcceptedSession): Promise<PipeResult> {
  const { capabilities } = accepted.session.hello;
  const takesFile = given.options.ofFile !== undefined;
  if (capabilities.includes(pipeCapability) || (takesFile && capabilities.includes(stdoutCapability)))
    return new ServedPipes(given, accepted).run();
  throw turnAway(
    accepted.session,
    new XferError('ERR_XFER_REFUSED', 'this side has a pipe, and takes no files', {
      remedy: 'start xfer recv on this machine, or xfer pipe on the other',
    }),
  );
}

/** Whoever sends files does not know of pipes, and is told as a receiver would tell him. */
function turnAway(session: Session, error: XferError): XferError {
  session.attach({
    onControl: () => undefined,
    onContent: (content) => content.release(),
    onRoom: () => undefined,
    onEnd: () => undefined,
  });
  session.sendControl(encodeTransferMessage(abortMessage(error)));
  session.finish();
  return error;
}

/** One session of it. */
class ServedPipes {
  readonly #given: PipeSessionsOptions;
  readonly #accepted: AcceptedSession;
  readonly #pipes: PipeSession;
  readonly #account: PipeAccount;
  readonly #streams = new Set<Promise<void>>();
  /** Abort when the session ends: otherwise than in order, and in any way. */
  readonly #lost = new AbortController();
  readonly #gone = new AbortController();
  /** The first stream, once there is one. */
  #first: Promise<void> | undefined;
  #handleFirst: (() => void) | undefined;
  readonly #begun = new Promise<void>((resolve) => (this.#handleFirst = resolve));
  #count = 0;

  constructor(given: PipeSessionsOptions, accepted: AcceptedSession) {
    this.#given = given;
    this.#accepted = accepted;
    const { options } = given;
    this.#account = new PipeAccount(options);
    this.#pipes = pipeSession({
      ...{ session: accepted.session, role: 'listener', native: nativeApi() },
      compress: options.compress ?? 'auto',
      ...(options.windowBytes === undefined ? {} : { windowBytes: options.windowBytes }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      // The first may be there before there is a session to take it.
      onChannel: (incoming) => queueMicrotask(() => this.#handleChannel(incoming)),
      onProgress: () => this.#account.push(),
    });
    const left = new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left before all was taken');
    this.#pipes.over.then(
      () => this.#gone.abort(left),
      (error: unknown) => {
        this.#lost.abort(error);
        this.#gone.abort(error);
      },
    );
    for (const { signal } of [this.#lost, this.#gone]) setMaxListeners(0, signal);
  }

  async run(): Promise<PipeResult> {
    const { signal } = this.#accepted;
    const interrupt = () => this.#pipes.abort(asXferError(signal.reason));
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) interrupt();
    try {
      const peer = await this.#introduce();
      await (this.#given.options.fork ? this.#serveAll() : this.#serveOne());
      return await this.#finish(peer);
    } catch (thrown) {
      const error = asXferError(thrown);
      this.#account.drop();
      this.#pipes.abort(error);
      await Promise.allSettled(this.#streams);
      throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  }

  async #serveOne(): Promise<void> {
    await Promise.race([this.#begun, this.#pipes.over]);
    // The session may have ended in the turn in which the stream came.
    const stream = this.#first;
    if (!stream)
      throw new XferError('ERR_XFER_TRUNCATED', 'the other side ended the session without a stream');
    try {
      await stream;
    } catch (error) {
      // The dialer ends the session when it has heard of it.
      await inTime(this.#pipes.over, transportDefaults.closeTimeoutMs).catch(() => undefined);
      throw error;
    }
    await this.#pipes.over;
  }

  async #serveAll(): Promise<void> {
    await this.#pipes.over;
    await Promise.allSettled(this.#streams);
  }

  #handleChannel(incoming: IncomingChannel): void {
    const { fork, onEvent } = this.#given.options;
    const error = this.#refusalOf(incoming.request);
    if (error && (fork || this.#count > 0)) return incoming.refuse(error);
    this.#count++;
    const stream = error ? refused(incoming, error) : this.#stream(incoming);
    stream.catch(() => undefined);
    this.#streams.add(stream);
    this.#first ??= stream;
    this.#handleFirst?.();
    if (!fork) return;
    stream
      .catch((thrown: unknown) => onEvent({ event: 'note', message: asXferError(thrown).message }))
      .finally(() => this.#streams.delete(stream));
  }

  /** Why there is nothing here for such a channel, if that is so. */
  #refusalOf({ up, down }: ChannelRequest): XferError | undefined {
    const { takes, gives, options } = this.#given;
    if (!options.fork && this.#count > 0)
      return new XferError('ERR_XFER_LIMIT', 'this side serves one stream', {
        remedy: 'start it with --fork for several',
      });
    // A channel that is reset is over at once, and what was opened for it, such as a program, is not.
    if (this.#streams.size >= pipeDefaults.maxChannels)
      return new XferError('ERR_XFER_LIMIT', 'as many streams are under way as one session has');
    if (up !== undefined && !takes)
      return new XferError('ERR_XFER_REFUSED', 'this side only gives, and was to take', {
        remedy: 'read from it with xfer pipe TARGET -, or start both with --duplex',
      });
    if (down && !gives)
      return new XferError('ERR_XFER_REFUSED', 'this side only takes, and was to give', {
        remedy: 'start it with xfer pipe - --listen URL to give, or both with --duplex',
      });
    return undefined;
  }

  async #stream(incoming: IncomingChannel): Promise<void> {
    const { options } = this.#given;
    const { up, down } = incoming.request;
    const push = () => this.#account.push();
    const dials = new PipeDials(options, push);
    const opening = new AbortController();
    const leave = () => opening.abort(this.#lost.signal.reason ?? dials.lost.reason);
    for (const lost of [this.#lost.signal, dials.lost]) lost.addEventListener('abort', leave, { once: true });
    if (this.#lost.signal.aborted) leave();
    const accepted = { isThere: false };
    try {
      const place = this.#given.placeOf(incoming.request);
      await dials.open([place]);
      const here = [dials.endOf(place)];
      const there = [incomingEnd(incoming, () => (accepted.isThere = true))];
      const [from, to] = up === undefined ? [here, there] : [there, here];
      await runStream(from, to, {
        ...options,
        ...{ duplex: up !== undefined && (down ?? false), meter: this.#account.meter },
        ...{ opening: opening.signal, gone: this.#gone.signal },
        signal: this.#accepted.signal,
        onProgress: push,
      });
      await dials.end();
    } catch (thrown) {
      const error = asXferError(thrown);
      if (!accepted.isThere) incoming.refuse(error);
      await dials.end(error);
      throw error;
    } finally {
      // The session may have any number of streams.
      this.#lost.signal.removeEventListener('abort', leave);
    }
  }

  async #introduce(): Promise<string> {
    const { session } = this.#accepted;
    const { onEvent } = this.#given.options;
    const { peer, known } = await shownPeer(this.#given.peers, session.peerKey);
    const { transport, path } = this.#way;
    onEvent({ event: 'connected', peer, known, transport, path });
    onEvent({ event: 'lane', lane: 0, state: 'up', transport, ...laneSealing(session, 0) });
    const note = sealedNote(session);
    if (note) onEvent(note);
    onEvent({ event: 'phase', phase: 'transfer' });
    return peer;
  }

  async #finish(peer: string): Promise<PipeResult> {
    const { session, lanes, connection, paired } = this.#accepted;
    const { options, peers } = this.#given;
    if (paired)
      await rememberPeer(peers, options, {
        ...{ key: session.peerKey, hello: session.hello },
        host: connection.isRelayed ? undefined : connection.remote.host,
      });
    const { transport: first, path } = this.#way;
    const transportOf = (lane: number) => lanes.transportOf(lane);
    const by = transportsOf({ lanes: this.#pipes.carried, transportOf, first });
    return this.#account.done([{ peer, lanes: session.laneCount, ...by, path, ...doneSealing(session) }]);
  }

  get #way() {
    const { isRelayed, remote } = this.#accepted.connection;
    return { transport: remote.scheme, path: isRelayed ? 'relayed' : 'direct' } as const;
  }
}

function refused(incoming: IncomingChannel, error: XferError): Promise<never> {
  incoming.refuse(error);
  return Promise.reject(error);
}
