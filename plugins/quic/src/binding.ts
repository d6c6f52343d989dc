import { XferError } from 'xfer/plugin';
import { createRequire } from 'node:module';

/**
 * What is used of the native classes in `@chainsafe/libp2p-quic-*` 2.1, quinn 0.11 under Node-API. Their promises cannot
 * be cancelled, errors are plain and without codes, and nothing but 0 can be said in a close, reset or stop.
 */
export interface QuicBinding {
  readonly QuinnConfig: new (options: QuinnOptions) => QuinnConfig;
  /** Binds an IP address at once, or throws; of IPv6 addresses never IPv4's, too. Its buffers are the system's. */
  readonly Server: new (config: QuinnConfig, ip: string, port: number) => QuicServer;
  /** One socket on every address of the family (0: IPv4, 1: IPv6), for any number of connections. */
  readonly Client: new (config: QuinnConfig, family: 0 | 1) => QuicClient;
}

export interface QuinnOptions {
  /** A key as libp2p writes it: the certificate is made of it, and each side proves its own. */
  readonly privateKeyProto: Uint8Array;
  /** Not used by the binding: a handshake ends with the idle timeout. */
  readonly handshakeTimeout: number;
  readonly maxIdleTimeout: number;
  readonly keepAliveInterval: number;
  /** Bidirectional ones that the other side may have open at once. */
  readonly maxConcurrentStreamLimit: number;
  readonly maxStreamData: number;
  readonly maxConnectionData: number;
  readonly receiveBufferSize: number;
  readonly sendBufferSize: number;
}

declare const configBrand: unique symbol;
export interface QuinnConfig {
  readonly [configBrand]: true;
}

export interface QuicServer {
  port(): number;
  /** The next whose handshake is over; rejects for one whose handshake failed, and when the server is closed. */
  inboundConnection(): Promise<QuicConnection>;
  /** Ends every connection, and frees the port. */
  abort(): Promise<void>;
  stats(): QuicEndpointStats;
}

export interface QuicClient {
  outboundConnection(ip: string, port: number): Promise<QuicConnection>;
  /** Ends every connection. */
  abort(): void;
  stats(): QuicEndpointStats;
}

export interface QuicConnection {
  /** Until there is one; rejects when the connection is over. */
  inboundStream(): Promise<QuicStream>;
  /** Until the other side allows one more; it hears of the stream with the first write. */
  outboundStream(): Promise<QuicStream>;
  /** CONNECTION_CLOSE at once: what is not acknowledged may be lost. */
  abort(): void;
  /** Settles when the connection is over, never with why. */
  closed(): Promise<void>;
  /** Whole milliseconds. */
  rtt(): number;
  id(): string;
  /** `/ip4/192.0.2.1/udp/4841/quic-v1/p2p/12D3…`. */
  remoteMultiaddr(): string;
  stats(): QuicStats;
}

export interface QuicStream {
  id(): string;
  /** At most `maxLength` bytes, the reader's own; null: FIN. Rejects with a reset or the connection's end. */
  read(maxLength: number): Promise<Uint8Array | null>;
  /** Resolves when all of it is copied; the bytes must not change before. One at a time, or their order is lost. */
  write(data: Uint8Array): Promise<void>;
  finishWrite(): Promise<void>;
  resetWrite(): Promise<void>;
  stopRead(): Promise<void>;
}

/** Of a connection; counters of 32 bits, which wrap. */
export interface QuicStats {
  /** Whole milliseconds. */
  readonly pathRtt: number;
  readonly pathCwnd: number;
  readonly pathLostPackets: number;
  readonly pathSentPackets: number;
  readonly pathCongestionEvents: number;
  readonly pathBlackHolesDetected: number;
  readonly udpTxDatagrams: number;
  readonly udpTxBytes: number;
  readonly udpTxIos: number;
  readonly udpRxDatagrams: number;
  readonly udpRxBytes: number;
  readonly udpRxIos: number;
}

export interface QuicEndpointStats {
  readonly acceptedHandshakes: number;
  readonly outgoingHandshakes: number;
  readonly refusedHandshakes: number;
  readonly ignoredHandshakes: number;
}

/** Throws ERR_XFER_NO_TRANSPORT where there is none for this machine, or `XFER_QUIC=off`. */
export function loadBinding(machine: Machine = process): QuicBinding {
  if (process.env['XFER_QUIC'] === 'off')
    throw new XferError('ERR_XFER_NO_TRANSPORT', 'there is no QUIC here: XFER_QUIC=off', {
      remedy: 'unset XFER_QUIC',
    });
  const require = createRequire(import.meta.url);
  const names = packagesFor(machine);
  let cause: unknown;
  for (const name of names) {
    try {
      return require(name) as QuicBinding;
    } catch (error) {
      cause ??= error;
    }
  }
  const [name = ''] = names;
  throw new XferError('ERR_XFER_NO_TRANSPORT', `there is no QUIC here: ${name} cannot be loaded`, {
    cause,
    remedy: `npm install ${name}@${bindingVersion}, if there is that package; tcp and udp work without`,
  });
}

/** As in the root's optionalDependencies. */
const bindingVersion = '2.1.1';

type Machine = Pick<NodeJS.Process, 'platform' | 'arch'>;

/** npm installs only what fits the machine, so of Linux's two there is the one for its libc. */
function packagesFor({ platform, arch }: Machine): readonly string[] {
  const libcs = platform === 'linux' ? ['-gnu', '-musl'] : [platform === 'win32' ? '-msvc' : ''];
  return libcs.map((libc) => `@chainsafe/libp2p-quic-${platform}-${arch}${libc}`);
}
