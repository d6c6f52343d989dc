import {
  networkError,
  XferError,
  type Address,
  type Connection,
  type ConnectionLimits,
  type MuxConnection,
  type PacketSocket,
  type SocketAddress,
} from 'xfer/plugin';
import { beginConnection } from './begin-connection.js';
import { Endpoint } from './endpoint.js';
import {
  DialerHello,
  type ConnectedHello,
  type DialerOutcome,
  type FailedHello,
} from './hello/dialer-hello.js';
import { refusalCode } from './hello/hello-layout.js';
import { muxOver } from './mux-over.js';
import { parametersOf, type Tuned, type UdpContext } from './udp-context.js';
import { UdpLink } from './udp-link.js';

export interface DialAttemptOptions {
  readonly socket: PacketSocket;
  readonly tuned: Tuned;
  readonly context: UdpContext;
  readonly limits: ConnectionLimits | undefined;
  /** The other side, for messages. */
  readonly name: string;
  readonly local: Address;
  readonly remote: Address;
  /** One of them is called, once. */
  readonly outcome: { connected(connection: Connection): void; failed(error: Error): void };
}

/** The hellos with one address, and the connection that they become, which the socket is for. */
export class DialAttempt {
  readonly #options: DialAttemptOptions;
  readonly #endpoint: Endpoint;
  readonly #hello: DialerHello;
  readonly #link: UdpLink;
  readonly #connection: MuxConnection;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: DialAttemptOptions) {
    const { socket, tuned, context, limits, name, local, remote } = options;
    this.#options = options;
    this.#endpoint = new Endpoint(socket, {
      handleStray: (from, bytes) => this.#handleStray(from, bytes),
      handleUnreachable: (to, code) => this.#handleUnreachable(to, code),
      handleError: (error) => this.#handleError(error),
    });
    this.#link = new UdpLink(name);
    // It is there before the hellos are over, so that its own first words go with them.
    this.#connection = muxOver({ link: this.#link, role: 'dialer', local, remote, limits }, context.options);
    this.#hello = new DialerHello({
      config: tuned.config,
      crypto: context.crypto,
      parameters: parametersOf(tuned.config, socket.features),
      pullControl: (maxBytes) => this.#link.pullControl(maxBytes),
    });
  }

  begin(): void {
    // A limit of mux's own, say: who dialled would get a connection that is over.
    void this.#connection.closed.then(({ error }) => this.fail(error ?? this.#unreachable('ECONNABORTED')));
    this.#go();
  }

  fail(error: Error): void {
    if (this.#end()) this.#giveUp(error);
  }

  #giveUp(error: Error): void {
    this.#connection.abort(error);
    this.#endpoint.closeWhenIdle();
    this.#options.outcome.failed(error);
  }

  /** Sends what is due, and waits for what is next. */
  #go(): void {
    try {
      if (this.#sendDue()) return;
    } catch (error) {
      // An address with a zone that this machine does not have, say.
      return this.fail(networkError(error, this.#options.name));
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#go(), Math.max(0, this.#hello.nextTimeout - performance.now()));
  }

  /** Whether the hellos are over. */
  #sendDue(): boolean {
    const { socket, remote } = this.#options;
    for (;;) {
      const now = performance.now();
      if (this.#settle(this.#hello.handleTimeout(now))) return true;
      const datagram = this.#hello.poll(now);
      if (!datagram) return false;
      socket.sendStray(remote, datagram);
    }
  }

  #handleStray(from: SocketAddress, bytes: Uint8Array): void {
    if (this.#isOver || !this.#isRemote(from)) return;
    if (!this.#settle(this.#hello.handleDatagram(performance.now(), bytes))) this.#go();
  }

  /** Whether the hellos are over. */
  #settle(outcome: DialerOutcome | undefined): boolean {
    if (outcome?.kind === 'connected') this.#connected(outcome);
    else if (outcome?.kind === 'unreachable') this.fail(this.#unreachable(outcome.code));
    else if (outcome) this.fail(errorOf(outcome, this.#options.name));
    return outcome !== undefined;
  }

  #connected({ keys, peer, rttMs, controlSentBytes, controlRest }: ConnectedHello): void {
    if (!this.#end()) return;
    const { remote, tuned, name, outcome } = this.#options;
    this.#link.putBack(controlRest);
    try {
      beginConnection(this.#endpoint, this.#link, tuned, {
        ...{ keys, remote, peer, rttMs, controlSentBytes },
        controlReceivedBytes: 0,
      });
    } catch (error) {
      return this.#giveUp(networkError(error, name));
    }
    void this.#connection.closed.then(() => this.#endpoint.closeWhenIdle());
    outcome.connected(this.#connection);
  }

  /** Only before the hellos are over: later such a message may be anybody's. */
  #handleUnreachable(to: SocketAddress, code: string): void {
    if (this.#isOver || !this.#isRemote(to)) return;
    this.#hello.handleUnreachable(performance.now(), code);
    this.#go();
  }

  #unreachable(code: string): XferError {
    return networkError(Object.assign(new Error(code), { code }), this.#options.name);
  }

  #isRemote({ host, port }: SocketAddress): boolean {
    const { remote } = this.#options;
    return host === remote.host && port === remote.port;
  }

  #handleError(error: Error): void {
    const { name } = this.#options;
    if (this.#isOver) this.#link.fail(networkError(error, name));
    else this.fail(networkError(error, name));
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    return true;
  }
}

function errorOf(failure: Exclude<FailedHello, { kind: 'unreachable' }>, name: string): XferError {
  if (failure.kind === 'versions')
    return new XferError('ERR_XFER_VERSION', `${name}: no common version of the UDP protocol`);
  const why = failure.code === refusalCode.closing ? 'takes no new connections any more' : 'is at a limit';
  return new XferError('ERR_XFER_LIMIT', `${name}: the other side ${why}`);
}
