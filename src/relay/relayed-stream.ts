import type { Connection, ResetHandler, Stream } from '../transport/contract.js';

/** A stream that came over a relay: the relay's own in everything but its connection, which leads to the end of the path. */
export class RelayedStream implements Stream {
  readonly connection: Connection;
  readonly #stream: Stream;

  constructor(stream: Stream, connection: Connection) {
    this.#stream = stream;
    this.connection = connection;
  }

  get id(): number {
    return this.#stream.id;
  }

  get opened(): Promise<Uint8Array> {
    return this.#stream.opened;
  }

  get closed(): Promise<void> {
    return this.#stream.closed;
  }

  accept(answer?: Uint8Array): void {
    this.#stream.accept(answer);
  }

  refuse(code: number, detail?: Uint8Array): void {
    this.#stream.refuse(code, detail);
  }

  send(bytes: Uint8Array | readonly Uint8Array[], release?: () => void): boolean {
    return this.#stream.send(bytes, release);
  }

  drained(): Promise<void> {
    return this.#stream.drained();
  }

  closeWrite(): void {
    this.#stream.closeWrite();
  }

  onData(...handlers: Parameters<Stream['onData']>): void {
    this.#stream.onData(...handlers);
  }

  onEnd(handler: () => void): void {
    this.#stream.onEnd(handler);
  }

  onReset(handler: ResetHandler): void {
    this.#stream.onReset(handler);
  }

  onStop(handler: (code: number) => void): void {
    this.#stream.onStop(handler);
  }

  holdCredit(): void {
    this.#stream.holdCredit();
  }

  credit(bytes: number): void {
    this.#stream.credit(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  stopReading(code: number): void {
    this.#stream.stopReading(code);
  }

  reset(code: number, detail?: Uint8Array): void {
    this.#stream.reset(code, detail);
  }
}
