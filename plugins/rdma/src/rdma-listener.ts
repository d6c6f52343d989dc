import {
  formatAddress,
  lateSignal,
  ListenerGate,
  muxDefaults,
  networkError,
  type Address,
  type Listener,
  type ListenerPlace,
  type ListenOptions,
} from 'xfer/plugin';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { BootstrapChannel } from './bootstrap-channel.js';
import { answerHello, readyOf } from './bootstrap-listener.js';
import { EndpointPlaces } from './endpoint-places.js';
import { connectionOver } from './fabric-connection.js';
import { FabricLink } from './fabric-link.js';
import { openedWithin, openEndpoint, type OpenEndpoint } from './open-endpoint.js';
import { pinnedProvider } from './provider-choice.js';
import { ownFabrics, type OwnFabrics, type RdmaContext } from './rdma-context.js';

/** Rejects with an XferError, as the contract says. */
export async function listenRdma(
  at: Address,
  listen: ListenOptions,
  context: RdmaContext,
): Promise<Listener> {
  const own = await ownFabrics(context, pinnedProvider(at.scheme, listen.tuning));
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(networkError(error, formatAddress(at))));
    server.listen({ host: at.host, port: at.port }, resolve);
  });
  return new RdmaListener(
    { ...at, port: (server.address() as AddressInfo).port },
    server,
    listen,
    own,
    context,
  );
}

/** Exchanges addresses with each who dials, and opens an endpoint for each who is let in. */
class RdmaListener implements Listener {
  readonly address: Address;
  readonly #server: Server;
  readonly #listen: ListenOptions;
  readonly #own: OwnFabrics;
  readonly #context: RdmaContext;
  readonly #gate: ListenerGate;
  readonly #places: EndpointPlaces;
  readonly #closed = new AbortController();

  constructor(
    address: Address,
    server: Server,
    listen: ListenOptions,
    own: OwnFabrics,
    context: RdmaContext,
  ) {
    this.address = address;
    this.#server = server;
    this.#listen = listen;
    this.#own = own;
    this.#context = context;
    this.#gate = new ListenerGate(listen);
    this.#places = new EndpointPlaces(context.config);
    // Once it listens only single accepts can fail, for want of descriptors: the next one is tried anyway.
    server.on('error', () => undefined);
    server.on('connection', (socket) => this.#handleSocket(socket));
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#closed.abort(new Error('the listener is closed'));
    // The port is free at once; the server's own 'close' would wait for connections that stay.
    await new Promise((closed) => setImmediate(closed));
  }

  #handleSocket(socket: Socket): void {
    const host = socket.remoteAddress;
    const place = host === undefined ? undefined : this.#gate.enter(host);
    if (host === undefined || !place) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const remote = { scheme: this.address.scheme, host, port: socket.remotePort ?? 0 };
    const channel = new BootstrapChannel(socket, formatAddress(remote));
    this.#serve(channel, remote, place).catch(() => {
      // A stranger, a refusal that is said, or somebody who gave up: none of them is owed more.
      channel.close();
      place.leave();
    });
  }

  /** Until there is a connection, or rejects; all within the time that a hello may take. */
  async #serve(channel: BootstrapChannel, remote: Address, place: ListenerPlace): Promise<void> {
    const { options, config, api } = this.#context;
    const helloMs =
      options.mux?.helloTimeoutMs ?? this.#listen.limits?.helloTimeoutMs ?? muxDefaults.helloTimeoutMs;
    const until = performance.now() + helloMs;
    const signal = AbortSignal.any([this.#closed.signal, lateSignal(helloMs)]);
    const terms = {
      own: this.#own,
      limit: () => this.#places.limit(),
      open: (provider: OwnFabrics['providers'][number]) => {
        const opening = this.#places.open(() => openEndpoint(api, provider, channel.localHost, config));
        return openedWithin(signal, opening, (late) => this.#places.close(late));
      },
    };
    const { ours } = await answerHello(channel, terms, signal);
    const link = await this.#proven(channel, ours, formatAddress(remote), signal);
    this.#places.prove(ours.endpoint);
    const connection = connectionOver(
      {
        ...{ link, endpoint: ours.endpoint, role: 'listener', remote, limits: this.#listen.limits },
        local: { ...this.address, host: channel.localHost ?? this.address.host },
        helloTimeoutMs: Math.max(1, Math.ceil(until - performance.now())),
      },
      this.#context,
    );
    void connection.closed.then(() => {
      void this.#places.close(ours.endpoint);
      place.leave();
    });
    this.#listen.onConnection(connection, place.admission);
    link.begin();
  }

  /** The dialer has come over the fabric. Whatever else happens, the endpoint is closed. */
  async #proven(
    channel: BootstrapChannel,
    { endpoint, events }: OpenEndpoint,
    name: string,
    signal: AbortSignal,
  ): Promise<FabricLink> {
    const { config } = this.#context;
    // The dialer opens its own first, and should be the one who finds that nothing comes: it knows what else to try.
    const inTime = AbortSignal.any([signal, lateSignal(2 * config.fabricTimeoutMs)]);
    let link: FabricLink | undefined;
    try {
      const peer = await readyOf(channel, inTime);
      link = new FabricLink({ endpoint, events, channel, config, name });
      await link.prove(peer, inTime);
      return link;
    } catch (thrown) {
      link?.abort();
      await this.#places.close(endpoint);
      throw thrown;
    }
  }
}
