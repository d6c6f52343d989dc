import type { Dealer, Publisher, Pull, Push, Router, Subscriber } from 'zeromq';
import { zmqConfig } from './config.js';

export type AnySocket = Push | Pull | Publisher | Subscriber | Dealer | Router;

/** A socket of libzmq that knows when it is really gone. */
export class ZmqSocket {
  readonly raw: AnySocket;
  /** What it is bound or connected to, as it is typed: `bind:tcp://127.0.0.1:5555`. */
  readonly addresses: string[] = [];
  readonly #gone: Promise<void>;
  #closing: Promise<boolean> | undefined;

  constructor(raw: AnySocket, onNote: (message: string) => void) {
    this.raw = raw;
    const told = new Set<string>();
    const note = (message: string): void => {
      if (told.has(message)) return;
      told.add(message);
      onNote(message);
    };
    const { events } = raw;
    events.on('handshake:error:auth', () =>
      note('a ZeroMQ peer was refused, or refused this side: check the keys of both'),
    );
    events.on('handshake:error:protocol', () =>
      note('a ZeroMQ peer speaks another protocol: check that both or none have CURVE keys'),
    );
    // The monitor ends with the socket, which is when all that was queued has gone or its linger is over.
    this.#gone = new Promise((resolve) => events.on('end', () => resolve()));
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Closes it; what is queued has so long to go. Resolves, when it has gone, with true; false: it took so long that some
   * may be lost. Of several calls the first decides.
   */
  close(lingerMs: number): Promise<boolean> {
    this.#closing ??= this.#close(lingerMs);
    return this.#closing;
  }

  async #close(lingerMs: number): Promise<boolean> {
    const from = performance.now();
    this.raw.linger = lingerMs;
    this.raw.close();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, lingerMs + zmqConfig.closeSlackMs);
    });
    await Promise.race([this.#gone, late]);
    clearTimeout(timer);
    return performance.now() - from < lingerMs;
  }
}
