import { Writable } from 'node:stream';

/**
 * What ink draws on in the place of a terminal: it never hears of a new size, nor of the height. On a terminal that has become
 * lower than what it drew last ink would erase all that was ever shown there, what other programs said too.
 */
export class InkOutput extends Writable {
  readonly isTTY = true;
  readonly rows = Infinity;
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    super({ decodeStrings: false });
    this.#out = out;
  }

  get columns(): number {
    return this.#out.columns || 80;
  }

  /** As ink wants it: it uses nothing of a terminal but what is here. */
  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }

  override _write(text: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#out.write(text);
    done();
  }
}
