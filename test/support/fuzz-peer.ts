import { connect, type Socket } from 'node:net';
import { encodeFrame, encodeOpen, encodeUint64Frame } from '../../src/mux/encode.js';
import { FrameDecoder } from '../../src/mux/decode.js';
import { frameFlag, frameType } from '../../src/mux/frame.js';
import { encodeHello, type LinkHello } from '../../src/mux/hello.js';
import { sessionHeader } from '../../src/session/stream-headers.js';

/** Where the receiver listens, and from where it is called: its limits count by source. */
export interface FuzzTarget {
  readonly port: number;
  readonly source: string | undefined;
}

export const linkHello: LinkHello = {
  lowestVersion: 1,
  highestVersion: 1,
  maxStreams: 1000,
  maxPendingOpens: 100,
  firstWindowBytes: 2 ** 18,
  maxPayloadBytes: 2 ** 20,
};

/** The stream that a session is on. */
export const sessionStream = 1;

/** A receiver that says nothing for so long hangs. */
const patienceMs = 15_000;

const pieceBytes = 16 * 1024;

/** One end of a connection to a receiver that keeps to no rule: any bytes and frames, and what comes back is read. */
export class FuzzPeer {
  /** How the link or the session's stream ended, in the words of the table. */
  end: string | undefined;
  /** What the receiver may send in all, as it was told. */
  granted = 2 ** 30;
  /** The highest id of a stream that was opened. */
  lastOpened = sessionStream;
  onStreamBytes: (bytes: Uint8Array) => void = () => undefined;
  readonly #socket: Socket;
  readonly #decoder: FrameDecoder;
  #token = 0;
  #echoed = 0;
  #credit = 0;
  #sent = 0;
  #linkOver = false;
  /** Undefined before the first byte. */
  #saidGet: boolean | undefined;
  #helloHeard = false;
  #onSession = false;
  #wake: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#decoder = new FrameDecoder(
      {
        control: (type, id, payload) => this.#handleControl(type, id, payload),
        dataStart: (id) => ((this.#onSession = id === sessionStream), undefined),
        data: (bytes) => (this.#onSession ? this.onStreamBytes(bytes) : undefined, undefined),
        dataEnd: (_id, flags) => {
          if (this.#onSession && (flags & frameFlag.finWrite) !== 0) this.end ??= 'stream ended';
          return undefined;
        },
      },
      { maxHeaderBytes: 4096, maxPayloadBytes: 2 ** 20 },
    );
    socket.on('data', (bytes) => {
      // Whoever begins with a G is taken for a browser, and gets a refusal.
      if (this.#saidGet && bytes.toString('latin1').startsWith('HTTP/1.1 4')) this.end ??= 'refused by HTTP';
      if (this.#saidGet) return this.#notify();
      try {
        const fault = this.#decoder.push(bytes);
        if (fault) this.end ??= `the receiver breaks the link protocol: ${fault.reason}`;
      } catch (error) {
        this.end ??= `the receiver breaks the protocol: ${String(error)}`;
      }
      this.#notify();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => this.#finish('link ended'));
    socket.on('close', (failed) => this.#finish(failed ? 'link reset' : 'link ended'));
  }

  static open({ port, source }: FuzzTarget): Promise<FuzzPeer> {
    return new Promise((resolve, reject) => {
      const from = source === undefined ? {} : { localAddress: source };
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, ...from });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new FuzzPeer(socket));
      });
    });
  }

  isLinkOver(): boolean {
    return this.#linkOver;
  }

  send(bytes: Uint8Array): void {
    this.#saidGet ??= bytes.length > 0 ? bytes[0] === 0x47 : undefined;
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(bytes);
  }

  frame(type: number, flags: number, id: number, payload: Uint8Array = new Uint8Array()): void {
    this.send(encodeFrame(type, flags, id, payload));
  }

  /** The link's hello and, with a header, the session's stream: in order, as an honest dialer does. */
  begin(header: Uint8Array | 'no stream' = sessionHeader): void {
    this.send(encodeHello(frameType.linkHello, linkHello));
    if (header !== 'no stream') this.send(encodeOpen(sessionStream, this.granted, 0, header));
  }

  /** On the session's stream, within its credit once that is known. */
  async data(bytes: Uint8Array, flags = 0): Promise<void> {
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + pieceBytes);
      at += piece.length;
      this.#sent += piece.length;
      if (this.#sent > 2 ** 16) await this.until(() => this.#credit >= this.#sent);
      if (this.end !== undefined) return;
      const isLast = at >= bytes.length;
      this.frame(frameType.streamData, isLast ? flags : 0, sessionStream, piece);
    } while (at < bytes.length);
  }

  /** Resolves when the receiver has read all that was sent before, or has ended the stream or the link. */
  async fence(linkOnly = false): Promise<void> {
    this.send(encodeUint64Frame(frameType.keepalive, 0, ++this.#token));
    const token = this.#token;
    await this.until(() => this.#echoed >= token, linkOnly);
    // Content travels behind control: give what came with the echo the time to be read.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when `met`, or when the stream or the link has ended. Rejects where the receiver hangs. */
  async until(met: () => boolean, linkOnly = false): Promise<void> {
    const timer = setTimeout(() => this.#notify(), patienceMs);
    const until = performance.now() + patienceMs - 10;
    try {
      while (!met() && !this.#linkOver && (linkOnly || this.end === undefined)) {
        if (performance.now() > until) throw new Error('the receiver hangs: it answers nothing');
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Leaves behind what was sent; resolves when the receiver has let go too. */
  async leave(): Promise<void> {
    this.#socket.end();
    await this.until(() => false, true);
    this.#socket.destroy();
  }

  /** Leaves at once: what is on the way may be lost. */
  async tearOff(): Promise<void> {
    if (this.#linkOver) return;
    this.#socket.resetAndDestroy();
    await this.until(() => false, true);
  }

  #finish(how: string): void {
    this.end ??= how;
    this.#linkOver = true;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #handleControl(type: number, id: number, payload: Uint8Array): undefined {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const isSession = id === sessionStream;
    if (type === frameType.linkHelloAck) this.#helloHeard = true;
    else if (!this.#helloHeard) this.end ??= 'the receiver speaks before its hello';
    if (type === frameType.keepalive) this.frame(frameType.keepaliveAck, 0, 0, payload.slice());
    if (type === frameType.keepaliveAck) this.#echoed = Math.max(this.#echoed, view.getUint32(4));
    if (isSession && type === frameType.openErr) this.end ??= `stream refused ${view.getUint32(0)}`;
    if (isSession && type === frameType.streamReset) this.end ??= `stream reset ${view.getUint32(0)}`;
    if (isSession && (type === frameType.openAck || type === frameType.window))
      this.#credit = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
    return undefined;
  }
}
