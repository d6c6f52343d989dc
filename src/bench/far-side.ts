import { isXferError, XferError } from '../errors/index.js';
import { unlessAborted } from '../app/unless-aborted.js';
import { resetCode, type Connection, type Stream } from '../transport/contract.js';
import type { BareEnd } from './bare-end.js';
import { FarChild, farLineLimits } from './far-child.js';
import { LineStream } from './line-stream.js';
import { whyNotOpened } from './run.js';
import { toldError } from './told-error.js';
import { encodeTransfersHeader, readTransfersAnswer, type TransferRequest } from './transfers-message.js';

/** The other machine of a bench, which runs the far ends of transfers. */
export class FarSide {
  readonly #end: BareEnd;
  readonly #id: Uint8Array;
  readonly #signal: AbortSignal;

  /** `id`: of the bench. */
  constructor(end: BareEnd, id: Uint8Array, signal: AbortSignal) {
    this.#end = end;
    this.#id = id;
    this.#signal = signal;
  }

  /** As it was dialled. */
  get host(): string {
    return this.#end.address.host;
  }

  /** Why it runs none; undefined: it does. Rejects where it cannot be asked. */
  async lack(): Promise<XferError | undefined> {
    try {
      return await this.#with(async (stream) => {
        const lines = new LineStream(stream, farLineLimits);
        lines.send({ ask: 'offer' });
        const answer = readTransfersAnswer((await lines.next()) ?? {});
        stream.closeWrite();
        if (answer?.answer === 'offer' && answer.takesFiles) return undefined;
        return answer?.answer === 'failed' ? toldError(answer) : noTransfers();
      });
    } catch (thrown) {
      if (isXferError(thrown) && thrown.code === 'ERR_XFER_REFUSED') return noTransfers();
      throw thrown;
    }
  }

  /** Has an end run there while `work` goes on, and what it wrote be removed behind that. */
  async run<Value>(
    name: string,
    request: TransferRequest,
    work: (there: FarChild) => Promise<Value>,
  ): Promise<Value> {
    return this.#with((stream) => work(new FarChild(name, stream, request)));
  }

  /** On a stream of its own. It is over when this settles, at the other end, too, unless that is lost. */
  async #with<Value>(work: (stream: Stream) => Promise<Value>): Promise<Value> {
    const connection = await this.#end.take();
    const running = this.#on(connection, work);
    try {
      const done = await unlessAborted(this.#signal, running);
      this.#end.give(connection);
      return done;
    } catch (thrown) {
      connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'a transfer of the bench failed'));
      // What it has started here ends with it.
      await running.catch(() => undefined);
      throw thrown;
    }
  }

  async #on<Value>(connection: Connection, work: (stream: Stream) => Promise<Value>): Promise<Value> {
    const stream = connection.openStream({ header: encodeTransfersHeader(this.#id) });
    try {
      await stream.opened;
    } catch (error) {
      throw await whyNotOpened(connection, error);
    }
    try {
      const done = await work(stream);
      stream.closeWrite();
      await stream.closed;
      return done;
    } finally {
      stream.reset(resetCode.cancelled);
    }
  }
}

const noTransfers = (): XferError =>
  new XferError('ERR_XFER_REFUSED', 'the other end takes no files', {
    remedy: 'start xfer bench --serve --files DIRECTORY there',
  });
