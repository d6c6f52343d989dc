import {
  udpApi,
  type BatchSocketFeatures,
  type MuxBudget,
  type MuxConfig,
  type PacketSocket,
  type TransportTuning,
} from 'xfer/plugin';
import { udpConfig, type UdpConfig } from './config.js';
import { controllerFactory } from './congestion/choose-controller.js';
import type { ControllerFactory } from './congestion/controller.js';
import type { PeerParameters } from './core/contract.js';
import type { HelloCrypto } from './hello/hello-crypto.js';
import { nodeHelloCrypto } from './hello/node-hello-crypto.js';

export interface UdpOptions {
  /** In place of `muxDefaults`. */
  readonly mux?: Partial<MuxConfig>;
  /** In place of `udpDefaults`. */
  readonly udp?: Partial<UdpConfig>;
  /** Default: the one that all connections of the process share. */
  readonly budget?: MuxBudget;
}

/** What every dial and every listener of the transport needs. */
export interface UdpContext {
  readonly options: UdpOptions;
  readonly crypto: HelloCrypto;
  /** A socket at an IP address; rejects with the system's error. */
  socket(host: string, port: number): Promise<PacketSocket>;
}

export async function udpContext(options: UdpOptions): Promise<UdpContext> {
  const api = await udpApi();
  const { socketBufferBytes } = udpConfig(options.udp);
  return {
    options,
    crypto: nodeHelloCrypto((key, bytes) => api.sipHash(key, bytes)),
    socket: (host, port) => api.packetSocket({ host, port, socketBufferBytes }),
  };
}

/** The transport's options and what the user of a dial or a listener asks for. */
export interface Tuned {
  readonly config: UdpConfig;
  readonly controller: ControllerFactory;
}

/** IP and UDP headers (RFC 791, 8200, 768). */
const headerBytes = Object.freeze({ 4: 28, 6: 48 });

/** `family` is that of the path. Throws ERR_XFER_USAGE. */
export function tuned({ options }: UdpContext, tuning: TransportTuning = {}, family: 4 | 6): Tuned {
  const { congestion, mtuBytes } = tuning;
  const pinned = mtuBytes === undefined ? {} : { pinnedDatagramBytes: mtuBytes - headerBytes[family] };
  return { config: udpConfig({ ...options.udp, ...pinned }), controller: controllerFactory(congestion) };
}

/** Of Ethernet, behind the headers of IPv6. */
const usualDatagramBytes = 1452;

/** Node's own sockets let routers cut datagrams: no probe would find out what a path carries whole. */
export function forSocket({ config, controller }: Tuned, { kind }: BatchSocketFeatures): Tuned {
  if (kind === 'native' || config.pinnedDatagramBytes !== undefined) return { config, controller };
  const maxDatagramBytes = Math.min(config.maxDatagramBytes, usualDatagramBytes);
  return { config: udpConfig({ ...config, maxDatagramBytes }), controller };
}

/** What our hello tells the other side. */
export function parametersOf(config: UdpConfig, { receiveBufferBytes }: BatchSocketFeatures): PeerParameters {
  const { maxDatagramBytes, pinnedDatagramBytes, creditBytes } = config;
  return { maxDatagramBytes: pinnedDatagramBytes ?? maxDatagramBytes, receiveBufferBytes, creditBytes };
}
