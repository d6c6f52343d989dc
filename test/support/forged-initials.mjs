import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** RFC 9001 §5.2. */
const initialSalt = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex');
const tagBytes = 16;
/** RFC 9000 §14.1. */
const leastInitialBytes = 1200;
/** As long as there are: what is written anew must not be shorter. */
const targetIdBytes = 20;

/** Makes first packets for a QUIC listener, each of a connection of its own, of one that a dialer made. See the `.d.mts`. */
export async function forgedInitials(dial) {
  const { number, payload, sourceId, version } = opened(await firstDatagram(dial));
  return () => sealed({ version, number, payload, sourceId, targetId: randomBytes(targetIdBytes) });
}

async function firstDatagram(dial) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  dial(socket.address().port);
  // Whoever dials may see first whether anybody is there, with a datagram that is no Initial.
  let bytes;
  do [bytes] = await once(socket, 'message');
  while (bytes.length < leastInitialBytes);
  socket.close();
  return bytes;
}

/** Takes the protection off (RFC 9001 §5.4): of a client's Initial anybody can. */
function opened(datagram) {
  let at = 5;
  const id = () => {
    const from = at + 1;
    at = from + datagram[at];
    return datagram.subarray(from, at);
  };
  const version = datagram.subarray(1, 5);
  const [targetId, sourceId] = [id(), id()];
  // No token; a length of two bytes (RFC 9000 §16).
  if (datagram[at] !== 0 || datagram[at + 1] >> 6 !== 1) throw new Error('an Initial of another layout');
  const length = datagram.readUInt16BE(at + 1) & 0x3fff;
  at += 3;
  const keys = keysOf(targetId);
  const head = Buffer.from(datagram.subarray(0, at + 4));
  mask(head, at, datagram.subarray(at + 4, at + 20), keys.header, (first) => (first & 3) + 1);
  const numberBytes = (head[0] & 3) + 1;
  const number = head.readUIntBE(at, numberBytes);
  const cipher = createDecipheriv('aes-128-gcm', keys.key, nonce(keys.iv, number));
  cipher.setAAD(head.subarray(0, at + numberBytes));
  cipher.setAuthTag(datagram.subarray(at + length - tagBytes, at + length));
  const payload = cipher.update(datagram.subarray(at + numberBytes, at + length - tagBytes));
  cipher.final();
  return { version, sourceId, number, payload };
}

/** The same content under the keys of another connection. */
function sealed({ version, number, payload, sourceId, targetId }) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(0x4000 | (4 + payload.length + tagBytes));
  const numberField = Buffer.alloc(4);
  numberField.writeUInt32BE(number);
  const ids = [targetId, sourceId].flatMap((id) => [Buffer.of(id.length), id]);
  const head = Buffer.concat([Buffer.of(0xc3), version, ...ids, Buffer.of(0), length, numberField]);
  const keys = keysOf(targetId);
  const cipher = createCipheriv('aes-128-gcm', keys.key, nonce(keys.iv, number));
  cipher.setAAD(head);
  const body = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  mask(head, head.length - 4, body.subarray(0, 16), keys.header, () => 4);
  return Buffer.concat([head, body]);
}

function mask(head, at, sample, key, numberBytesOf) {
  const bits = createCipheriv('aes-128-ecb', key, null).update(sample);
  const before = head[0];
  head[0] ^= bits[0] & 0x0f;
  // Whichever way it goes, the length of the number stands in the first byte without protection.
  const bytes = numberBytesOf(head[0], before);
  for (let i = 0; i < bytes; i++) head[at + i] ^= bits[i + 1];
}

function keysOf(targetId) {
  const secret = hmac(initialSalt, targetId);
  const client = expand(secret, 'client in', 32);
  return {
    ...{ key: expand(client, 'quic key', 16), iv: expand(client, 'quic iv', 12) },
    header: expand(client, 'quic hp', 16),
  };
}

/** HKDF-Expand-Label of RFC 8446 §7.1, of one block. */
function expand(secret, label, bytes) {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.of(0, bytes, name.length), name, Buffer.of(0, 1)]);
  return hmac(secret, info).subarray(0, bytes);
}

function hmac(key, bytes) {
  return createHmac('sha256', key).update(bytes).digest();
}

function nonce(iv, number) {
  const bytes = Buffer.from(iv);
  bytes.writeUInt32BE((bytes.readUInt32BE(8) ^ number) >>> 0, 8);
  return bytes;
}
