import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { openErrorCode, type Connection, type Stream } from '../transport/contract.js';
import { answerBench } from './answers.js';
import { decodeBenchHeader } from './message.js';
import { answerStream } from './streams-answers.js';
import { decodeStreamsHeader } from './streams-message.js';
import { decodeNativeHeader } from './native-message.js';
import { serveTransfer, type ServedTransfers } from './served-transfer.js';
import { decodeTransfersHeader } from './transfers-message.js';
import { BenchTurn } from './turn.js';

/**
 * The other end of benches, for whoever asks: one bench has the turn, by the id in the headers of its streams, and each of its
 * connections one stream of each kind at a time, of the many small ones as many as there may be. Others are refused with a resource limit meanwhile. It keeps nothing of what
 * it is sent.
 */
export class BenchPeer {
  readonly #connections = new Set<Connection>();
  readonly #native: NativeAnswerer | undefined;
  readonly #transfers: ServedTransfers | undefined;
  #transfer: Promise<void> = Promise.resolve();
  /** Streams that wait for their transfer. */
  #waiting = 0;
  readonly #turn = new BenchTurn();

  /** `native` answers the stream for native runs, one of a connection beside the other; undefined: nothing here can. */
  constructor(native?: NativeAnswerer, transfers?: ServedTransfers) {
    this.#native = native;
    this.#transfers = transfers;
  }

  serve(connection: Connection): void {
    this.#connections.add(connection);
    const { idleMs, connectionMs } = benchDefaults;
    const end = (why: string): void => connection.abort(new XferError('ERR_XFER_TIMEOUT', why));
    const idleTimer = (): NodeJS.Timeout => setTimeout(() => end('no stream came'), idleMs);
    const life = setTimeout(() => end('the connection is too old'), connectionMs);
    let idle = idleTimer();
    const busy = { messages: 0, native: 0, streams: 0, transfers: 0 };
    connection.onStream((stream, header) => {
      const messages = decodeBenchHeader(header);
      const native = connection.capabilities.isFabric === true ? decodeNativeHeader(header) : undefined;
      const streams = decodeStreamsHeader(header);
      const transfers = decodeTransfersHeader(header);
      const asked = messages ?? streams ?? transfers ?? (this.#native ? native : undefined);
      if (!asked) return stream.refuse(openErrorCode.refused);
      const kind = messages ? 'messages' : streams ? 'streams' : transfers ? 'transfers' : 'native';
      const heldBytes = messages?.messageBytes ?? 0;
      if (busy[kind] >= mostAtOnce[kind] || !this.#turn.take(connection, asked.id, heldBytes))
        return stream.refuse(openErrorCode.resourceLimit);
      busy[kind]++;
      clearTimeout(idle);
      if (messages) answerBench(stream, messages.messageBytes);
      else if (streams) answerStream(stream, streams.isBothWays);
      else if (transfers) this.#serveTransfer(stream);
      else this.#native?.(stream, native?.providers ?? []);
      void stream.closed.then(() => {
        this.#turn.release(heldBytes);
        busy[kind]--;
        const isIdle = Object.values(busy).every((count) => count === 0);
        if (isIdle && this.#connections.has(connection)) idle = idleTimer();
      });
    });
    void connection.closed.then(() => {
      clearTimeout(idle);
      clearTimeout(life);
      this.#connections.delete(connection);
      this.#turn.leave(connection);
    });
  }

  /** Ends all connections at once, and what runs for them. */
  async close(error: Error): Promise<void> {
    for (const connection of this.#connections) connection.abort(error);
    await this.#transfer;
  }

  /** One at a time, whoever asks: the next one when nothing of the last one runs, and nothing of it is left. */
  #serveTransfer(stream: Stream): void {
    if (this.#waiting >= benchDefaults.maxConnections) return stream.refuse(openErrorCode.resourceLimit);
    this.#waiting++;
    let isOver = false;
    void stream.closed.then(() => (isOver = true));
    this.#transfer = this.#transfer.then(async () => {
      this.#waiting--;
      if (!isOver) await serveTransfer(stream, this.#transfers);
    });
  }
}

const mostAtOnce = { messages: 1, native: 1, transfers: 1, streams: benchDefaults.maxStreams };

/** Accepts or refuses a stream whose dialer offers these providers. */
export type NativeAnswerer = (stream: Stream, offered: readonly string[]) => void;
