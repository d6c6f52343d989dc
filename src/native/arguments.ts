import { cipher as ciphers, recordLayout, type RecordKey } from './api.js';

/** The addon's limit too: OpenSSL counts bytes in an int. */
const maxBodyBytes = 2 ** 30;
const maxCounter = 2 ** 52 - 1;
const maxFd = 2 ** 31 - 1;
const maxAtOnce = 2 ** 16;
const maxMode = 0o777;

/** The same checks as native/arguments.cc: what is thrown here is thrown there. */
export function requireKey({ cipher, key, counter, plain = false }: RecordKey): void {
  requireInteger(cipher, 'cipher', 2);
  if (!Object.values(ciphers).includes(cipher)) throw new RangeError('cipher must be 1 or 2');
  requireBytes(key, 'key');
  if (key.length !== 32) throw new RangeError('key must be 32 bytes');
  requireInteger(counter, 'counter', maxCounter);
  requireFlag(plain, 'plain');
}

export function requireFd(fd: number): void {
  requireInteger(fd, 'a descriptor', maxFd);
}

/** 2^32 − 1 is what −1 is to the system. */
export function requireOwner(id: number, name: string): void {
  if (id === -1) return;
  requireInteger(id, name, 2 ** 32 - 2);
}

/** A size of a file or of a region. */
export function requireSize(bytes: number, name = 'bytes'): void {
  requireInteger(bytes, name, Number.MAX_SAFE_INTEGER);
}

/** How many entries or regions one call may give. */
export function requireMost(most: number): void {
  requireInteger(most, 'most', maxAtOnce);
  if (most === 0) throw new RangeError('most must be at least 1');
}

/** Memory for a small file. */
export function requireSmall(into: Uint8Array): void {
  requireBytes(into, 'into');
  requireInteger(into.length, 'the room of into', 2 ** 20);
}

export function requireMode(mode: number): void {
  requireInteger(mode, 'mode', maxMode);
}

export function requireBodyBytes(bodyBytes: number): void {
  requireInteger(bodyBytes, 'bodyBytes', maxBodyBytes);
}

/** `bytes` from `position` on must end at an offset that JavaScript can say. */
export function requirePosition(position: number, bytes: number): void {
  requireInteger(position, 'position', Number.MAX_SAFE_INTEGER);
  if (position > Number.MAX_SAFE_INTEGER - bytes) throw new RangeError('the record ends past 2^53 - 1');
}

export function requireHeader(header: Uint8Array): void {
  requireBytes(header, 'header');
  if (header.length !== recordLayout.headerBytes) throw new RangeError('header must be 32 bytes');
}

export function requireBytes(value: Uint8Array, name: string): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} must be a Uint8Array`);
}

export function requireBigInts(value: BigInt64Array, name: string): void {
  if (!(value instanceof BigInt64Array)) throw new TypeError(`${name} must be a BigInt64Array`);
}

export function requireDoubles(value: Float64Array, name: string): void {
  if (!(value instanceof Float64Array)) throw new TypeError(`${name} must be a Float64Array`);
}

export function requireTexts(value: readonly string[], name: string): void {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array`);
  for (const text of value as readonly string[]) requireText(text, name);
}

export function requireText(value: string, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`);
}

export function requireFlag(value: boolean, name: string): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean`);
}

export function requireNanoseconds(value: bigint, name: string): void {
  if (typeof value !== 'bigint') throw new TypeError(`${name} must be a bigint`);
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${name} must fit in 64 bits`);
}

export function requireFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function`);
}

export function requireInteger(value: number, name: string, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`);
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new RangeError(`${name} must be an integer from 0 to ${String(most)}`);
  }
}
