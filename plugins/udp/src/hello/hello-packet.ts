import { udpDefaults } from 'xfer/plugin';
import type { PeerParameters } from '../core/contract.js';
import { FieldReader } from './field-reader.js';
import { helloType, idBytes, publicKeyBytes } from './hello-layout.js';
import { parametersBytes, readParameters, writeParameters } from './parameters.js';

/** The dialer's packet, see docs/udp.md. What `parseHello` gives are views of the datagram. */
export interface Hello {
  readonly version: number;
  readonly dialerId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly parameters: PeerParameters;
  /** Empty in the first; at most `maxCookieBytes`. */
  readonly cookie: Uint8Array;
  /** What the layer above has to say first; at most `maxHelloControlBytes`. Empty where there is no cookie. */
  readonly control: Uint8Array;
}

/** In every version a HELLO begins so: whoever does not know the version can still say which it knows. */
export interface HelloHead {
  readonly version: number;
  readonly dialerId: Uint8Array;
}

/** Longest cookie that a listener may give out. */
export const maxCookieBytes = 64;

const cookieAt = 1 + 2 + idBytes + publicKeyBytes + parametersBytes;

/** Fits beside the longest cookie, so that another cookie never makes the control shorter. */
export const maxHelloControlBytes = udpDefaults.helloBytes - cookieAt - 1 - maxCookieBytes - 2;

/** Throws a RangeError for a cookie and control that are longer than there is room. */
export function encodeHello(hello: Hello): Uint8Array {
  const bytes = new Uint8Array(udpDefaults.helloBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = helloType.hello;
  view.setUint16(1, hello.version);
  bytes.set(hello.dialerId, 3);
  bytes.set(hello.publicKey, 3 + idBytes);
  writeParameters(view, cookieAt - parametersBytes, hello.parameters);
  bytes[cookieAt] = hello.cookie.length;
  bytes.set(hello.cookie, cookieAt + 1);
  const controlAt = cookieAt + 1 + hello.cookie.length;
  view.setUint16(controlAt, hello.control.length);
  bytes.set(hello.control, controlAt + 2);
  return bytes;
}

/** Undefined for what is shorter than a HELLO of any version, or another packet. */
export function parseHelloHead(bytes: Uint8Array): HelloHead | undefined {
  if (bytes.length < udpDefaults.helloBytes || bytes[0] !== helloType.hello) return undefined;
  const fields = new FieldReader(bytes.subarray(1));
  return { version: fields.u16(), dialerId: fields.take(idBytes) };
}

/** Undefined for anything but a HELLO of version 1 as `encodeHello` writes it. */
export function parseHello(bytes: Uint8Array): Hello | undefined {
  if (bytes.length !== udpDefaults.helloBytes || bytes[0] !== helloType.hello) return undefined;
  const fields = new FieldReader(bytes.subarray(1));
  const version = fields.u16();
  const dialerId = fields.take(idBytes);
  const publicKey = fields.take(publicKeyBytes);
  const parameters = readParameters(fields);
  if (!parameters) return undefined;
  const cookie = fields.take(fields.u8());
  const control = fields.take(fields.u16());
  if (cookie.length > maxCookieBytes || control.length > maxHelloControlBytes) return undefined;
  if (cookie.length === 0 && control.length > 0) return undefined;
  if (!fields.takeZeros() || !fields.isWhole) return undefined;
  return { version, dialerId, publicKey, parameters, cookie, control };
}
