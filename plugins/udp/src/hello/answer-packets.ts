import type { PeerParameters } from '../core/contract.js';
import { FieldReader } from './field-reader.js';
import { helloType, idBytes, publicKeyBytes, tagBytes } from './hello-layout.js';
import { maxCookieBytes } from './hello-packet.js';
import { parametersBytes, readParameters, writeParameters } from './parameters.js';

/** The listener's packets, see docs/udp.md. All name the dialer's id first; what is parsed are views of the datagram. */
export interface Retry {
  readonly dialerId: Uint8Array;
  readonly cookie: Uint8Array;
}

export interface Accept {
  readonly dialerId: Uint8Array;
  readonly version: number;
  readonly listenerId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly parameters: PeerParameters;
}

export interface ReceivedAccept extends Accept {
  /** All before the tag. */
  readonly untagged: Uint8Array;
  readonly tag: Uint8Array;
}

export interface Versions {
  readonly dialerId: Uint8Array;
  readonly versions: readonly number[];
}

export interface Refused {
  readonly dialerId: Uint8Array;
  /** See `refusalCode`. */
  readonly code: number;
}

export function encodeRetry({ dialerId, cookie }: Retry): Uint8Array {
  const bytes = begin(helloType.retry, dialerId, 1 + cookie.length);
  bytes[fieldsAt] = cookie.length;
  bytes.set(cookie, fieldsAt + 1);
  return bytes;
}

export function parseRetry(bytes: Uint8Array): Retry | undefined {
  return parse(helloType.retry, bytes, (fields, dialerId) => {
    const cookie = fields.take(fields.u8());
    return cookie.length > 0 && cookie.length <= maxCookieBytes ? { dialerId, cookie } : undefined;
  });
}

/** Without its tag: that comes of all that is here. */
export function encodeUntaggedAccept(accept: Accept): Uint8Array {
  const bytes = begin(helloType.accept, accept.dialerId, 2 + idBytes + publicKeyBytes + parametersBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(fieldsAt, accept.version);
  bytes.set(accept.listenerId, fieldsAt + 2);
  bytes.set(accept.publicKey, fieldsAt + 2 + idBytes);
  writeParameters(view, fieldsAt + 2 + idBytes + publicKeyBytes, accept.parameters);
  return bytes;
}

export function encodeAccept(untagged: Uint8Array, tag: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(untagged.length + tagBytes);
  bytes.set(untagged);
  bytes.set(tag, untagged.length);
  return bytes;
}

export function parseAccept(bytes: Uint8Array): ReceivedAccept | undefined {
  return parse(helloType.accept, bytes, (fields, dialerId) => {
    const version = fields.u16();
    const listenerId = fields.take(idBytes);
    const publicKey = fields.take(publicKeyBytes);
    const parameters = readParameters(fields);
    const tag = fields.take(tagBytes);
    if (!parameters) return undefined;
    const untagged = bytes.subarray(0, bytes.length - tagBytes);
    return { dialerId, version, listenerId, publicKey, parameters, untagged, tag };
  });
}

export function encodeVersions({ dialerId, versions }: Versions): Uint8Array {
  const bytes = begin(helloType.versions, dialerId, 1 + 2 * versions.length);
  const view = new DataView(bytes.buffer);
  bytes[fieldsAt] = versions.length;
  for (const [index, version] of versions.entries()) view.setUint16(fieldsAt + 1 + 2 * index, version);
  return bytes;
}

export function parseVersions(bytes: Uint8Array): Versions | undefined {
  return parse(helloType.versions, bytes, (fields, dialerId) => {
    const versions = Array.from({ length: fields.u8() }, fields.u16);
    return versions.length > 0 ? { dialerId, versions } : undefined;
  });
}

export function encodeRefused({ dialerId, code }: Refused): Uint8Array {
  const bytes = begin(helloType.refused, dialerId, 2);
  new DataView(bytes.buffer).setUint16(fieldsAt, code);
  return bytes;
}

export function parseRefused(bytes: Uint8Array): Refused | undefined {
  return parse(helloType.refused, bytes, (fields, dialerId) => ({ dialerId, code: fields.u16() }));
}

const fieldsAt = 1 + idBytes;

function begin(type: number, dialerId: Uint8Array, fieldsBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(fieldsAt + fieldsBytes);
  bytes[0] = type;
  bytes.set(dialerId, 1);
  return bytes;
}

/** Undefined for another packet, one that is too short, or one with anything behind it. */
function parse<T>(
  type: number,
  bytes: Uint8Array,
  read: (fields: FieldReader, dialerId: Uint8Array) => T | undefined,
): T | undefined {
  if (bytes[0] !== type) return undefined;
  const fields = new FieldReader(bytes.subarray(1));
  const packet = read(fields, fields.take(idBytes));
  return fields.isWhole ? packet : undefined;
}
