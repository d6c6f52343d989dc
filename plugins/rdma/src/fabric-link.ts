import {
  isXferError,
  XferError,
  type Content,
  type ContentLimit,
  type FabricEndpoint,
  type FabricPeer,
  type Retain,
  type StreamsLink,
  type StreamsLinkStats,
} from 'xfer/plugin';
import type { BootstrapChannel } from './bootstrap-channel.js';
import type { RdmaConfig } from './config.js';
import type { EndpointEvents } from './endpoint-events.js';
import { FabricReceiver } from './fabric-receiver.js';
import { FabricSender } from './fabric-sender.js';

const nothing = (): undefined => undefined;

export interface FabricLinkOptions {
  readonly endpoint: FabricEndpoint;
  readonly events: EndpointEvents;
  readonly channel: BootstrapChannel;
  readonly config: RdmaConfig;
  /** The other side, for messages. */
  readonly name: string;
}

/**
 * A link for mux over two endpoints of a fabric, with the TCP connection of their bootstrap beside it, which tells when
 * the other process is gone. What a provider has taken is lost where its endpoint closes; so each side, once it has the
 * other's end and has sent its own, says so over TCP, and closes when it has heard the same.
 */
export class FabricLink implements StreamsLink {
  readonly #options: FabricLinkOptions;
  readonly #sender: FabricSender;
  readonly #receiver: FabricReceiver;
  #pullControl: (maxBytes: number) => Uint8Array | undefined = nothing;
  #pullContent: (maxBytes: number, aloneBytes?: number) => Content | undefined = nothing;
  #onControl: (bytes: Uint8Array) => void = nothing;
  #onContent: (streamId: number, bytes: Uint8Array, fin: boolean, retain?: Retain) => void = nothing;
  #limitOf: (streamId: number) => ContentLimit = () => 'over';
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  #proving: { resolve(): void; reject(error: Error): void } | undefined;
  #hasFirst = false;
  #hasGreeted = false;
  #hasTheirEnd = false;
  #haveTheyFinished = false;
  #haveWeFinished = false;
  #endTimer: NodeJS.Timeout | undefined;
  #isOver = false;
  #failure: Error | undefined;

