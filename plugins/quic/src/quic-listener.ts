import {
  formatAddress,
  ListenerGate,
  udpApi,
  type Address,
  type Listener,
  type ListenOptions,
} from 'xfer/plugin';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { QuicConnection, QuicServer } from './binding.js';
import { bindingError } from './binding-error.js';
import { checkTuning } from './config.js';
import { connectionOver } from './quic-connection.js';
import type { QuicContext } from './quic-context.js';
import { remoteOf } from './remote-address.js';
import { ServerKeeper } from './server-keeper.js';

/** Rejects with an XferError, as the contract says. */
export async function listenQuic(
  at: Address,
  listen: ListenOptions,
  context: QuicContext,
): Promise<Listener> {
  checkTuning(listen.tuning);
  try {
    const udp = await udpApi();
    const host = isIP(at.host) === 0 ? (await lookup(at.host)).address : at.host;
    const servers = await openServers(host, at.port, context);
    const listener = new QuicListener(at, listen, context, servers);
    // The binding leaves those of a server as they are: too small for a burst on a fast link.
    udp.widenBuffers(listener.address.port, context.config.listenerBufferBytes);
    return listener;
  } catch (error) {
    throw bindingError(error, formatAddress(at));
  }
}

/** Ports that are tried until one is free for both families. */
const mostPortTries = 8;

/** quinn's IPv6 sockets take no IPv4: every address needs two of one port. */
async function openServers(
  host: string,
  port: number,
  { binding, quinn }: QuicContext,
): Promise<readonly QuicServer[]> {
  for (let tries = mostPortTries; ; tries--) {
    const first = new binding.Server(quinn, host, port);
    if (host !== '::') return [first];
    try {
      return [first, new binding.Server(quinn, '0.0.0.0', first.port())];
    } catch (thrown) {
      await first.abort();
      const error = bindingError(thrown, formatAddress({ scheme: 'quic', host, port }));
      if (port !== 0 || error.code !== 'ERR_XFER_ADDRESS_IN_USE' || tries === 1) throw error;
    }
  }
}

/** One or two sockets for all who dial it. */
class QuicListener implements Listener {
  readonly address: Address;
  readonly #listen: ListenOptions;
  readonly #context: QuicContext;
  readonly #gate: ListenerGate;
  readonly #keepers: readonly ServerKeeper[];
  #isClosed = false;

  constructor(at: Address, listen: ListenOptions, context: QuicContext, servers: readonly QuicServer[]) {
    this.address = { ...at, port: servers[0]?.port() ?? at.port };
    this.#listen = listen;
    this.#context = context;
    this.#gate = new ListenerGate(listen);
    this.#keepers = servers.map(
      (server) => new ServerKeeper(server, context.config, (quic) => this.#handleConnection(quic)),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#keepers.map((keeper) => keeper.close()));
  }

  /** Right after its handshake, which is the first that the binding tells of it. Resolves when it is over. */
  #handleConnection(quic: QuicConnection): Promise<void> {
    const from = remoteOf(quic.remoteMultiaddr());
    const place = this.#isClosed ? undefined : this.#gate.enter(from.host);
    if (!place) {
      quic.abort();
      return Promise.resolve();
    }
    const { connection, begin } = connectionOver(
      {
        ...{ quic, role: 'listener', limits: this.#listen.limits },
        local: this.address,
        remote: { scheme: this.address.scheme, ...from },
      },
      this.#context,
    );
    void connection.closed.then(() => place.leave());
    this.#listen.onConnection(connection, place.admission);
    return begin();
  }
}
