import { runField, type PacketSocket } from 'xfer/plugin';
import type { ConnectionCoreApi, ControlToSend, RunToSend } from './core/contract.js';

/** Runs of one system call. */
const runsAtOnce = 16;
/** System calls in a row before the loop does something else. */
const mostCalls = 4;

/** Joins one connection core to the socket and to the clock. */
export class ConnectionDriver {
  readonly core: ConnectionCoreApi;
  /** The socket's number of the connection. */
  readonly connection: number;
  /** It got something of the batch at work. */
  touched = false;
  readonly #socket: PacketSocket;
  readonly #fields = new Float64Array(runsAtOnce * runField.size);
  readonly #onIdle: () => void;
  #pieces: Uint8Array[] = [];
  #runs = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #wakeWanted = false;
  #blocked = false;
  #over = false;

  /** `onIdle`: nothing is left to do, now or later. */
  constructor(core: ConnectionCoreApi, socket: PacketSocket, connection: number, onIdle: () => void) {
    this.core = core;
    this.#socket = socket;
    this.connection = connection;
    this.#onIdle = onIdle;
  }

  /** Polls soon, once for all that one turn of the caller's code does. */
  wake(): void {
    if (this.#wakeWanted || this.#over) return;
    this.#wakeWanted = true;
    queueMicrotask(() => {
      if (this.#wakeWanted) this.flush();
    });
  }

  /** The socket's queue has room again. */
  unblock(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.flush();
  }

  /** Sends what the core gives. */
  flush(): void {
    this.#wakeWanted = false;
    if (this.#over) return;
    for (let calls = 0; !this.#blocked; calls++) {
      if (calls === mostCalls) return void setImmediate(() => this.flush());
      if (!this.#sendSome()) break;
    }
    this.#arm();
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** As much as goes in one call; false where the core has nothing more to give now. */
  #sendSome(): boolean {
    const now = performance.now();
    while (this.#runs < runsAtOnce) {
      const next = this.core.poll(now);
      if (!next) {
        this.#sendRuns();
        return false;
      }
      if (next.kind === 'run') this.#add(next);
      else this.#sendControl(next);
    }
    this.#sendRuns();
    return true;
  }

  #add(run: RunToSend): void {
    const fields = this.#fields;
    const at = this.#runs++ * runField.size;
    fields[at + runField.connection] = this.connection;
    fields[at + runField.path] = run.path;
    fields[at + runField.number] = run.number;
    fields[at + runField.packets] = run.packets;
    fields[at + runField.stream] = run.streamId;
    fields[at + runField.offset] = run.offset;
    fields[at + runField.fin] = run.fin ? 1 : 0;
    fields[at + runField.packetBytes] = run.packetBytes;
    fields[at + runField.bytes] = run.bytes;
    fields[at + runField.pieces] = run.chunks.length;
    for (const chunk of run.chunks) this.#pieces.push(chunk);
  }

  /** What a full queue does not take is lost like a packet on the way. */
  #sendRuns(): void {
    if (this.#runs === 0) return;
    const sent = this.#socket.sendRuns(this.#runs, this.#fields, this.#pieces);
    if (sent < this.#runs) this.#blocked = this.#socket.isFull;
    this.#runs = 0;
    this.#pieces = [];
  }

  #sendControl({ path, number, frames, datagramBytes }: ControlToSend): void {
    const isSent = this.#socket.sendControl(this.connection, path, number, frames, datagramBytes);
    if (!isSent) this.#blocked = this.#socket.isFull;
  }

  /** One timer, set anew only where it must ring earlier: later is found out when it rings. */
  #arm(): void {
    const next = this.core.nextTimeout;
    if (next === Infinity) return this.#onIdle();
    if (next >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => this.#handleTimer(), Math.max(0, next - performance.now()));
  }

  #handleTimer(): void {
    this.#timerAt = Infinity;
    const now = performance.now();
    if (now >= this.core.nextTimeout) this.core.handleTimeout(now);
    this.flush();
  }
}
