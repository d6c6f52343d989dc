/** What the users of a simulated connection tell each other by control: what mux's frames are to a real one. */
export interface SimMessage {
  readonly kind: keyof typeof kinds;
  readonly streamId: number;
  /** OPEN: bytes that are wanted back. WINDOW: bytes of the stream that may come in all. FILLER: its bytes. */
  readonly value: number;
}

const kinds = Object.freeze({ open: 1, window: 2, reset: 3, filler: 4 });
const names = Object.keys(kinds) as SimMessage['kind'][];
const headBytes = 15;

export class MessageWriter {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  write({ kind, streamId, value }: SimMessage): Uint8Array {
    const filler = kind === 'filler' ? value : 0;
    const bytes = Buffer.alloc(headBytes + filler, this.#count & 0xff);
    bytes.writeUInt8(kinds[kind], 0);
    bytes.writeUInt32BE(streamId, 1);
    bytes.writeUIntBE(value, 5, 6);
    bytes.writeUInt32BE(this.#count++, 11);
    return bytes;
  }
}

/** Joins messages again, however they were cut. Throws where one is missing, twice there or out of order. */
export class MessageReader {
  #held: Uint8Array = new Uint8Array(0);
  #count = 0;

  /** Nothing of a message is held back. */
  get isWhole(): boolean {
    return this.#held.length === 0;
  }

  read(bytes: Uint8Array, handle: (message: SimMessage) => void): void {
    let rest = Buffer.concat([this.#held, bytes]);
    const messages: SimMessage[] = [];
    while (rest.length >= headBytes) {
      const kind = names[rest.readUInt8(0) - 1];
      const message = { kind, streamId: rest.readUInt32BE(1), value: rest.readUIntBE(5, 6) };
      const end = headBytes + (kind === 'filler' ? message.value : 0);
      const number = rest.readUInt32BE(11);
      if (!kind || number !== this.#count) throw new Error(`control message ${this.#count} is ${number}`);
      if (rest.length < end) break;
      if (rest.subarray(headBytes, end).some((byte) => byte !== (number & 0xff)))
        throw new Error(`control message ${number} is not what was sent`);
      this.#count++;
      messages.push({ ...message, kind });
      rest = rest.subarray(end);
    }
    this.#held = rest;
    for (const message of messages) handle(message);
  }
}
