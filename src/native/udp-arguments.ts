import { isIP } from 'node:net';
import { requireBytes, requireDoubles, requireInteger } from './arguments.js';
import { packetLayout, runField } from './udp-api.js';
import type { BatchSocketOptions, PacketConnection, SocketAddress } from './udp-api.js';

/** What one UDP packet holds over IPv4. */
export const maxDatagramBytes = 65_507;
const max48 = 2 ** 48 - 1;
export const maxBufferBytes = 2 ** 30 - 1;
const maxCoalescedMessages = 64;
const maxDeadlineMs = 1000;

/** What native/udp-socket-calls.cc checks for its own safety, too: what is thrown here is thrown whichever is used. */
export function requireOptions(options: BatchSocketOptions): void {
  const { socketBufferBytes, coalesce } = options;
  requireAddress(options);
  if (socketBufferBytes !== undefined) requireInteger(socketBufferBytes, 'socketBufferBytes', maxBufferBytes);
  if (coalesce === undefined) return;
  requireInteger(coalesce.messages, 'coalesce.messages', maxCoalescedMessages);
  if (coalesce.messages === 0) throw new RangeError('coalesce.messages must be at least 1');
  if (!(coalesce.deadlineMs >= 0.001 && coalesce.deadlineMs <= maxDeadlineMs))
    throw new RangeError(`coalesce.deadlineMs must be from 0.001 to ${String(maxDeadlineMs)}`);
}

export function requireAddress({ host, port, local }: SocketAddress): void {
  if (typeof host !== 'string') throw new TypeError('host must be a string');
  if (isIP(host) === 0) throw new RangeError('host must be an IP address');
  requireInteger(port, 'port', 65_535);
  if (local === undefined) return;
  if (typeof local !== 'string') throw new TypeError('local must be a string');
  if (isIP(local) === 0) throw new RangeError('local must be an IP address');
}

export function requireSegmentBytes(bytes: number): void {
  requireInteger(bytes, 'segmentBytes', maxDatagramBytes);
  if (bytes === 0) throw new RangeError('segmentBytes must be at least 1');
}

export function requireConnection(connection: PacketConnection): void {
  for (const [name, bytes] of [
    ['localId', 8],
    ['remoteId', 8],
    ['sendKey', 16],
    ['receiveKey', 16],
  ] as const) {
    requireBytes(connection[name], name);
    if (connection[name].length !== bytes) throw new RangeError(`${name} must be ${String(bytes)} bytes`);
  }
  requireAddress(connection.remote);
}

/** All runs are checked before any is sent. `isOpen` says whether there is such a connection. */
export function requireRuns(
  runs: number,
  fields: Float64Array,
  pieces: readonly Uint8Array[],
  isOpen: (connection: number) => boolean,
): void {
  requireDoubles(fields, 'fields');
  requireInteger(runs, 'runs', Math.floor(fields.length / runField.size));
  if (!Array.isArray(pieces) || !pieces.every((piece) => piece instanceof Uint8Array))
    throw new TypeError('pieces must be an array of Uint8Arrays');
  let piece = 0;
  for (let run = 0; run < runs; run++) {
    const field = (name: Exclude<keyof typeof runField, 'size'>, most: number): number => {
      const value = fields[run * runField.size + runField[name]] ?? 0;
      requireInteger(value, name, most);
      return value;
    };
    const bytes = field('bytes', packetLayout.maxRunPackets * maxDatagramBytes);
    const packets = field('packets', packetLayout.maxRunPackets);
    const packetBytes = field('packetBytes', maxDatagramBytes - packetLayout.dataHeaderBytes);
    const count = field('pieces', pieces.length - piece);
    const number = field('number', max48);
    const offset = field('offset', max48);
    field('stream', 2 ** 32 - 1);
    field('path', Number.MAX_SAFE_INTEGER);
    const connection = field('connection', max48);
    const isFull = bytes <= packets * packetBytes && bytes > (packets - 1) * packetBytes;
    if (packets === 0 || (!isFull && !(packets === 1 && bytes === 0)))
      throw new RangeError('bytes must be the content of as many packets');
    if (number + packets - 1 > max48 || offset + bytes > max48)
      throw new RangeError('numbers and offsets must be less than 2^48');
    let there = 0;
    for (const end = piece + count; piece < end; piece++) there += pieces[piece]?.length ?? 0;
    if (there !== bytes) throw new RangeError("the pieces must be as long as the run's content");
    if (!isOpen(connection)) throw new RangeError('there is no such connection');
  }
}
