import { XferError } from '../errors/index.js';
import type { HandshakeLimit } from '../session/handshake-limit.js';
import type { Session } from '../session/session.js';
import type { GroupHeader, JoinHeader } from '../session/stream-headers.js';
import { openErrorCode, type Connection, type Stream } from '../transport/contract.js';
import type { LaneConnections } from './lane-connections.js';

/** A session that lanes may join. */
export interface OpenSession {
  readonly session: Session;
  readonly lanes: LaneConnections;
}

/** The sessions of a listener that are there. */
export class OpenSessions {
  readonly #limit: HandshakeLimit;
  readonly #open = new Set<OpenSession>();

  constructor(limit: HandshakeLimit) {
    this.#limit = limit;
  }

  add(open: OpenSession): void {
    this.#open.add(open);
  }

  delete(open: OpenSession): void {
    this.#open.delete(open);
  }

  /** A lane more for a session that is there. Resolves when the connection is over. */
  async join(connection: Connection, stream: Stream, join: JoinHeader, signal: AbortSignal): Promise<void> {
    const { session, lanes } = this.#find(stream, join.session);
    const release = this.#limit.enter(connection.remote.host);
    if (!release) {
      stream.refuse(openErrorCode.resourceLimit);
      throw new XferError('ERR_XFER_LIMIT', 'too many handshakes are under way');
    }
    await session.acceptLane(stream, join, signal).finally(release);
    lanes.handleLane(join.lane, connection);
    // It carries nothing else, and the other side may never close it.
    await Promise.race([stream.closed, connection.closed]);
  }

  /** What is sealed once for several, for a session that is there. Resolves when the connection is over. */
  async joinGroup(connection: Connection, stream: Stream, group: GroupHeader): Promise<void> {
    const { session, lanes } = this.#find(stream, group.session);
    session.acceptGroupLane(stream, group);
    lanes.handleLane(group.lane, connection);
    await connection.closed;
  }

  /** Refuses the stream, and throws, where the session is over. */
  #find(stream: Stream, id: Uint8Array): OpenSession {
    for (const open of this.#open) if (Buffer.compare(open.session.id, id) === 0) return open;
    stream.refuse(openErrorCode.routeNotFound);
    throw new XferError('ERR_XFER_REFUSED', 'a lane came for a session that is over');
  }
}
