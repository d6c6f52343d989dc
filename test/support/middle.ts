import { tcp } from '@xfer/mux';
import { parseUrl, formatAddress } from '../../src/transport/address.js';
import type { Connection, Listener, Stream } from '../../src/transport/contract.js';
import { afterFile } from './after-file.js';

/** `out` is what the sender says, `back` what the receiver does. */
export type Direction = 'out' | 'back';

/** What goes on in the place of one unit; `fin` ends the direction behind it and drops all that follows. */
export interface Altered {
  readonly units: readonly Buffer[];
  readonly fin?: boolean;
}

/** Units are the handshake's messages and then the sealed records, each with its length before it. */
export type Alter = (unit: Buffer, index: number, direction: Direction) => Altered;

const open = new Set<Middle>();

afterFile(async () => {
  await Promise.all([...open].map((middle) => middle.close()));
});

/** Messages of the handshake in either direction; records follow. */
export const handshakeUnits = 3;

/**
 * A man in the middle on real connections: takes the sender's, makes his own to the receiver, and passes the
 * session's stream on, unit by unit, altered as he likes.
 */
export class Middle {
  readonly address: string;
  /** Units that were altered, dropped, doubled or cut. */
  altered = 0;
  readonly #listener: Listener;
  readonly #connections = new Set<Connection>();

  private constructor(listener: Listener) {
    this.#listener = listener;
    this.address = formatAddress(listener.address);
    open.add(this);
  }

  static async open(target: string, alter: Alter): Promise<Middle> {
    const transport = await tcp().load();
    const { signal } = new AbortController();
    const waiting: Connection[] = [];
    let take = (connection: Connection) => void waiting.push(connection);
    const listener = await transport.listen(parseUrl('tcp://127.0.0.1:0'), {
      onConnection: (connection) => take(connection),
    });
    const middle = new Middle(listener);
    take = (sender) => {
      middle.#track(sender);
      sender.onStream((near, header) => {
        near.accept();
        transport.dial(parseUrl(target), { signal }).then(
          (receiver) => {
            middle.#track(receiver);
            const far = receiver.openStream({ header });
            middle.#pass(near, far, 'out', alter);
            middle.#pass(far, near, 'back', alter);
            void sender.closed.then(() => receiver.close());
            void receiver.closed.then(() => sender.close());
          },
          (error: unknown) => sender.abort(error as Error),
        );
      });
    };
    waiting.forEach(take);
    return middle;
  }

  async close(): Promise<void> {
    open.delete(this);
    for (const connection of this.#connections) connection.abort(new Error('the test is over'));
    await this.#listener.close();
  }

  #track(connection: Connection): void {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #pass(from: Stream, to: Stream, direction: Direction, alter: Alter): void {
    let index = 0;
    let rest = Buffer.alloc(0);
    let cut = false;
    from.onData((bytes) => {
      if (cut) return;
      rest = Buffer.concat([rest, bytes]);
      for (let size = unitSize(rest, index); size > 0 && size <= rest.length; size = unitSize(rest, index)) {
        const unit = rest.subarray(0, size);
        rest = rest.subarray(size);
        const { units, fin = false } = alter(unit, index++, direction);
        if (units.length !== 1 || units[0] !== unit || fin) this.altered++;
        for (const one of units) to.send(Buffer.from(one));
        if (!fin) continue;
        cut = true;
        return to.closeWrite();
      }
    });
    from.onEnd(() => (cut ? undefined : to.closeWrite()));
    from.onReset((code) => to.reset(code));
    from.onStop((code) => to.stopReading(code));
  }
}

/** Bytes of the unit that `bytes` begins with; 0 where that is not known yet. */
function unitSize(bytes: Buffer, index: number): number {
  if (index < handshakeUnits) return bytes.length < 2 ? 0 : 2 + bytes.readUInt16BE(0);
  return bytes.length < 4 ? 0 : 4 + bytes.readUInt32BE(0);
}
