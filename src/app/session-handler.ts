import type { WatchedFile } from '../native/api.js';
import type { Session } from '../session/session.js';
import type { Connection } from '../transport/contract.js';
import type { LaneConnections } from './lane-connections.js';

/** Under which name a key is pinned, and the file that says so. */
export interface Pinned {
  readonly name: string;
  readonly watched: WatchedFile;
}

/** A session that somebody has begun with this side. */
export interface AcceptedSession {
  readonly session: Session;
  readonly lanes: LaneConnections;
  /** That of the first lane. */
  readonly connection: Connection;
  /** Whether a code joined the two. */
  readonly paired: boolean;
  /** False where the peer was let in by `mayResume` alone. */
  readonly isTrusted: boolean;
  /** Whether what follows without a code would be welcome: the key is or will be pinned, and no code is always asked for. */
  readonly mayGoOn: boolean;
  /** Aborts when the listener ends. */
  readonly signal: AbortSignal;
  /** Whether the key is pinned now, under a name that is allowed. */
  isKnown(): Promise<boolean>;
  /** The same as it was read last, for as long as the file that says so is what it was; undefined where it is not known. */
  pinned(): Pinned | undefined;
}

/** What becomes of the sessions of a listener: whatever it is that they carry. */
export interface SessionHandler<Result> {
  /** Settles, and never rejects, when it is known who may come without a code. */
  readonly ready: Promise<void>;
  /** Whether anybody may come without a code although he is not pinned, to go on with what he had begun; and whether this one. */
  readonly hasResumable: boolean;
  mayResume(peer: Uint8Array): boolean;
  /** Whether all sessions have lost their connections, and this peer is the one who had them. */
  isReplacing(peer: Uint8Array): boolean;
  /** Sessions that carry nothing now. */
  readonly idleCount: number;
  /** Told in HELLO. */
  capabilities(mayGoOn: boolean): readonly string[];
  /**
   * Called in the turn in which the session was made. Settles when it is over: with what came of it, or undefined where
   * another session took its place.
   */
  serve(accepted: AcceptedSession): Promise<Result | undefined>;
}
