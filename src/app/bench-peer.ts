import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { openErrorCode, type Connection } from '../transport/contract.js';
import { answerBench } from './bench-answers.js';
import { decodeBenchHeader } from './bench-message.js';

/**
 * The other end of benches, for whoever asks: one connection has the turn, from its first stream until it ends, and one
 * stream of it at a time. Others are refused with a resource limit meanwhile. It keeps nothing of what it is sent.
 */
export class BenchPeer {
  readonly #connections = new Set<Connection>();
  #turn: Connection | undefined;

  serve(connection: Connection): void {
    this.#connections.add(connection);
    const { idleMs, connectionMs } = benchDefaults;
    const end = (why: string): void => connection.abort(new XferError('ERR_XFER_TIMEOUT', why));
    const idleTimer = (): NodeJS.Timeout => setTimeout(() => end('no stream came'), idleMs);
    const life = setTimeout(() => end('the connection is too old'), connectionMs);
    let idle = idleTimer();
    let isBusy = false;
    connection.onStream((stream, header) => {
      const bytes = decodeBenchHeader(header);
      if (bytes === undefined) return stream.refuse(openErrorCode.refused);
      if (isBusy || (this.#turn !== undefined && this.#turn !== connection))
        return stream.refuse(openErrorCode.resourceLimit);
      this.#turn = connection;
      isBusy = true;
      clearTimeout(idle);
      answerBench(stream, bytes);
      void stream.closed.then(() => {
        isBusy = false;
        if (this.#connections.has(connection)) idle = idleTimer();
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
