import type { AddressInfo } from 'node:net';
import { isXferError, networkError, XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';
import { DialLimit } from '../transport/dial-limit.js';
import { dialTargets, type Resolving } from '../transport/dial-targets.js';
import { raceTargets } from '../transport/race-targets.js';
import { connectedSocket } from './connected-socket.js';
import type { EndpointKind, EndpointOptions } from './endpoint.js';
import { formatHostPort, parseHostPort } from './host-port.js';
import { SocketEndpoint } from './socket-endpoint.js';
import { acceptOne, listenOnSocket, type SocketPlace } from './socket-listener.js';

const dialScheme = 'tcp-connect';
const listenScheme = 'tcp-listen';
/** Whoever wants others to come has to say so: `*`. */
const ownHost = '127.0.0.1';

/**
 * `tcp-connect:HOST:PORT`. All addresses of a name are tried, as RFC 8305 has it, within transportDefaults.dialTimeoutMs.
 * What the stream is about the other side sees as it is: the sealing ends here.
 */
export function tcpConnect(resolving: Resolving = {}): EndpointKind {
  return {
    check: (url) => void dialled(url),
    async open(url, { use, signal }: EndpointOptions) {
      const { host, port } = dialled(url);
      const label = `${dialScheme}:${formatHostPort(printable(host), port)}`;
      const limit = new DialLimit({ signal }, label);
      const targets = await dialTargets({ scheme: 'tcp', host, port }, limit, resolving);
      const socket = await raceTargets(
        targets,
        limit,
        ({ address, family }, lost) => connectedSocket({ host: address, port, family }, lost),
        (late) => late.destroy(),
      ).catch((error: unknown) => {
        throw isRefused(error) ? refusedError(error) : error;
      });
      return new SocketEndpoint(socket, { label, use });
    },
  };
}

/** `tcp-listen:[HOST:]PORT`; without a host on 127.0.0.1 alone, `*` is all addresses of this machine, port 0 any free one. */
export const tcpListen: EndpointKind = Object.freeze({
  check: (url) => void placeOf(url),
  open: (url, options) => acceptOne(placeOf(url), options),
  listen: (url, options) => listenOnSocket(placeOf(url), options),
} satisfies EndpointKind);

const isRefused = (error: unknown): error is XferError =>
  isXferError(error) && error.code === 'ERR_XFER_CONNECTION_REFUSED';

/** What listens there is any program, not xfer. */
const refusedError = ({ code, message, cause }: XferError): XferError =>
  new XferError(code, message, { cause, remedy: 'check that a program listens there on this port' });

function dialled(url: string): { host: string; port: number } {
  const { host, port } = parseHostPort(url.slice(dialScheme.length + 1), `${dialScheme}:HOST:PORT`);
  if (host === undefined || host === '*' || port === 0)
    throw new XferError('ERR_XFER_USAGE', `${printable(url)}: give ${dialScheme}:HOST:PORT`);
  return { host, port };
}

function placeOf(url: string): SocketPlace {
  const { host = ownHost, port } = parseHostPort(
    url.slice(listenScheme.length + 1),
    `${listenScheme}:[HOST:]PORT`,
  );
  // Without a host Node takes all addresses of both families, or of IPv4 where there is no other.
  const at = host === '*' ? { port } : { host, port };
  const address = (real: number): string => `${listenScheme}:${formatHostPort(printable(host), real)}`;
  return {
    at,
    address: (server) => address((server.address() as AddressInfo).port),
    errorOf: (cause) => networkError(cause, address(port)),
  };
}
