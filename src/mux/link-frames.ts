import type { MuxConfig } from './config.js';
import { encodeUint64Frame } from './encode.js';
import { extensionType, fault, frameType, type MuxFault } from './frame.js';
import { commonVersion, encodeHello, muxVersion, parseHello, type LinkHello } from './hello.js';
import type { Outbound } from './outbound.js';
import type { StreamTable } from './stream-table.js';

/** The frames on stream 0: hello, drain, keepalive. */
export class LinkFrames {
  helloReceived = false;
  peer: LinkHello | undefined;
  /** We take no more streams. */
  draining = false;
  /** The other side takes none past `theirLastId`. */
  theyDrain = false;
  theirLastId = Infinity;
  /** Called with a GOAWAY, and when the hello is agreed. */
  onGoaway: () => void = () => undefined;
  onHello: (peer: LinkHello) => void = () => undefined;
  onMessage: (bytes: Uint8Array) => void = () => undefined;
  readonly #dialer: boolean;
  readonly #config: MuxConfig;
  readonly #outbound: Outbound;
  readonly #table: StreamTable;

  constructor(dialer: boolean, config: MuxConfig, outbound: Outbound, table: StreamTable) {
    this.#dialer = dialer;
    this.#config = config;
    this.#outbound = outbound;
    this.#table = table;
    if (dialer) this.#sendHello(frameType.linkHello);
  }

  handle(now: number, type: number, payload: Uint8Array): MuxFault | undefined {
    if (!this.helloReceived) return this.#hello(type, payload);
    if (type === extensionType.linkMessage) {
      this.onMessage(payload);
      return undefined;
    }
    const value = payload.length === 8 ? uint64(payload) : 0;
    if (type === frameType.keepalive) this.#outbound.probes.answer(value);
    else if (type === frameType.keepaliveAck) this.#outbound.probes.handleAnswer(now, value);
    else if (type === frameType.goaway) return this.#goaway(value);
    else return fault('a second hello');
    return undefined;
  }

  /** Says once that we take no more streams. */
  drain(): void {
    if (this.draining) return;
    this.draining = true;
    if (this.#dialer || this.helloReceived) this.#sendGoaway();
  }

  #hello(type: number, payload: Uint8Array): MuxFault | undefined {
    if (type !== (this.#dialer ? frameType.linkHelloAck : frameType.linkHello))
      return fault('the other side did not begin with a hello');
    const hello = parseHello(payload);
    if ('kind' in hello) return hello;
    if (!this.#dialer) this.#sendHello(frameType.linkHelloAck);
    if (commonVersion(hello) === undefined) return fault('no common version of the link protocol', 'version');
    this.helloReceived = true;
    this.peer = hello;
    const { maxFramePayloadBytes, maxPendingOpens, earlyBeforeHelloBytes } = this.#config;
    this.#outbound.helloDone = true;
    this.#outbound.maxPayloadBytes = Math.min(maxFramePayloadBytes, hello.maxPayloadBytes);
    this.#outbound.earlyStreamBytes = Math.min(earlyBeforeHelloBytes, hello.firstWindowBytes);
    this.#outbound.maxPendingOpens = Math.max(1, Math.min(maxPendingOpens, hello.maxPendingOpens));
    this.#outbound.probes.want();
    // A listener says nothing before its hello.
    if (this.draining && !this.#dialer) this.#sendGoaway();
    this.onHello(hello);
    return undefined;
  }

  #goaway(lastId: number): MuxFault | undefined {
    if (lastId > this.#table.lastSentId) return fault('a GOAWAY with an id that was never opened');
    this.theyDrain = true;
    this.theirLastId = lastId;
    this.onGoaway();
    return undefined;
  }

  #sendGoaway(): void {
    this.#outbound.control(encodeUint64Frame(frameType.goaway, 0, this.#table.lastTheirId));
  }

  #sendHello(type: number): void {
    const { maxStreamsPerPeer, maxPendingOpens, earlyStreamBytes, maxFramePayloadBytes } = this.#config;
    const frame = encodeHello(type, {
      lowestVersion: muxVersion.lowest,
      highestVersion: muxVersion.highest,
      maxStreams: maxStreamsPerPeer,
      maxPendingOpens,
      firstWindowBytes: earlyStreamBytes,
      maxPayloadBytes: maxFramePayloadBytes,
    });
    this.#outbound.control(frame);
  }
}

function uint64(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset, 8);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}
