import type { ErrorCode } from '../errors/index.js';
import type { Address } from '../transport/address.js';
import type { Connection, Listener, Stream, Transport, TransportDescriptor } from '../transport/contract.js';

export interface ComplianceSetup {
  readonly descriptor: TransportDescriptor;
  /** Where a listener may listen; port 0 for any. */
  readonly listenAt: Address;
  /** An address where nobody listens. */
  readonly nobodyAt: Address;
  /** What a dial to there fails with. Default: ERR_XFER_CONNECTION_REFUSED; ERR_XFER_TIMEOUT where the machine tells nothing. */
  readonly nobodyCode?: ErrorCode;
  /** Lets the listener's end of the newest connection vanish. Default: it aborts. */
  readonly vanish?: () => void;
}

/** Two connections that are each other's other side. */
export interface Pair {
  readonly near: Connection;
  readonly far: Connection;
  /** The next stream that `near` opens, as `far` sees it. */
  incoming(): Promise<Incoming>;
  close(): Promise<void>;
}

export interface Incoming {
  readonly stream: Stream;
  readonly header: Uint8Array;
}

export async function connectPair(setup: ComplianceSetup): Promise<Pair> {
  const transport: Transport = await setup.descriptor.load();
  const waiting: ((incoming: Incoming) => void)[] = [];
  const arrived: Incoming[] = [];
  let gotFar: (connection: Connection) => void = () => undefined;
  const farConnected = new Promise<Connection>((resolve) => (gotFar = resolve));
  const listener: Listener = await transport.listen(setup.listenAt, {
    onConnection(connection) {
      connection.onStream((stream, header) => {
        const incoming = { stream, header };
        const next = waiting.shift();
        if (next) next(incoming);
        else arrived.push(incoming);
      });
      gotFar(connection);
    },
  });
  const near = await transport.dial(listener.address, { signal: new AbortController().signal });
  const far = await farConnected;
  return {
    near,
    far,
    incoming: () =>
      new Promise((resolve) => {
        const there = arrived.shift();
        if (there) resolve(there);
        else waiting.push(resolve);
      }),
    async close() {
      near.abort(new Error('the test is over'));
      await Promise.all([near.closed, far.closed]);
      await listener.close();
    },
  };
}

/** Opens a stream and accepts it on the other side. */
export async function openPair(pair: Pair, priority = 0): Promise<{ near: Stream; far: Stream }> {
  const near = pair.near.openStream({ priority });
  const { stream: far } = await pair.incoming();
  far.accept();
  await near.opened;
  return { near, far };
}

/** All bytes up to the end; rejects on a reset. */
export function readAll(stream: Stream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.onEnd(() => resolve(Buffer.concat(pieces)));
    stream.onReset((code) => reject(new Error(`reset with code ${code}`)));
    stream.onData((bytes) => pieces.push(Buffer.from(bytes)));
  });
}

/** Bytes that differ from place to place and from seed to seed, so that a lost or moved piece shows. */
export function pattern(bytes: number, seed = 1): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let state = (seed * 2654435761) >>> 0;
  let i = 0;
  for (; i + 4 <= bytes; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out.writeUInt32LE(state, i);
  }
  for (; i < bytes; i++) out[i] = (state >>> (8 * (i % 4))) & 0xff;
  return out;
}

/** Counts how often each send was released. */
export class Releases {
  readonly counts: number[] = [];

  next(): () => void {
    const at = this.counts.push(0) - 1;
    return () => {
      this.counts[at] = (this.counts[at] ?? 0) + 1;
    };
  }

  get all(): boolean {
    return this.counts.every((count) => count >= 1);
  }
}

/** Turns of the loop until `condition` holds; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turns(1);
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
