import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import { udpDefaults } from '../config/index.js';
import type {
  BatchCounters,
  BatchSocketFeatures,
  BatchSocketOptions,
  Datagram,
  SocketAddress,
} from './udp-api.js';
import { requireAddress, requireOptions, requireSegmentBytes } from './udp-arguments.js';
import { requireBytes } from './arguments.js';
import { canonicalHost, systemHost } from './canonical-host.js';
import { countersOf } from './udp-counters.js';

/** As many messages as the addon reads at once. */
const maxMessages = 64;
const slotBytes = 65_536;
/** More waits in libuv only where the kernel's queue is full: then the twin says so, too. */
const maxQueuedBytes = 2 ** 20;
const fatal = new Set(['EBADF', 'ENOTSOCK', 'EFAULT', 'EPIPE']);

export interface TwinMessage {
  readonly at: number;
  readonly bytes: number;
  readonly from: SocketAddress;
}

/** What both sockets of the twin do. Datagrams are copied into a slab as they come and handed over at the turn's end. */
export abstract class TwinSocket {
  readonly address: SocketAddress;
  readonly features: BatchSocketFeatures;
  protected readonly tally = countersOf();
  protected readonly slab = Buffer.allocUnsafeSlow(maxMessages * slotBytes);
  /** What handlers see, as the addon's: `slice` of a Buffer would be no copy. */
  protected readonly plainSlab = new Uint8Array(this.slab.buffer);
  readonly #socket: Socket;
  readonly #isV6: boolean;
  readonly #most: number;
  readonly #deadlineMs: number;
  #messages: TwinMessage[] = [];
  /** As the system wrote it, and as we do: most datagrams come from where the one before them came from. */
  #latestFrom = { address: '', host: '' };
  #isWaiting = false;
  #began = 0;
  protected wasFull = false;
  #isClosed = false;
  #error: ((error: NodeJS.ErrnoException) => void) | undefined;
  protected writable: (() => void) | undefined;

