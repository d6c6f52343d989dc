import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { openErrorCode, type Connection, type Stream } from '../transport/contract.js';
import { answerBench } from './answers.js';
import { decodeBenchHeader } from './message.js';
import { decodeNativeHeader } from './native-message.js';

/**
 * The other end of benches, for whoever asks: one connection has the turn, from its first stream until it ends, and one
 * stream of each kind at a time. Others are refused with a resource limit meanwhile. It keeps nothing of what it is sent.
 */
export class BenchPeer {
  readonly #connections = new Set<Connection>();
  readonly #native: NativeAnswerer | undefined;
  #turn: Connection | undefined;

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
      const bytes = decodeBenchHeader(header);
      const offered = bytes === undefined && this.#native ? decodeNativeHeader(header) : undefined;
      if (bytes === undefined && !(offered && connection.capabilities.isFabric === true))
        return stream.refuse(openErrorCode.refused);
      const kind = bytes === undefined ? 'native' : 'messages';
      if (busy.has(kind) || (this.#turn !== undefined && this.#turn !== connection))
        return stream.refuse(openErrorCode.resourceLimit);
      this.#turn = connection;
      busy.add(kind);
      clearTimeout(idle);
      if (bytes !== undefined) answerBench(stream, bytes);
      else this.#native?.(stream, offered ?? []);
      void stream.closed.then(() => {
        busy.delete(kind);
        if (busy.size === 0 && this.#connections.has(connection)) idle = idleTimer();
      });
    });
    void connection.closed.then(() => {
      clearTimeout(idle);
      clearTimeout(life);
      this.#connections.delete(connection);
      if (this.#turn === connection) this.#turn = undefined;
    });
  }

  /** Ends all connections at once. */
  close(error: Error): void {
    for (const connection of this.#connections) connection.abort(error);
  }
}

/** Accepts or refuses a stream whose dialer offers these providers. */
export type NativeAnswerer = (stream: Stream, offered: readonly string[]) => void;
