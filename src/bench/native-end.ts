import { benchDefaults } from '../config/index.js';
import { isXferError, XferError } from '../errors/index.js';
import type { FabricApi, FabricLoop, FabricPeer } from '../native/fabric-api.js';
import type { Address } from '../transport/address.js';
import type { Stream, TransportTuning } from '../transport/contract.js';
import { StreamReadError, type StreamReader } from '../transport/stream-reader.js';
import { decodeParty, encodeParty, mostPartyBytes, type NativeParty } from './native-message.js';

const { nativeSmallBytes, nativeLargeBytes, nativeSmallCount, nativeLargeCount } = benchDefaults;
/** Each message begins with the addon's own. */
const ownHeaderBytes = 16;
const sizes = {
  ...{ smallBytes: nativeSmallBytes, smallCount: nativeSmallCount, largeCount: nativeLargeCount },
  largeBytes: nativeLargeBytes + ownHeaderBytes,
};
const names: Readonly<Record<string, string>> = { verbs: 'verbs;ofi_rxm', tcp: 'tcp;ofi_rxm' };

/** Providers that native runs may go over: the one that is pinned, or all that are here; shared memory only within this machine. */
export async function nativeProviders(
  api: FabricApi,
  { scheme }: Address,
  { provider }: TransportTuning,
  isLocal: boolean,
): Promise<readonly string[]> {
  const pinned = scheme.split('+')[1] ?? provider;
  const wanted = pinned === undefined ? undefined : (names[pinned] ?? pinned);
  const found = new Set((await api.providers()).map((one) => one.provider));
  // Within one machine the plugin prefers it, too.
  const all = isLocal ? new Set(['shm', ...found]) : found;
  return [...all].filter(
    (name) => found.has(name) && (wanted === undefined ? isLocal || name !== 'shm' : name === wanted),
  );
}

export function openLoop(api: FabricApi, provider: string): Promise<FabricLoop> {
  return api.loop({ ...sizes, provider });
}

export function sendParty(stream: Stream, provider: string, { address, tag }: FabricLoop): void {
  stream.send(encodeParty({ provider, peer: { ...sizes, address, tag } satisfies FabricPeer }));
}

/** Rejects with ERR_XFER_PROTOCOL, or a StreamReadError. */
export async function readParty(reader: StreamReader): Promise<NativeParty> {
  const length = Buffer.from(await reader.read(2, benchDefaults.silenceMs));
  const bytes = length.length === 2 ? length.readUInt16BE() : 0;
  const party =
    bytes > mostPartyBytes ? undefined : decodeParty(await reader.read(bytes, benchDefaults.silenceMs));
  if (party) return party;
  throw new XferError('ERR_XFER_PROTOCOL', 'the other end tells of no endpoint');
}

/** What a native loop, or the stream that both ends agree on, failed with. */
export function nativeError(thrown: unknown): XferError {
  if (isXferError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const isSilent = thrown instanceof StreamReadError && thrown.reason === 'inactivity';
  const code = isSilent ? 'ERR_XFER_TIMEOUT' : 'ERR_XFER_CONNECTION_LOST';
  return new XferError(code, `the native loops: ${message}`, { cause: thrown });
}