  constructor(options: FabricLinkOptions) {
    const { endpoint, events, config } = options;
    this.#options = options;
    this.#sender = new FabricSender({
      ...{ endpoint, config },
      pullControl: (maxBytes) => this.#pullControl(maxBytes),
      pullContent: (maxBytes, aloneBytes) => this.#pullContent(maxBytes, aloneBytes),
      handleThrown: (thrown) => this.#handleThrown(thrown),
      handleEnded: () => this.#finishIfEnded(),
    });
    this.#receiver = new FabricReceiver({
      ...{ endpoint, config },
      handleFirst: () => this.#handleFirst(),
      handleControl: (bytes) => this.#onControl(bytes),
      handleContent: (id, bytes, fin, retain) => this.#onContent(id, bytes, fin, retain),
      limitOf: (id) => this.#limitOf(id),
      handleEnd: () => this.#handleEnd(),
    });
    events.user = {
      handleMessage: (message) => this.#guard(() => this.#receiver.handle(message)),
      handleSent: (token) => this.#sender.handleSent(token),
      handleFailed: () => this.#handleFailed(),
      handleAll: () => this.#sender.ready(),
    };
  }

  /**
   * Sends the first message to `peer`, and resolves when its own has come; until `begin` what comes behind it is kept.
   * Rejects with what the provider says, or with the signal's reason; the link is over then.
   */
  async prove(peer: FabricPeer, signal: AbortSignal): Promise<void> {
    const { endpoint, channel } = this.#options;
    channel.watch({
      handleFinished: () => this.#handleFinished(),
      handleGone: (error) => this.#handleGone(error),
    });
    const proven = new Promise<void>((resolve, reject) => {
      this.#proving = { resolve, reject };
    });
    const stopped = (): void => this.#fail(signal.reason as Error);
    signal.addEventListener('abort', stopped, { once: true });
    try {
      if (signal.aborted) stopped();
      else if (endpoint.failure) this.#handleFailed();
      else void this.#greet(peer);
      await proven;
    } finally {
      signal.removeEventListener('abort', stopped);
    }
  }

  /** Handlers are set: now it may give out what has come. */
  begin(): void {
    if (this.#isOver) {
      if (this.#failure) this.#onError(this.#failure);
      return;
    }
    this.#guard(() => this.#receiver.begin());
    this.#sender.ready();
  }

  ready(): void {
    this.#sender.ready();
  }

  forget(streamId: number): void {
    this.#receiver.forget(streamId);
  }

  /** Nothing of a stream comes before it is open. */
  opened(_streamId: number): void {
    return;
  }

  close(): void {
    this.#sender.close();
  }

  abort(): void {
    this.#options.channel.abort();
    this.#end();
  }

  onPullControl(handler: (maxBytes: number) => Uint8Array | undefined): void {
    this.#pullControl = handler;
  }

  onPullContent(handler: (maxBytes: number, aloneBytes?: number) => Content | undefined): void {
    this.#pullContent = handler;
  }

  onControl(handler: (bytes: Uint8Array) => void): void {
    this.#onControl = handler;
  }

  onContent(handler: (streamId: number, bytes: Uint8Array, fin: boolean, retain?: Retain) => void): void {
    this.#onContent = handler;
  }

  onLimit(handler: (streamId: number) => ContentLimit): void {
    this.#limitOf = handler;
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  stats(): StreamsLinkStats {
    const { inFlightBytes, bytesPerSecond } = this.#sender.rate;
    // What a provider does for lost packets it keeps to itself.
    return { minRttMs: 0, rttMs: 0, lost: 0, inFlightBytes, unsentBytes: 0, deliveryRate: bytesPerSecond };
  }

  async #greet(peer: FabricPeer): Promise<void> {
    try {
      await this.#options.endpoint.connect(withinOurs(peer, this.#options.config));
      if (this.#isOver) return;
      this.#sender.begin(peer.smallCount);
      this.#hasGreeted = true;
      this.#tellProven();
    } catch (thrown) {
      this.#handleThrown(thrown);
    }
  }

  /** It may come before we are connected. */
  #handleFirst(): void {
    this.#hasFirst = true;
    this.#tellProven();
  }

  #tellProven(): void {
    if (this.#hasFirst && this.#hasGreeted) this.#proving?.resolve();
  }

  /** All that they sent has come. */
  #handleEnd(): void {
    this.#hasTheirEnd = true;
    this.#onEnd();
    this.#finishIfEnded();
  }

  /** They have all of ours, and their end is on its way, if it has not come: nothing of ours waits for what is before it. */
  #handleFinished(): void {
    if (!this.#sender.isEnded || this.#haveTheyFinished)
      return this.#handleThrown(new XferError('ERR_XFER_PROTOCOL', 'an end that nothing ended'));
    this.#haveTheyFinished = true;
    if (this.#hasTheirEnd) this.#finishIfEnded();
    else this.#endLater();
  }

  #finishIfEnded(): void {
    if (this.#isOver || !this.#hasTheirEnd || !this.#sender.isEnded) return;
    if (!this.#haveWeFinished) this.#options.channel.finish();
    this.#haveWeFinished = true;
    if (this.#haveTheyFinished) this.#leave();
    else this.#endLater();
  }

  #endLater(): void {
    clearTimeout(this.#endTimer);
    this.#endTimer = setTimeout(() => this.#leave(), this.#options.config.endTimeoutMs);
  }

  /** Both sides have ended. */
  #leave(): void {
    if (this.#isOver) return;
    this.#options.channel.close();
    this.#end();
    if (!this.#hasTheirEnd) this.#onEnd();
  }

  #handleGone(error: XferError): void {
    // Their end may be on its way still; who waits for it does not wait for ever.
    if (this.#haveTheyFinished && !this.#hasTheirEnd) return;
    if (this.#haveTheyFinished || this.#haveWeFinished) this.#leave();
    else this.#fail(error);
  }

  #handleFailed(): void {
    if (this.#haveTheyFinished || this.#haveWeFinished) return this.#leave();
    const { endpoint, name } = this.#options;
    const { message = 'the endpoint is broken' } = endpoint.failure ?? {};
    this.#fail(
      new XferError('ERR_XFER_CONNECTION_LOST', `${name}: ${endpoint.features.provider}: ${message}`, {
        cause: endpoint.failure,
      }),
    );
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#handleThrown(thrown);
    }
  }

  #handleThrown(thrown: unknown): void {
    const { name } = this.#options;
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    const code = isXferError(thrown) ? thrown.code : 'ERR_XFER_INTERNAL';
    this.#fail(new XferError(code, `${name}: ${said}`, { cause: thrown }));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#failure = error;
    this.#options.channel.abort();
    this.#end();
    this.#proving?.reject(error);
    this.#onError(error);
  }

  /** What was sent is done when the endpoint touches it no more. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#endTimer);
    this.#sender.stop();
    this.#receiver.stop();
    void this.#options.endpoint.close().then(() => this.#sender.drop());
  }
}

/** Nobody has us make messages, and the memory to copy them into, larger than our own: what it could take is its business. */
function withinOurs(peer: FabricPeer, { smallBytes, largeBytes }: RdmaConfig): FabricPeer {
  const small = Math.min(peer.smallBytes, smallBytes);
  return { ...peer, smallBytes: small, largeBytes: Math.max(small, Math.min(peer.largeBytes, largeBytes)) };
}
