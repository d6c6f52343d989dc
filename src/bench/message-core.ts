import { benchMessage } from './message.js';

/** What the other end owes for some bytes: messages to send back, and whether to say how many there were. */
export interface Owed {
  readonly echoes: number;
  readonly acknowledges: boolean;
}

/** The messages in what comes on a stream, each of the same size. Sans-IO. */
export class BenchMessageCore {
  readonly #bytes: number;
  /** That are still to come of the message that has begun; 0: the next byte begins one. */
  #left = 0;
  #kind = 0;
  #messages = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** That are there whole. */
  get messages(): number {
    return this.#messages;
  }

  /** undefined: no such kind of message. */
  handleData(bytes: Uint8Array): Owed | undefined {
    let echoes = 0;
    let acknowledges = false;
    for (let at = 0; at < bytes.length;) {
      if (this.#left === 0) {
        const kind = bytes[at] ?? 0;
        if (kind > benchMessage.echo) return undefined;
        this.#kind = kind;
        this.#left = this.#bytes;
      }
      const taken = Math.min(this.#left, bytes.length - at);
      at += taken;
      this.#left -= taken;
      if (this.#left > 0) break;
      this.#messages++;
      if (this.#kind === benchMessage.echo) echoes++;
      else if (this.#kind === benchMessage.acknowledge) acknowledges = true;
    }
    return { echoes, acknowledges };
  }
}
