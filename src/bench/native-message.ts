import { benchIdBytes } from './message.js';
import type { FabricPeer, FabricRun } from '../native/fabric-api.js';

/** Opening header of the stream by which both ends agree on native runs: `xfer` 08, a version, the bench, and names of providers, with commas. */
const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 8, 2);
const idEnd = prefix.length + benchIdBytes;
const mostHeaderBytes = 256;
const mostAddressBytes = 256;
const partyNumbers = 8 + 4 * 4;
export const mostPartyBytes = 1 + 255 + partyNumbers + mostAddressBytes;
export const runBytes = 13;

/** What the listener says of each run, and of its endpoint: it is joined, or the run is over; or why not is for itself to know. */
export const nativeAnswer = Object.freeze({ done: 1, failed: 2 });

/** An endpoint, as the other end is told of it. */
export interface NativeParty {
  readonly provider: string;
  readonly peer: FabricPeer;
}

export type NativeRun = Required<Omit<FabricRun, 'isClient'>>;

export interface NativeHeader {
  readonly id: Uint8Array;
  readonly providers: readonly string[];
}

export function encodeNativeHeader(id: Uint8Array, providers: readonly string[]): Uint8Array {
  return Buffer.concat([prefix, id, Buffer.from(providers.join(','))]).subarray(0, mostHeaderBytes);
}

/** undefined for every other header. */
export function decodeNativeHeader(header: Uint8Array): NativeHeader | undefined {
  if (header.length <= idEnd || header.length > mostHeaderBytes) return undefined;
  if (prefix.some((byte, at) => header[at] !== byte)) return undefined;
  return {
    id: header.slice(prefix.length, idEnd),
    providers: Buffer.from(header).toString('utf8', idEnd).split(','),
  };
}

/** With its length in front, as a u16. */
export function encodeParty({ provider, peer }: NativeParty): Uint8Array {
  const name = Buffer.from(provider);
  const numbers = Buffer.alloc(partyNumbers);
  numbers.writeBigUInt64BE(peer.tag, 0);
  const counts = [peer.smallCount, peer.largeCount, peer.smallBytes, peer.largeBytes];
  for (const [at, count] of counts.entries()) numbers.writeUInt32BE(count, 8 + 4 * at);
  const body = Buffer.concat([Buffer.of(name.length), name, numbers, peer.address]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([length, body]);
}

/** Of what follows the length; undefined where it is none. */
export function decodeParty(body: Uint8Array): NativeParty | undefined {
  const all = Buffer.from(body);
  const at = 1 + (all[0] ?? 0);
  const address = all.subarray(at + partyNumbers);
  if (all.length < at + partyNumbers || address.length === 0 || address.length > mostAddressBytes)
    return undefined;
  const number = (which: number): number => all.readUInt32BE(at + 8 + 4 * which);
  return {
    provider: all.toString('utf8', 1, at),
    peer: {
      ...{ address: Uint8Array.from(address), tag: all.readBigUInt64BE(at) },
      ...{ smallCount: number(0), largeCount: number(1), smallBytes: number(2), largeBytes: number(3) },
    },
  };
}

export function encodeRun({ kind, bytes, iterations, warmUp }: NativeRun): Uint8Array {
  const run = Buffer.alloc(runBytes);
  run.writeUInt8(kind === 'ping-pong' ? 1 : 2, 0);
  for (const [at, number] of [bytes, iterations, warmUp].entries()) run.writeUInt32BE(number, 1 + 4 * at);
  return run;
}

/** Of 13 bytes; undefined where it is none, or has no bytes or messages. */
export function decodeRun(run: Uint8Array): NativeRun | undefined {
  const all = Buffer.from(run);
  const kind = ([undefined, 'ping-pong', 'one-way'] as const)[all.readUInt8(0)];
  const [bytes, iterations, warmUp] = [all.readUInt32BE(1), all.readUInt32BE(5), all.readUInt32BE(9)];
  return kind && bytes > 0 && iterations > 0 ? { kind, bytes, iterations, warmUp } : undefined;
}
