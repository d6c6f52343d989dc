import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { XferError } from 'xfer/plugin';
import { errnoOf, type ZmqBinding, type ZmqSocketBase } from './binding.js';
import type { KeyPlace, ZmqOptions } from './zmq-options.js';
import { z85Decode, z85Encode } from './z85.js';

/** The keys of CURVE (ZeroMQ RFC 26) that a socket has, as Z85. Without any it speaks in the clear. */
export interface CurveKeys {
  readonly secretKey?: string;
  /** Of the server that this side is a client of. */
  readonly serverKey?: string;
  /** Of the clients that may come to this server. */
  readonly allowed?: ReadonlySet<string>;
}

/** Reads the keys that options name. No error has a key in it. */
export async function readKeys(
  options: ZmqOptions,
  onNote: (message: string) => void,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<CurveKeys> {
  const { secretKey, serverKey, allowFile } = options;
  const secret = secretKey && (await readKey(secretKey, 'secret', environment));
  if (secretKey && 'file' in secretKey) await noteMode(secretKey.file, onNote);
  const server = serverKey && (await readKey(serverKey, 'public', environment));
  const allowed = allowFile === undefined ? undefined : await readAllowed(allowFile);
  return {
    ...(secret === undefined ? {} : { secretKey: secret }),
    ...(server === undefined ? {} : { serverKey: server }),
    ...(allowed === undefined ? {} : { allowed }),
  };
}

/** A client without a key of its own gets one for this socket alone. */
export function applyCurve(socket: ZmqSocketBase, binding: ZmqBinding, keys: CurveKeys): void {
  const { secretKey, serverKey, allowed } = keys;
  if (serverKey !== undefined) {
    const pair =
      secretKey === undefined ? binding.curveKeyPair() : { secretKey, publicKey: publicKeyOf(secretKey) };
    socket.curveServerKey = serverKey;
    socket.curvePublicKey = pair.publicKey;
    socket.curveSecretKey = pair.secretKey;
  } else if (secretKey !== undefined) {
    socket.curveServer = true;
    socket.curveSecretKey = secretKey;
    // libzmq asks for permission (RFC 27) only where there is a domain to ask about.
    if (allowed) socket.zapDomain = zapDomain;
  }
}

export const zapDomain = 'xfer';

/** The public key that belongs to a secret one: CURVE's keys are X25519's (RFC 7748). */
export function publicKeyOf(secretKey: string): string {
  const pkcs8 = Buffer.concat([pkcs8Start, z85Decode(secretKey) ?? new Uint8Array()]);
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  return z85Encode(key.export({ format: 'der', type: 'spki' }).subarray(-keyBytes));
}

/** PrivateKeyInfo of an X25519 key up to the key itself (RFC 8410 section 7). */
const pkcs8Start = Buffer.from('302e020100300506032b656e04220420', 'hex');
const keyBytes = 32;
const maxFileBytes = 64 * 1024;

type Half = 'secret' | 'public';

async function readKey(place: KeyPlace, half: Half, environment: NodeJS.ProcessEnv): Promise<string> {
  if ('text' in place) return keyIn(place.text, half, 'curve-server-key');
  if ('file' in place) return keyIn(await readText(place.file), half, place.file);
  const text = environment[place.variable];
  if (text === undefined)
    throw new XferError('ERR_XFER_USAGE', `there is no environment variable ${place.variable}`);
  return keyIn(text, half, place.variable);
}

/** A key by itself, or the one of a certificate as `zmq.auth.create_certificates` of pyzmq and CZMQ write them. */
function keyIn(text: string, half: Half, where: string): string {
  const named = new RegExp(`^\\s*${half}-key\\s*=\\s*"([^"]*)"`, 'm').exec(text)?.[1];
  const key = named ?? text.trim();
  if (z85Decode(key)?.length === keyBytes) return key;
  throw new XferError('ERR_XFER_USAGE', `${where} has no ${half} key of CURVE in it`, {
    remedy: `a key is 40 characters of Z85, by itself or behind ${half}-key = in a certificate`,
  });
}

/** Public keys, one a line; `#` begins a comment, unless it is in a key. */
async function readAllowed(file: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for (const line of (await readText(file)).split('\n')) {
    const text = line.trim();
    if (text === '' || text.startsWith('# ') || text === '#') continue;
    keys.add(keyIn(text, 'public', file));
  }
  return keys;
}

async function readText(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fileFailure(cause, file);
  });
  if (text.length > maxFileBytes) throw new XferError('ERR_XFER_USAGE', `${file} is too long for keys`);
  return text;
}

async function noteMode(file: string, onNote: (message: string) => void): Promise<void> {
  const { mode } = await stat(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    onNote(`others can read the secret key in ${file}: chmod 600 it`);
}

function fileFailure(cause: unknown, file: string): XferError {
  const errno = errnoOf(cause);
  const what = `the key file ${file} cannot be read`;
  if (errno === 'ENOENT') return new XferError('ERR_XFER_NOT_FOUND', what, { cause });
  if (errno === 'EACCES') return new XferError('ERR_XFER_PERMISSION', what, { cause });
  return new XferError('ERR_XFER_LOCAL_IO', `${what} (${errno})`, { cause });
}
