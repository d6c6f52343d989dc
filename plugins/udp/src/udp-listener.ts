import {
  formatAddress,
  ListenerGate,
  networkError,
  type Address,
  type Listener,
  type ListenOptions,
  type PacketSocket,
  type SocketAddress,
} from 'xfer/plugin';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { beginConnection } from './begin-connection.js';
import type { ConnectionDriver } from './connection-driver.js';
import { Endpoint } from './endpoint.js';
import { refusalCode } from './hello/hello-layout.js';
import { ListenerHello, type AcceptedDialer, type ProvenDialer } from './hello/listener-hello.js';
import { muxOver } from './mux-over.js';
import { forSocket, parametersOf, tuned, type Tuned, type UdpContext } from './udp-context.js';
import { UdpLink } from './udp-link.js';

/** Rejects with an XferError, as the contract says. */
export async function listenUdp(at: Address, listen: ListenOptions, context: UdpContext): Promise<Listener> {
  try {
    const host = isIP(at.host.split('%')[0] ?? '') === 0 ? (await lookup(at.host)).address : at.host;
    const how = tuned(context, listen.tuning, isIPv6(host) ? 6 : 4);
    const socket = await context.socket(host, at.port);
    return new UdpListener(at, listen, context, forSocket(how, socket.features), socket);
  } catch (error) {
    throw networkError(error, formatAddress(at));
  }
}

/** One socket for all who dial it. */
class UdpListener implements Listener {
  readonly address: Address;
  readonly #listen: ListenOptions;
  readonly #context: UdpContext;
  readonly #tuned: Tuned;
  readonly #gate: ListenerGate;
  readonly #endpoint: Endpoint;
  readonly #hello: ListenerHello;
  readonly #links = new Set<UdpLink>();
  #isClosed = false;

  constructor(at: Address, listen: ListenOptions, context: UdpContext, how: Tuned, socket: PacketSocket) {
    this.address = { ...at, port: socket.address.port };
    this.#listen = listen;
    this.#context = context;
    this.#tuned = how;
    this.#gate = new ListenerGate(listen);
    this.#endpoint = new Endpoint(socket, {
      handleStray: (from, bytes) => this.#handleStray(from, bytes),
      // Who dials is at its address; what ICMP says of it may be anybody's word.
      handleUnreachable: () => undefined,
      handleError: (error) => {
        for (const link of this.#links) link.fail(networkError(error, formatAddress(this.address)));
      },
    });
    this.#hello = new ListenerHello({
      config: how.config,
      crypto: context.crypto,
      parameters: parametersOf(how.config, socket.features),
      now: performance.now(),
    });
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#endpoint.closeWhenIdle();
    return Promise.resolve();
  }

  #handleStray(from: SocketAddress, bytes: Uint8Array): void {
    const now = performance.now();
    const outcome = this.#hello.handleDatagram(now, from, bytes);
    if (outcome?.kind === 'answer') this.#endpoint.socket.sendStray(from, outcome.bytes);
    else if (outcome) this.#handleDialer(now, outcome.dialer);
  }

  #handleDialer(now: number, dialer: ProvenDialer): void {
    const refuse = (code: number): void => {
      this.#endpoint.socket.sendStray(dialer.from, this.#hello.refuse(dialer, code));
    };
    if (this.#isClosed) return refuse(refusalCode.closing);
    const place = this.#gate.enter(dialer.from.host);
    if (!place) return refuse(refusalCode.limit);
    const accepted = this.#hello.accept(now, dialer);
    if (!accepted) return place.leave();
    const { scheme } = this.address;
    const { host, port } = dialer.from;
    const remote = { scheme, host, port };
    const link = new UdpLink(formatAddress(remote));
    const connection = muxOver(
      {
        link,
        role: 'listener',
        local: this.address,
        remote,
        limits: this.#listen.limits,
      },
      this.#context.options,
    );
    this.#links.add(link);
    void connection.closed.then(() => {
      this.#links.delete(link);
      place.leave();
    });
    let driver;
    try {
      driver = this.#begin(link, accepted, dialer.from);
    } catch (error) {
      // Nobody has heard of it yet.
      return connection.abort(networkError(error, formatAddress(connection.remote)));
    }
    this.#listen.onConnection(connection, place.admission);
    const { control } = accepted;
    if (control.length > 0) driver.guard(() => link.handleControl(control));
  }

  /** Before anybody hears of it, so that who closes the listener at once keeps the connection. */
  #begin(
    link: UdpLink,
    { bytes, keys, peer, control }: AcceptedDialer,
    remote: SocketAddress,
  ): ConnectionDriver {
    this.#endpoint.socket.sendStray(remote, bytes);
    return beginConnection(this.#endpoint, link, this.#tuned, {
      ...{ keys, remote, peer },
      rttMs: 0,
      controlSentBytes: 0,
      controlReceivedBytes: control.length,
    });
  }
}
