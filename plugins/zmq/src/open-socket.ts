import { isIP } from 'node:net';
import { lookup } from 'node:dns/promises';
import { maxMessageBytes, networkError, XferError } from 'xfer/plugin';
import { errnoOf, type ZmqBinding, type ZmqContext } from './binding.js';
import { applyCurve, type CurveKeys } from './curve-keys.js';
import { ZmqSocket, type AnySocket } from './zmq-socket.js';
import type { ZmqAddress, ZmqUrl } from './zmq-url.js';

export interface OpenSocketOptions {
  readonly binding: ZmqBinding;
  readonly context: ZmqContext;
  readonly keys: CurveKeys;
  readonly signal: AbortSignal;
  onNote(message: string): void;
}

/** A socket with all its options, bound and connected. Rejects with an XferError, and then nothing of it is left. */
export async function openSocket(url: ZmqUrl, options: OpenSocketOptions): Promise<ZmqSocket> {
  const { binding, signal } = options;
  const isIpv6 = await needsIpv6(url.addresses, signal);
  const raw = makeSocket(binding, options.context, url);
  const socket = new ZmqSocket(raw, options.onNote);
  try {
    raw.ipv6 = isIpv6;
    raw.maxMessageSize = maxMessageBytes;
    // A host that died without a word is found out about, and its place in the queue is free again.
    raw.tcpKeepalive = 1;
    applyCurve(raw, binding, options.keys);
    for (const place of url.addresses) {
      if (place.way === 'connect') raw.connect(place.address);
      else await raw.bind(place.address);
      // Where any port would do, this is the one.
      socket.addresses.push(`${place.way}:${raw.lastEndpoint ?? place.address}`);
      signal.throwIfAborted();
    }
    return socket;
  } catch (cause) {
    void socket.close(0);
    signal.throwIfAborted();
    throw socketError(cause, `zmq+${url.pattern}`);
  }
}

/** Sockets are thrown away with what they have queued, unless they are closed with time to send it. */
const untilClosed = { linger: 0 };

function makeSocket(binding: ZmqBinding, context: ZmqContext, { pattern, options }: ZmqUrl): AnySocket {
  const out = { sendHighWaterMark: options.sendHighWaterMark };
  const into = { receiveHighWaterMark: options.receiveHighWaterMark };
  const common = { ...untilClosed, context };
  switch (pattern) {
    case 'push':
      return new binding.Push({ ...common, ...out });
    case 'pull':
      return new binding.Pull({ ...common, ...into });
    case 'pub':
      return new binding.Publisher({ ...common, ...out });
    case 'sub': {
      const socket = new binding.Subscriber({ ...common, ...into });
      socket.subscribe(...options.topics);
      return socket;
    }
    case 'dealer':
      return new binding.Dealer({
        ...{ ...common, ...out, ...into },
        ...(options.identity === undefined ? {} : { routingId: options.identity }),
      });
    case 'router':
      return new binding.Router({ ...common, ...out, ...into, mandatory: options.isMandatory });
  }
}

/**
 * libzmq looks names up again and again and says nothing; here a name that does not exist is an error at once. It looks
 * for IPv4 alone unless it is told otherwise, and for IPv6 first then, so that is for those who have no other address.
 */
async function needsIpv6(addresses: readonly ZmqAddress[], signal: AbortSignal): Promise<boolean> {
  let isIpv6 = false;
  for (const { way, host } of addresses) {
    signal.throwIfAborted();
    if (host === undefined || host === '*') continue;
    if (isIP(host) > 0) isIpv6 ||= isIP(host) === 6;
    else if (way === 'connect') {
      const found = await lookup(host, { all: true }).catch((cause: unknown) => {
        throw networkError(cause, host);
      });
      isIpv6 ||= found.every(({ family }) => family === 6);
    }
  }
  signal.throwIfAborted();
  return isIpv6;
}

/** A failed call of the binding as a row of the table. */
function socketError(cause: unknown, what: string): XferError {
  if (cause instanceof XferError) return cause;
  const errno = errnoOf(cause);
  const message = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
  switch (errno) {
    // zmq_bind: the interface does not exist.
    case 'ENODEV':
      return new XferError('ERR_XFER_UNREACHABLE', `${what}: no such interface here`, { cause });
    case 'EINVAL':
    case 'EPROTONOSUPPORT':
    case 'ENOCOMPATPROTO':
    case 'ENAMETOOLONG':
      return new XferError('ERR_XFER_USAGE', message, { cause });
    case 'ENOENT':
      return new XferError('ERR_XFER_NOT_FOUND', message, { cause });
    case 'EMFILE':
      return new XferError('ERR_XFER_TOO_MANY_OPEN', message, { cause });
    default:
      return networkError(cause, what);
  }
}
