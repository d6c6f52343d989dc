import { transportDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import type { PipeSession } from '../pipe/channel.js';
import { pipeSession } from '../pipe/pipe-session.js';
import { pipeCapability } from '../session/hello.js';
import type { Identity } from '../session/identity.js';
import { PeerStore } from '../session/peer-store.js';
import { hasLz4 } from '../transfer/lz4.js';
import type { SendLimit } from '../transfer/send-options.js';
import { Dialler } from './dialler.js';
import type { DoneEvent, LaneProgress } from './events.js';
import type { PipeOptions } from './pipe-options.js';
import type { SendSession } from './send-session.js';
import { endSession } from './send-sessions.js';
import type { Target } from './target.js';
import { checkUse, routeOver } from './target-route.js';
import { inTime } from './in-time.js';

/** What a dialer of pipes says of itself. */
export const pipeCapabilities = (): readonly string[] => [
  'lanes',
  pipeCapability,
  ...(hasLz4() ? ['lz4'] : []),
];

export interface PipeDialOptions extends Omit<PipeOptions, 'endpoints' | 'from' | 'to'> {
  readonly at: Exclude<Target, { kind: 'local' }>;
  readonly identity: Identity;
  /** Told in HELLO. */
  readonly capabilities: readonly string[];
  /** A number of the session has changed. */
  onProgress(): void;
}

/** How content goes in a session that is there. */
export interface DialledPipesOptions extends Pick<PipeOptions, 'compress' | 'windowBytes' | 'lanes'> {
  readonly limit?: SendLimit | undefined;
  /** A number of the session has changed. */
  onProgress(): void;
}

/** A session with another machine that takes channels. */
export class DialledPipes {
  readonly pipes: PipeSession;
  /** How the other side is called; settles when `connected` was told. */
  readonly peer: Promise<string>;
  readonly #dialler: Dialler;
  readonly #opened: SendSession;

  /** `opened` is this one's from now on, and was just opened by `dialler`. */
  constructor(dialler: Dialler, opened: SendSession, options: DialledPipesOptions) {
    this.#dialler = dialler;
    this.#opened = opened;
    const { session, lanes } = opened;
    this.pipes = pipeSession({
      ...{ session, role: 'dialer', native: nativeApi(), compress: options.compress ?? 'auto' },
      ...(options.windowBytes === undefined ? {} : { windowBytes: options.windowBytes }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      onProgress: () => options.onProgress(),
    });
    this.pipes.over.catch(() => undefined);
    lanes.onSuspect = (lane, isSuspect) => this.pipes.handleSuspect(lane, isSuspect);
    lanes.drive(this.pipes, options.lanes);
    this.peer = dialler.introduce(session);
    this.peer.catch((error: unknown) => this.pipes.abort(asXferError(error)));
  }

  /** Dials, proves and greets. Rejects with an XferError. */
  static async open(options: PipeDialOptions): Promise<DialledPipes> {
    checkUse(options);
    const { route, code } = await routeOver(options.at, options);
    const given = code === undefined ? options : { ...options, code };
    const { identity, capabilities } = options;
    const peers = new PeerStore(options.home);
    const dialler = new Dialler({ ...{ route, identity, peers, capabilities }, options: given });
    const opened = await dialler.open(await dialler.chooseTrust());
    dialler.use(opened);
    if (opened.session.hello.capabilities.includes(pipeCapability))
      return new DialledPipes(dialler, opened, options);
    await endSession(opened);
    throw new XferError('ERR_XFER_REFUSED', 'the other side takes files, and no pipes', {
      remedy: 'send files there by xfer send, or start xfer pipe --listen on that machine',
    });
  }

  /**
   * Ends it in order, once all its channels have ended; with `error` only for as long as the other side may need to hear of it,
   * which it does by them where there are any.
   */
  async end(error?: XferError): Promise<void> {
    const { session } = this.#opened;
    try {
      if (error?.code === 'ERR_XFER_INTERRUPTED' || (error && this.pipes.channelCount === 0))
        this.pipes.abort(error);
      else if (error)
        await inTime(this.pipes.end(), transportDefaults.closeTimeoutMs).catch(() => this.pipes.abort(error));
      else {
        await this.pipes.end();
        await this.peer;
        await this.#dialler.remember(session);
      }
    } finally {
      // An error that is quicker than `connected` is told behind it all the same.
      await this.peer.catch(() => undefined);
      this.#dialler.end();
      await endSession(this.#opened);
    }
  }

  get lanes(): readonly LaneProgress[] {
    return this.#opened.lanes.progress;
  }

  get shape(): Pick<DoneEvent, 'lanes' | 'transport' | 'transports' | 'path' | 'sealed'> {
    return this.#dialler.shapeOf(this.#opened, this.pipes.carried);
  }
}
