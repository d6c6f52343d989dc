import type { XferError } from '../errors/index.js';
import type { Connection } from '../transport/contract.js';

/** The connections that carry the lanes of a receiver's session; each ends with its lane. */
export class LaneConnections {
  readonly #connections = new Map<number, Connection>();
  readonly #transports = new Map<number, string>();

  handleLane(lane: number, connection: Connection): void {
    this.#connections.set(lane, connection);
    this.#transports.set(lane, connection.remote.scheme);
  }

  /** Of lanes that are gone, too. */
  transportOf(lane: number): string | undefined {
    return this.#transports.get(lane);
  }

  handleLaneDown(lane: number, error: XferError | undefined): void {
    const connection = this.#connections.get(lane);
    this.#connections.delete(lane);
    // With one that is lost there is nobody to close it with in order.
    if (error?.code === 'ERR_XFER_CONNECTION_LOST') connection?.abort(error);
    else void connection?.close();
  }
}
