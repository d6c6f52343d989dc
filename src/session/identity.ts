import { constants } from 'node:fs';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, XferError } from '../errors/index.js';

/** An X25519 key pair, 32 bytes each. */
export interface Identity {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/**
 * The identity in `<home>/identity`, made on first use. Rejects with ERR_XFER_BAD_IDENTITY where the file or its
 * directory is open to others or the file is damaged, else with the error of the file operation.
 */
export async function loadIdentity(home: string): Promise<Identity> {
  await prepareHome(home);
  const path = join(home, 'identity');
  const there = await readIdentity(path);
  if (there) return there;
  await writeNew(path, makeSecretKey());
  const made = await readIdentity(path);
  if (!made) throw new XferError('ERR_XFER_LOCAL_IO', `${path} vanished while it was made`);
  return made;
}

/** A key pair that is kept nowhere. */
export function throwAwayIdentity(): Identity {
  const secretKey = makeSecretKey();
  return { secretKey, publicKey: publicKeyOf(secretKey) };
}

/** A public key as people give it: base64, as xfer peers prints it, or 64 hexadecimal digits. Undefined for anything else. */
export function parsePublicKey(text: string): Uint8Array | undefined {
  if (/^[\da-f]{64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
  const key = Uint8Array.from(Buffer.from(text, 'base64'));
  return key.length === 32 && formatPublicKey(key) === text ? key : undefined;
}

/** In base64, which unlike base64url never begins like a flag. */
export function formatPublicKey(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}

/** The public form of a key for people: 100 bits of its SHA-256 in groups of four, such as `k7qd-3mzp-…`. */
export function fingerprint(publicKey: Uint8Array): string {
  const hash = createHash('sha256').update(publicKey).digest();
  let bits = 0n;
  for (const byte of hash.subarray(0, 13)) bits = (bits << 8n) | BigInt(byte);
  bits >>= 4n;
  const letters: string[] = [];
  for (let i = 0; i < 20; i++, bits >>= 5n) letters.unshift(base32[Number(bits & 31n)] ?? '');
  return letters.join('').replace(/(....)(?=.)/g, '$1-');
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';
const firstLine = 'xfer identity 1';
const maxFileBytes = 1024;
/** RFC 8410 §7: an X25519 private key in PKCS #8, up to the 32 bytes of the key. */
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Makes the directory that holds identity and peers, 0700; refuses one that others can write to. */
export async function prepareHome(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const { mode } = await stat(home);
    if (hasModes && (mode & 0o022) !== 0)
      throw new XferError('ERR_XFER_BAD_IDENTITY', `${home} can be written to by others`, {
        remedy: `chmod 700 ${home}`,
      });
  } catch (cause) {
    throw cause instanceof XferError ? cause : fileError(cause, `cannot use ${home}`);
  }
}

async function readIdentity(path: string): Promise<Identity | undefined> {
  const text = await readPrivate(path);
  if (text === undefined) return undefined;
  const [head, key = '', end, ...others] = text.split('\n');
  const secretKey = Uint8Array.from(Buffer.from(key, 'base64url'));
  const isWhole = head === firstLine && end === '' && others.length === 0 && secretKey.length === 32;
  if (!isWhole || Buffer.from(secretKey).toString('base64url') !== key)
    throw new XferError('ERR_XFER_BAD_IDENTITY', `${path} is damaged`);
  return { secretKey, publicKey: publicKeyOf(secretKey) };
}

/** Links are not followed, and nothing is read before the open file itself is seen to be ours alone. */
async function readPrivate(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    if (errnoOf(cause) === 'ELOOP')
      throw new XferError('ERR_XFER_BAD_IDENTITY', `${path} is a symbolic link`);
    throw fileError(cause, `cannot read ${path}`);
  });
  if (!file) return undefined;
  try {
    const { mode, uid, size } = await file.stat();
    if (hasModes && (mode & 0o077) !== 0)
      throw new XferError('ERR_XFER_BAD_IDENTITY', `${path} can be read by others`, {
        remedy: `chmod 600 ${path}, or remove it and pair again if somebody may have read it`,
      });
    if (hasModes && uid !== process.getuid?.())
      throw new XferError('ERR_XFER_BAD_IDENTITY', `${path} belongs to somebody else`);
    if (size > maxFileBytes || (mode & constants.S_IFMT) !== constants.S_IFREG)
      throw new XferError('ERR_XFER_BAD_IDENTITY', `${path} is no identity file`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Written whole under another name, then linked: of several processes one wins, and none sees half a file. */
async function writeNew(path: string, secretKey: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${firstLine}\n${Buffer.from(secretKey).toString('base64url')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path).catch((cause: unknown) => {
      if (errnoOf(cause) !== 'EEXIST') throw cause;
    });
  } catch (cause) {
    throw fileError(cause, `cannot make ${path}`);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

/** Windows keeps a user's files from others by its own rules. */
const hasModes = process.platform !== 'win32';

function errnoOf(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException).code;
}

function makeSecretKey(): Uint8Array {
  const der = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'der' });
  return Uint8Array.from(der.subarray(-32));
}

function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, secretKey]),
    type: 'pkcs8',
    format: 'der',
  });
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return Uint8Array.from(der.subarray(-32));
}
