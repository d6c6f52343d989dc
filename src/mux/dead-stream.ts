import { OpenRefused, type Connection, type Stream } from '../transport/contract.js';

const nothing = (): void => undefined;

/** What openStream() gives where no stream may be opened any more: it is refused, and drops and releases all. */
export class DeadStream implements Stream {
  readonly id = 0;
  readonly connection: Connection;
  readonly opened: Promise<Uint8Array>;

  constructor(connection: Connection, openCode: number) {
    this.connection = connection;
    this.opened = Promise.reject(new OpenRefused(openCode));
    this.opened.catch(nothing);
  }

  send(_bytes: Uint8Array | readonly Uint8Array[], release?: () => void): boolean {
    release?.();
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  readonly closed = Promise.resolve();
  accept = nothing;
  holdCredit = nothing;
  credit = nothing;
  refuse = nothing;
  closeWrite = nothing;
  onData = nothing;
  onEnd = nothing;
  onReset = nothing;
  onStop = nothing;
  pause = nothing;
  resume = nothing;
  stopReading = nothing;
  reset = nothing;
}
