import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { openErrorCode, type Connection, type Stream } from '../transport/contract.js';
import { answerBench } from './answers.js';
import { decodeBenchHeader } from './message.js';
import { decodeNativeHeader } from './native-message.js';
import { BenchTurn } from './turn.js';

/**
 * The other end of benches, for whoever asks: one bench has the turn, by the id in the headers of its streams, and each of its
 * connections one stream of each kind at a time. Others are refused with a resource limit meanwhile. It keeps nothing of what
 * it is sent.
 */
export class BenchPeer {
  readonly #connections = new Set<Connection>();
  readonly #native: NativeAnswerer | undefined;
  readonly #turn = new BenchTurn();

  /** `native` answers the stream for native runs, one of a connection beside the other; undefined: nothing here can. */
  constructor(native?: NativeAnswerer) {
    this.#native = native;
  }

  serve(connection: Connection): void {
    this.#connections.add(connection);
    const { idleMs, connectionMs } = benchDefaults;
    const end = (why: string): void => connection.abort(new XferError('ERR_XFER_TIMEOUT', why));
    const idleTimer = (): NodeJS.Timeout => setTimeout(() => end('no stream came'), idleMs);
    const life = setTimeout(() => end('the connection is too old'), connectionMs);
    let idle = idleTimer();
    const busy = new Set<'messages' | 'native'>();
    connection.onStream((stream, header) => {
      const messages = decodeBenchHeader(header);
      const native = connection.capabilities.isFabric === true ? decodeNativeHeader(header) : undefined;
      const asked = messages ?? (this.#native ? native : undefined);
      if (!asked) return stream.refuse(openErrorCode.refused);
      const kind = messages ? 'messages' : 'native';
      const heldBytes = messages?.messageBytes ?? 0;
      if (busy.has(kind) || !this.#turn.take(connection, asked.id, heldBytes))
        return stream.refuse(openErrorCode.resourceLimit);
      busy.add(kind);
      clearTimeout(idle);
      if (messages) answerBench(stream, messages.messageBytes);
      else this.#native?.(stream, native?.providers ?? []);
      void stream.closed.then(() => {
        this.#turn.release(heldBytes);
        busy.delete(kind);
        if (busy.size === 0 && this.#connections.has(connection)) idle = idleTimer();
      });
    });
    void connection.closed.then(() => {
      clearTimeout(idle);
      clearTimeout(life);
      this.#connections.delete(connection);
      this.#turn.leave(connection);
    });
  }

  /** Ends all connections at once. */
  close(error: Error): void {
    for (const connection of this.#connections) connection.abort(error);
  }
}

/** Accepts or refuses a stream whose dialer offers these providers. */
export type NativeAnswerer = (stream: Stream, offered: readonly string[]) => void;