  constructor(socket: Socket, options: BatchSocketOptions) {
    this.#socket = socket;
    this.#isV6 = isIPv6(options.host);
    this.#most = options.coalesce?.messages ?? maxMessages;
    this.#deadlineMs = options.coalesce?.deadlineMs ?? 0;
    const { address, port } = socket.address();
    this.address = { host: canonicalHost(address) ?? address, port };
    this.features = {
      ...{ kind: 'typescript', gso: false, gro: false, ecn: false },
      receiveBufferBytes: socket.getRecvBufferSize(),
      sendBufferBytes: socket.getSendBufferSize(),
    };
    socket.on('error', (error) => this.#broken(error));
  }

  get counters(): BatchCounters {
    return { ...this.tally };
  }

  send(datagrams: readonly Datagram[]): number {
    for (const { to, bytes, segmentBytes } of datagrams) {
      if (segmentBytes !== undefined) requireSegmentBytes(segmentBytes);
      requireAddress(to);
      for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) requireBytes(piece, 'bytes');
    }
    return this.batch(
      datagrams.map(({ to, bytes, segmentBytes }) => () => {
        const whole = bytes instanceof Uint8Array ? Buffer.from(bytes) : Buffer.concat(bytes);
        const size = segmentBytes ?? whole.length;
        let went = true;
        for (let at = 0; at < Math.max(whole.length, 1) && !this.#isClosed; at += size || 1)
          went = this.sendOne(to, whole.subarray(at, at + size)) && went;
        return went;
      }),
    );
  }

  sendToMany(payload: Uint8Array, targets: readonly SocketAddress[]): number {
    requireBytes(payload, 'payload');
    targets.forEach(requireAddress);
    const bytes = Buffer.from(payload);
    return this.batch(targets.map((to) => () => this.sendOne(to, bytes)));
  }

  onError(handler: (error: NodeJS.ErrnoException) => void): void {
    this.#error = handler;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#messages = [];
    this.#socket.close();
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many of them went. */
  protected batch(sends: readonly (() => boolean)[]): number {
    if (this.#isClosed) return 0;
    if (sends.length > 0) this.tally.batchesSent++;
    return sends.reduce((went, send) => went + (send() ? 1 : 0), 0);
  }

  /** The bytes are the socket's from now on. That the kernel refused them is known, and counted, a little later. */
  protected sendOne(to: SocketAddress | undefined, bytes: Uint8Array): boolean {
    if (this.#socket.getSendQueueSize() > maxQueuedBytes) {
      this.tally.packetsDropped++;
      this.wasFull = true;
      return false;
    }
    const host = to === undefined ? undefined : this.#named(to.host);
    if (to === undefined || host === undefined || to.port === 0) {
      this.tally.packetsFailed++;
      return false;
    }
    this.#socket.send(bytes, to.port, host, (error) => {
      this.#sent(error, bytes.length);
    });
    return true;
  }

  /** Called for each batch; what it is given lives until it returns. */
  protected abstract deliver(messages: readonly TwinMessage[]): void;

  protected start(): void {
    this.#socket.on('message', (bytes, from) => this.#received(bytes, from));
  }

  #sent(error: NodeJS.ErrnoException | null, bytes: number): void {
    if (error === null) {
      this.tally.packetsSent++;
      this.tally.bytesSent += bytes;
    } else {
      this.tally.packetsFailed++;
      if (fatal.has(error.code ?? '')) this.#broken(error);
    }
    if (!this.wasFull || this.#isClosed || this.#socket.getSendQueueSize() > maxQueuedBytes / 2) return;
    this.wasFull = false;
    this.writable?.();
  }

  #received(bytes: Buffer, { address, port }: RemoteInfo): void {
    this.tally.packetsReceived++;
    this.tally.bytesReceived += bytes.length;
    // A slot for each, as the addon has: what goes on in the next has room to be joined.
    const at = this.#messages.length * slotBytes;
    this.slab.set(bytes, at);
    if (address !== this.#latestFrom.address)
      this.#latestFrom = { address, host: canonicalHost(address) ?? address };
    this.#messages.push({ at, bytes: bytes.length, from: { host: this.#latestFrom.host, port } });
    if (this.#messages.length >= this.#most) {
      this.#handOver();
    } else if (!this.#isWaiting) {
      this.#isWaiting = true;
      this.#began = performance.now();
      this.#wait();
    }
  }

  /** Timers know whole milliseconds: less than one is waited for by turns of the loop, neither rounded to 0 nor to 1. */
  #wait(): void {
    const leftMs = this.#deadlineMs - (performance.now() - this.#began);
    const wake = (): void => {
      if (performance.now() - this.#began < this.#deadlineMs && this.#messages.length > 0) {
        this.#wait();
        return;
      }
      this.#isWaiting = false;
      this.#handOver();
    };
    if (leftMs > 1) setTimeout(wake, Math.floor(leftMs));
    else setImmediate(wake);
  }

  #handOver(): void {
    const messages = this.#messages;
    this.#messages = [];
    if (messages.length === 0 || this.#isClosed) return;
    this.tally.batchesReceived++;
    if (messages.length >= this.#most) this.tally.fullBatches++;
    this.deliver(messages);
  }

  #named(host: string): string | undefined {
    if (isIPv4(host)) return this.#isV6 ? `::ffff:${host}` : host;
    if (this.#isV6) return systemHost(host);
    const mapped = canonicalHost(host);
    return mapped !== undefined && isIPv4(mapped) ? mapped : undefined;
  }

  #broken(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return;
    this.close();
    process.nextTick(() => this.#error?.(error));
  }
}

/** Bound by then. Rejects with the system's error. */
export async function boundSocket(options: BatchSocketOptions): Promise<Socket> {
  requireOptions(options);
  const { host, port, socketBufferBytes = udpDefaults.socketBufferBytes } = options;
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // Hosts are addresses: nothing is looked up, so what is sent goes at once.
    lookup: (address, _options, done) => done(null, address, family),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.removeAllListeners('error');
  if (socketBufferBytes > 0) {
    orAsItIs(() => socket.setRecvBufferSize(socketBufferBytes));
    orAsItIs(() => socket.setSendBufferSize(socketBufferBytes));
  }
  return socket;
}

/** Where the system refuses the size the socket keeps what it has, and `features` tells it. */
function orAsItIs(setBuffer: () => void): void {
  try {
    setBuffer();
  } catch {
    return;
  }
}
