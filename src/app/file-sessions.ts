import type { ChannelRequest } from '../pipe/channel.js';
import type { ReadPlace } from './pipe-place.js';
import type { NativeApi } from '../native/api.js';
import { anotherCapability, ownCapabilities, parcelCapability, pipeCapability } from '../session/hello.js';
import type { PeerStore } from '../session/peer-store.js';
import { hasLz4 } from '../transfer/lz4.js';
import { ParcelWriter } from '../transfer/parcel-writer.js';
import { XferError } from '../errors/index.js';
import type { IdleSessions } from './idle-sessions.js';
import type { ReceiveOptions, SendResult } from './options.js';
import { ReceiveSeries } from './receive-series.js';
import type { RunningTransfers } from './running-transfers.js';
import type { AcceptedSession, SessionHandler } from './session-handler.js';

/** What all sessions of a receiver share. */
export interface ReceiverContext {
  readonly options: ReceiveOptions;
  readonly native: NativeApi;
  readonly root: number;
  /** Whether small files leave nothing there when this process is killed. */
  readonly isUnnamed: boolean;
  readonly peers: PeerStore;
  readonly transfers: RunningTransfers;
  readonly idle: IdleSessions;
}

/** What a receiver of files does with its sessions. */
export class FileSessions implements SessionHandler<SendResult> {
  readonly #context: ReceiverContext;

  constructor(context: ReceiverContext) {
    this.#context = context;
  }

  get ready(): Promise<void> {
    return this.#context.transfers.ready;
  }

  get hasResumable(): boolean {
    return this.#context.transfers.hasResumable;
  }

  get idleCount(): number {
    return this.#context.idle.size;
  }

  mayResume(peer: Uint8Array): boolean {
    return this.#context.transfers.mayResume(peer);
  }

  isReplacing(peer: Uint8Array): boolean {
    return this.#context.transfers.isReplacing(peer);
  }

  capabilities(mayGoOn: boolean): readonly string[] {
    const { streaming } = this.#context.options;
    const ofMore = [anotherCapability, ...(this.#takesParcels ? [parcelCapability] : [])];
    const all = [...ownCapabilities, ...(hasLz4() ? ['lz4'] : []), ...(mayGoOn ? ofMore : [])];
    if (streaming === false) return all.filter((name) => name !== 'streaming');
    return [...all, pipeCapability];
  }

  get #takesParcels(): boolean {
    const { options, isUnnamed } = this.#context;
    return ParcelWriter.isOfUse({ policy: options.policy, isUnnamed, isDirect: options.direct ?? false });
  }

  async serve(accepted: AcceptedSession): Promise<SendResult | undefined> {
    const { session, lanes, signal, mayGoOn } = accepted;
    if (session.hello.capabilities.includes(pipeCapability)) return this.#serveStream(accepted);
    const { transfers } = this.#context;
    const stop = new AbortController();
    const interrupt = () => stop.abort(signal.reason);
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) interrupt();
    const running = transfers.begin(session, lanes, stop);
    const goesOn = mayGoOn && session.hello.capabilities.includes(anotherCapability);
    const series = new ReceiveSeries({ ...accepted, running, goesOn, context: this.#context });
    try {
      return await (running.over = series.run());
    } catch (error) {
      if (running.isSuperseded) return undefined;
      throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
      transfers.end(running);
    }
  }
  /** A pipe into a file: `xfer send -`. */
  async #serveStream(accepted: AcceptedSession): Promise<SendResult> {
    // Most receivers never get a stream.
    const [{ servePipes }, { openStreamedFile }] = await Promise.all([
      import('./pipe-sessions.js'),
      import('./streamed-file.js'),
    ]);
    const { options, peers } = this.#context;
    const given = { ...options, ofFile: 'recv' as const, duplex: false };
    const placeOf = ({ name }: ChannelRequest): ReadPlace => {
      // Whoever goes on with an unfinished transfer has consent to nothing else.
      if (!accepted.isTrusted) throw new XferError('ERR_XFER_NO_CODE', 'a new transfer needs a code');
      if (name !== undefined) return { kind: 'local', open: () => openStreamedFile(name, this.#context) };
      throw new XferError('ERR_XFER_REFUSED', 'a pipe without a name came to where files go', {
        remedy: 'name the file by xfer send - TARGET --name NAME, or start xfer pipe --listen there',
      });
    };
    return servePipes({ options: given, placeOf, peers, takes: true, gives: false }, accepted);
  }
}
