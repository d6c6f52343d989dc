import { udpDefaults } from 'xfer/plugin';
import type { PeerParameters } from '../core/contract.js';
import type { FieldReader } from './field-reader.js';

export const parametersBytes = 16;

/** Largest datagram u32 · SO_RCVBUF u32 · connection credit u32, in KiB · 0 u32. What is larger than its field is told as the most that it holds. */
export function writeParameters(into: DataView, at: number, parameters: PeerParameters): void {
  into.setUint32(at, Math.min(parameters.maxDatagramBytes, mostU32));
  into.setUint32(at + 4, Math.min(parameters.receiveBufferBytes, mostU32));
  into.setUint32(at + 8, Math.min(Math.floor(parameters.creditBytes / KiB), mostU32));
  into.setUint32(at + 12, 0);
}

/** Undefined where they are none of this version, or name a largest datagram below that which every path carries. */
export function readParameters(fields: FieldReader): PeerParameters | undefined {
  const maxDatagramBytes = fields.u32();
  const receiveBufferBytes = fields.u32();
  const creditBytes = fields.u32() * KiB;
  if (fields.u32() !== 0 || maxDatagramBytes < udpDefaults.baseDatagramBytes) return undefined;
  return { maxDatagramBytes, receiveBufferBytes, creditBytes };
}

const KiB = 1024;
const mostU32 = 2 ** 32 - 1;
