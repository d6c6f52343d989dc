import type { ConnectionStats } from '../transport/contract.js';
import type { MuxFault } from './frame.js';

/** How the core of a connection is joined to its link: what differs from one kind of link to the other. */
export interface LinkPort {
  /** Sends what there is, as far as the link takes it. */
  flush(): void;
  /** Nothing is under way that the end must wait for. */
  readonly settled: boolean;
  /** An OPEN came in, and whoever takes its stream is there. */
  opened(id: number): void;
  /** The stream is gone on this side. */
  forget(id: number): void;
  /** Ends our direction behind all that was said; nothing is flushed any more. */
  close(): void;
  /** Ends both directions at once. */
  abort(): void;
  stats(): PortStats;
}

/** What the link measures, or mux on it. */
export type PortStats = Omit<ConnectionStats, 'bytesSent' | 'bytesReceived' | 'streams' | 'frames'>;

/** Whom a port tells about its link. */
export interface PortUser {
  /** Something came in, and this is wrong with it. */
  handleHeard(fault: MuxFault | undefined): void;
  /** The link takes more again. */
  handleWritable(): void;
  /** There may be something to send, or the link may have settled. */
  wantFlush(): void;
  handleEnd(): void;
  handleError(error: Error): void;
}
