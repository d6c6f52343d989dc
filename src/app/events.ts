import type { Bottleneck } from '../transfer/bottleneck.js';

/** What happens, for views and for `--json` (one object a line). */
export type XferEvent =
  | ListeningEvent
  | ConnectedEvent
  | ProgressEvent
  | LaneEvent
  | NoteEvent
  | ExplainEvent
  | PhaseEvent
  | DoneEvent
  | ErrorEvent;

/** Where one goes to several targets, the one that it is about. */
interface OfTarget {
  readonly target?: string;
}

export interface ListeningEvent {
  readonly event: 'listening';
  /** Whole URLs in the order of `--listen`, with real ports; `send` takes each as it is. */
  readonly addresses: readonly string[];
  /** Not there where the user chose the code: he knows it, and it is his secret. */
  readonly code?: string;
  /** Where it waits for others: the relays as `send --via` takes them, and the room at the last one. */
  readonly via?: readonly string[];
  readonly room?: string;
  /** Of a relay: its own key, as `xfer peers add` takes it, and the fingerprint of it. */
  readonly key?: string;
  readonly fingerprint?: string;
  /** Of a relay with `--metrics`: their URL. */
  readonly metrics?: string;
  /** It is the other end of benches, and takes nothing else. */
  readonly bench?: true;
}

export interface ConnectedEvent extends OfTarget {
  readonly event: 'connected';
  /** Its name where it is known, else the fingerprint of its key. */
  readonly peer: string;
  readonly known: boolean;
  readonly transport: string;
  readonly path: 'direct' | 'relayed';
  /** A relay on the way that does not pipe, but stores each record and forwards it then. */
  readonly storedBy?: string;
}

export interface ProgressEvent {
  readonly event: 'progress';
  /** Content that the receiver has, of `total` known so far. */
  readonly bytes: number;
  readonly total: number;
  /** Content handed to the network, copies included. */
  readonly sent: number;
  readonly files: number;
  /** Of pipes: what this side keeps now, to send it again or until it has gone where it goes, of at most so much. */
  readonly heldBytes?: number;
  readonly windowBytes?: number;
  /** Of who has dialled: those that are there, and the last of those that are gone. */
  readonly lanes?: readonly LaneProgress[];
}

/** What the connection of a lane has counted since it was opened. */
export interface LaneProgress {
  readonly lane: number;
  readonly transport: string;
  /** Both ways, heads included. */
  readonly bytes: number;
  readonly rttMs?: number;
  /** Datagrams that it has sent, and those of them that were lost, where the transport sees them. */
  readonly datagrams?: number;
  readonly lost?: number;
}

export interface LaneEvent extends OfTarget {
  readonly event: 'lane';
  readonly lane: number;
  readonly state: 'up' | 'down';
  readonly transport: string;
  /** The way that it takes, as a URL; not there where it leads over relays. */
  readonly address?: string;
  /** False where content goes unsealed on it (`--trust-fabric` on both sides, over a fabric); else not there. */
  readonly sealed?: false;
  /** What was measured of it, with the unit in each name: `bytesPerSecond`, `rttMs`, `minRttMs`, `openedMs`; `lost` is packets. */
  readonly numbers?: Readonly<Record<string, number>>;
}

/** Something that a person should know and that is no error: a peer remembered, a link left out. */
export interface NoteEvent extends OfTarget {
  readonly event: 'note';
  readonly message: string;
}

/** A decision about the ways to the other side, in words and with the numbers that it rests on. */
export interface Decision {
  /** What is done: `dial`, `open`, `win`, `fail` and `offer` of a start; whatever a selection decides later. */
  readonly decision: string;
  /** For people; says all that the rest says. */
  readonly message: string;
  /** The way that it is about, as a URL. */
  readonly address?: string;
  /** With the unit in each name: `rttMs`, `bytesPerSecond` … */
  readonly numbers?: Readonly<Record<string, number>>;
}

/** Only where it was asked for (`SendOptions.explain`). */
export interface ExplainEvent extends OfTarget, Decision {
  readonly event: 'explain';
}

/** Where a transfer is; for task lists. */
export interface PhaseEvent {
  readonly event: 'phase';
  readonly phase: 'connect' | 'pair' | 'transfer' | 'commit';
}

export interface DoneEvent extends OfTarget {
  readonly event: 'done';
  readonly role: 'send' | 'recv' | 'pipe';
  /** Of a pipe with several others: their names with commas between them; within this machine nobody's. */
  readonly peer: string;
  /** Of a pipe: sent and received together. */
  readonly bytes: number;
  /** Of a pipe that goes both ways. */
  readonly receivedBytes?: number;
  readonly files: number;
  /** From `connected` to the receiver's commit. */
  readonly seconds: number;
  /** That it could use, from first to last: those of a session's earlier transfers that were gone before do not count. */
  readonly lanes: number;
  /** The one that carried most; over relays that of the first hop. */
  readonly transport: string;
  /** Content that each carried, in bytes as they crossed: packed or compressed, and where it was tried again more than once. */
  readonly transports: Readonly<Record<string, number>>;
  readonly path: 'direct' | 'relayed';
  /** False where content of its session went unsealed; else not there. */
  readonly sealed?: false;
  /** What took the longest: reading or sealing at the sender, the network, opening or writing at the receiver, `--limit`. */
  readonly bottleneck: Bottleneck;
}

export interface ErrorEvent extends OfTarget {
  readonly event: 'error';
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exit: number;
}
