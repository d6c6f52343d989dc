import { runField, type PacketSocket } from 'xfer/plugin';
import type {
  ConnectionCoreApi,
  ControlToSend,
  ReceivedControl,
  ReceivedRun,
  RunToSend,
} from './core/contract.js';

/** Runs of one system call, and bytes of content that are enough for one. */
const runsAtOnce = 16;
const bytesAtOnce = 2 ** 20;
/** System calls in a row before the loop does something else. */
const mostCalls = 4;

export interface DriverUser {
  /** Something threw: the connection has to end, and is dropped if that throws too. */
  handleThrown(thrown: unknown): void;
}

/**
 * Joins one connection core to the socket and to the clock. What throws while it is at work, the core, the layer above or
 * the socket, ends this connection and nothing else.
 */
export class ConnectionDriver {
  readonly core: ConnectionCoreApi;
  /** The socket's number of the connection. */
  readonly connection: number;
  /** It got something of the batch at work. */
  touched = false;
  readonly #socket: PacketSocket;
  /** Made with the first run: most connections of a listener with many are idle. */
  #fields: Float64Array | undefined;
  readonly #user: DriverUser;
  readonly #onIdle: () => void;
  #pieces: Uint8Array[] = [];
  #runs = 0;
  #runBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #wakeWanted = false;
  #blocked = false;
  #over = false;
  #hasThrown = false;

  /** `onIdle`: nothing is left to do, now or later. */
  constructor(
    core: ConnectionCoreApi,
    socket: PacketSocket,
    connection: number,
    user: DriverUser,
    onIdle: () => void,
  ) {
    this.core = core;
    this.#socket = socket;
    this.connection = connection;
    this.#user = user;
    this.#onIdle = onIdle;
  }

  handleRun(now: number, run: ReceivedRun): void {
    this.guard(() => this.core.handleRun(now, run));
  }

  handlePacket(now: number, packet: ReceivedControl): void {
    this.guard(() => this.core.handlePacket(now, packet));
  }

  handleBatchEnd(now: number): void {
    this.guard(() => this.core.handleBatchEnd(now));
    this.flush();
  }

  /** Does something for the connection. */
  guard(work: () => void): void {
    if (this.#over) return;
    try {
      work();
    } catch (thrown) {
      this.#handleThrown(thrown);
    }
  }

  /** The socket keeps it, whatever comes from elsewhere. */
  usePath(path: number): void {
    this.#socket.usePath(this.connection, path);
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
    this.guard(() => this.#send());
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #send(): void {
    for (let calls = 0; !this.#blocked; calls++) {
      if (calls === mostCalls) return void setImmediate(() => this.flush());
      if (!this.#sendSome()) break;
    }
    this.#arm();
  }

  /** Once it is told to end; what throws then would throw again. */
  #handleThrown(thrown: unknown): void {
    this.#dropRuns();
    if (this.#hasThrown) return this.#onIdle();
    this.#hasThrown = true;
    this.guard(() => this.#user.handleThrown(thrown));
    this.wake();
  }

  /** As much as goes in one call; false where the core has nothing more to give now. */
  #sendSome(): boolean {
    const now = performance.now();
    while (this.#runs < runsAtOnce && this.#runBytes < bytesAtOnce) {
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
    const fields = (this.#fields ??= new Float64Array(runsAtOnce * runField.size));
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
    this.#runBytes += run.bytes;
  }

  /** What a full queue does not take is lost like a packet on the way. */
  #sendRuns(): void {
    if (this.#runs === 0 || !this.#fields) return;
    const sent = this.#socket.sendRuns(this.#runs, this.#fields, this.#pieces);
    if (sent < this.#runs) this.#blocked = this.#socket.isFull;
    this.#dropRuns();
  }

  #dropRuns(): void {
    this.#runs = this.#runBytes = 0;
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
    this.guard(() => {
      const now = performance.now();
      if (now >= this.core.nextTimeout) this.core.handleTimeout(now);
    });
    this.flush();
  }
}
