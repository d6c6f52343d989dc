import { loadUdpAddon, type UdpAddon } from './udp-addon.js';
import type { UdpApi } from './udp-api.js';
import { NativeBatchSocket, NativePacketSocket } from './udp-native.js';
import { udpTwin } from './udp-twin.js';

let loaded: UdpApi | undefined;

/** The addon's sockets, or their twins where it was not built or `XFER_NATIVE=off`. Chosen at the first call. */
export function udpApi(): UdpApi {
  return (loaded ??= process.env['XFER_NATIVE'] === 'off' ? twinApi('XFER_NATIVE=off') : addonApi());
}

/** The sockets of this addon. */
export function nativeUdp(addon: UdpAddon): Omit<UdpApi, 'detail'> {
  return {
    kind: 'native',
    batchSocket: (options) => made(() => new NativeBatchSocket(addon, options)),
    packetSocket: (options) => made(() => new NativePacketSocket(addon, options)),
    widenBuffers: (port, bytes) => addon.widenBuffers(port, bytes),
    sipHash: (key, bytes) => addon.sipHash(key, bytes),
  };
}

/** What the constructor throws is a rejection. */
const made = <Socket>(make: () => Socket): Promise<Socket> => Promise.resolve().then(make);

function addonApi(): UdpApi {
  try {
    const detail =
      'The native addon sends and receives datagrams in batches, one call of the kernel for many.';
    return { ...nativeUdp(loadUdpAddon()), detail };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return twinApi(text.split('\n', 1)[0] ?? text);
  }
}

function twinApi(reason: string): UdpApi {
  return {
    ...udpTwin(),
    detail: `The native addon for datagrams is not used (${reason}): udp is slower by far (one call of the kernel a datagram, no ECN, and refused dials end by their timeout); it is for Linux.`,
  };
}
