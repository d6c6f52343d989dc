import type { Retain } from '../transport/contract.js';
import { HeldBytes } from './held-bytes.js';
import { SendQueue } from './send-queue.js';
import type { ReceiveWindow } from './window.js';

export type StreamState = 'OPENING' | 'OPEN' | 'HALF_CLOSED_LOCAL' | 'HALF_CLOSED_REMOTE' | 'CLOSED';

/** What the core tells about a stream, called from within the core's methods. */
export interface StreamEvents {
  handleOpened(answer: Uint8Array): void;
  handleRefused(code: number, detail: Uint8Array): void;
  /** The bytes live until the call returns, or are kept by `retain`. Only while the stream is read. */
  handleData(bytes: Uint8Array, retain?: Retain): void;
  /** Where the next content may be put, see Stream.onData. */
  place(): Uint8Array | undefined;
  handleEnd(): void;
  handleReset(code: number, detail: Uint8Array, isConnectionOver: boolean): void;
  /** Nothing follows. */
  handleClosed(): void;
  handleStop(code: number): void;
  handleDrained(): void;
}

export const noDetail: Uint8Array = new Uint8Array(0);

/**
 * One stream of the core: `queued` (ours, OPEN not sent), `opening` (ours, no answer yet), `pending` (theirs, not
 * accepted yet), `open`, `closed`. The two directions end each for itself.
 */
export class CoreStream {
  readonly id: number;
  readonly ours: boolean;
  readonly priority: number;
  readonly header: Uint8Array;
  phase: 'queued' | 'opening' | 'pending' | 'open' | 'closed';
  events: StreamEvents | undefined;
  /** When an OPEN without an answer fails. */
  openDeadline = Infinity;
  /** Receive window granted at the start, taken from the budget. */
  firstWindowBytes = 0;

  // Sending.
  readonly queue = new SendQueue();
  /** What the other side lets us send in all. */
  sendLimit = 0;
  sent = 0;
  full = false;
  finWanted = false;
  finSent = false;
  /** The other side has read all of ours (FIN_READ). */
  finRead = false;
  scheduled = false;

  // Receiving.
  /** What the other side said beside its answer or reset, which is next. */
  detail = noDetail;
  window: ReceiveWindow | undefined;
  readonly held = new HeldBytes();
  reading = false;
  paused = false;
  stopped = false;
  /** Reading gives no credit. */
  creditHeld = false;
  /** STOP that waits for the OPEN to go out first. */
  stopCode: number | undefined;
  finReceived = false;
  /** FIN was given to the reader, or discarded after a STOP. */
  readEnded = false;
  finReadDue = false;

  constructor(id: number, ours: boolean, priority: number, header: Uint8Array) {
    this.id = id;
    this.ours = ours;
    this.priority = priority;
    this.header = header;
    this.phase = ours ? 'queued' : 'pending';
  }

  get state(): StreamState {
    if (this.phase === 'closed' || (this.finSent && this.readEnded)) return 'CLOSED';
    if (this.phase !== 'open') return 'OPENING';
    if (this.finSent) return 'HALF_CLOSED_LOCAL';
    return this.finReceived ? 'HALF_CLOSED_REMOTE' : 'OPEN';
  }

  get credit(): number {
    return this.sendLimit - this.sent;
  }

  get canSend(): boolean {
    return this.phase !== 'closed' && !this.finSent && !this.finWanted;
  }

  /** Whether a frame can go now, limits before OPEN_ACK apart. */
  get sendable(): boolean {
    if (this.finSent || (this.phase !== 'open' && this.phase !== 'opening')) return false;
    return this.queue.bytes > 0 ? this.credit > 0 : this.finWanted;
  }
}
