import type { Connection } from '../transport/contract.js';
import type { RefusalReason } from './refusal-reason.js';

/** Limits of one peer. */
export interface OwnLimits {
  readonly maxStreams?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly maxConnections?: number | undefined;
}

/** Who is at the other end of a connection. */
export interface HopPeer {
  /** Its proved key as hexadecimal digits; undefined for who proved none. */
  readonly key: string | undefined;
  /** For people: its name in the configuration, the fingerprint of its key, or its address. Sanitise before showing. */
  readonly name: string;
  /** Trusted ones are on the allow list or had a token. */
  readonly trust: 'stranger' | 'trusted';
  /** Its share under load; 0 for whoever is not listed. */
  readonly weight: number;
  /** The digest of its token, where that is what it has its weight by: all who bring the token are as one peer. */
  readonly token?: string;
  /** In place of the limits that every peer has. */
  readonly limits?: OwnLimits;
}

/** Finds out who is at the other end. */
export interface HopIdentity {
  /** The peer has begun to prove who it is; what it opens waits for that. */
  readonly isBegun: boolean;
  /** Rejects with the XferError for which the peer is refused. */
  readonly known: Promise<HopPeer>;
  /** Who it is as long as it proves nothing, which from now on it cannot. Throws where strangers may not be here. */
  stranger(): HopPeer;
}

/** An incoming connection as metrics, logs and dashboards see it; the numbers are those of now. */
export interface HopView {
  /** Counts up from 1. */
  readonly id: number;
  /** Its address without the port, and the transport that it came by. */
  readonly source: string;
  readonly transport: string;
  /** A stranger until it is known. */
  readonly peer: HopPeer;
  /** Milliseconds of `performance.now()`. */
  readonly connectedAt: number;
  /** Streams that the peer has open, and those of them without an answer, of which some may wait for their turn. */
  readonly streams: number;
  readonly pendingOpens: number;
  /** Content forwarded from the peer, and to it. */
  readonly bytesFrom: number;
  readonly bytesTo: number;
  /** Forwarded and not yet taken by the next hop, both ways. */
  readonly bufferedBytes: number;
  /** Round trip measured by keepalives; 0 before there is one. */
  readonly rttMs: number;
}

/** A connection of a relay: one that a peer made, or one to a next hop. */
export type LinkView = Pick<Connection, 'remote' | 'closed' | 'stats' | 'onRoundTrip'>;

/** How a stream ended: `refused` those that never reached a next hop, whoever gave up. */
export type StreamEnd = 'closed' | 'reset' | 'lost' | 'refused';

/** Why a shadow was given up: a record longer than is stored, no memory for it, a fault of its own. */
export type ShadowDrop = 'store-limit' | 'memory' | 'failed';

/** What happens at a relay. Called synchronously: quick, and without throwing. */
export interface RelayObserver {
  onConnect?(hop: HopView): void;
  /** A connection is there, `in` from a peer or `out` to a next hop, until it is closed. */
  onLink?(link: LinkView, direction: 'in' | 'out'): void;
  /** The peer has proved who it is. */
  onIdentify?(hop: HopView, handshakeMs: number): void;
  onDisconnect?(hop: HopView, error: Error | undefined): void;
  /** A connection, a stream or a room was refused: by a limit, the policy, or for what it asked. */
  onRefuse?(reason: RefusalReason, source: string): void;
  /** A stream reached its next hop, so long after it came. */
  onOpened?(hop: HopView, latencyMs: number): void;
  onStreamEnd?(hop: HopView, end: StreamEnd): void;
  /** In shadow: a direction of a stream has ended, and this is whether both ways of forwarding delivered the same. */
  onShadow?(isSame: boolean): void;
  /** In shadow: a direction goes on without being compared. */
  onShadowDropped?(reason: ShadowDrop): void;
  /** A room was opened, or is gone. */
  onRoom?(rooms: number): void;
}
