import { loadUdpAddon, type UdpAddon } from './udp-addon.js';
import type { UdpApi } from './udp-api.js';
import { NativeBatchSocket, NativePacketSocket } from './udp-native.js';

/** The addon's sockets. */
export function nativeUdp(addon: UdpAddon): UdpApi {
  return {
    kind: 'native',
    detail: 'The native addon sends and receives datagrams in batches.',
    batchSocket: async (options) => new NativeBatchSocket(addon, options),
    packetSocket: async (options) => new NativePacketSocket(addon, options),
    sipHash: (key, bytes) => addon.sipHash(key, bytes),
  };
}

let loaded: UdpApi | undefined;

export function udpApi(): UdpApi {
  return (loaded ??= nativeUdp(loadUdpAddon()));
}
