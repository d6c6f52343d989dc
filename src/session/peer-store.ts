import { randomBytes } from 'node:crypto';
import { open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, XferError } from '../errors/index.js';
import type { WatchedFile } from '../native/api.js';
import { equalBytes } from './bytes.js';
import { withFileLock } from './file-lock.js';
import { prepareHome } from './identity.js';
import { checkPeerName, sanitisePeerName } from './peer-name.js';

/** A peer whose key is pinned. */
export interface Peer {
  readonly name: string;
  /** Its X25519 key, 32 bytes. */
  readonly key: Uint8Array;
  /** Where it was met, `host` or `host:port` as it was typed; empty for peers that only ever called us. */
  readonly hosts: readonly string[];
}

export interface KnownPeers {
  readonly peers: readonly Peer[];
  /** They are what is known as long as this file is what it was. */
  readonly watched: WatchedFile;
}

/**
 * The known peers in `<home>/peers.json`. Every call looks at the file unless told otherwise, and reads
 * it where it is not the one that was read before; changes are made under a lock, into a new file
 * that takes the place of the old. Rejects with ERR_XFER_BAD_IDENTITY where the file is damaged or open to others,
 * ERR_XFER_USAGE for what cannot be done, else with the error of the file operation.
 */
export class PeerStore {
  readonly #home: string;
  readonly #path: string;
  /** What was read last, and of which state of the file. */
  #known: (KnownPeers & { readonly at: number }) | undefined;
  readonly #lookAgainMs: number;

  /** `lookAgainMs`: what others have changed may be seen so much later. Default: at once. */
  constructor(home: string, lookAgainMs = 0) {
    this.#home = home;
    this.#lookAgainMs = lookAgainMs;
    this.#path = join(home, 'peers.json');
  }

  /** As they were read last. */
  get known(): KnownPeers | undefined {
    return this.#known;
  }

  /** By name. */
  async list(): Promise<readonly Peer[]> {
    const known = this.#known;
    return known && performance.now() - known.at < this.#lookAgainMs ? known.peers : this.#read();
  }

  async add(peer: Peer): Promise<void> {
    const added = { ...checkKey(peer), name: checkPeerName(peer.name), hosts: checkHosts(peer.hosts) };
    await this.#change((peers) => {
      if (named(peers, added.name))
        throw usage(`there is a peer ${added.name} already: remove or rename it first`);
      const same = peers.find((other) => equalBytes(other.key, added.key));
      if (same) throw usage(`this key is known already, as ${same.name}: rename that peer instead`);
      return [...peers, added];
    });
  }

  /**
   * Pins a key after a pairing: a known key gets the host, a new one the name, with a number behind it where the
   * name is taken. Resolves with the name under which the peer is known.
   */
  async remember(found: {
    readonly key: Uint8Array;
    readonly name: string;
    readonly host?: string | undefined;
  }): Promise<string> {
    checkKey(found);
    const hosts = checkHosts(found.host === undefined ? [] : [found.host]);
    let name = '';
    await this.#change((peers) => {
      const same = peers.find((peer) => equalBytes(peer.key, found.key));
      name = same?.name ?? freeName(peers, sanitisePeerName(found.name, 'peer'));
      const kept = same ? [...new Set([...same.hosts, ...hosts])].slice(-maxHosts) : hosts;
      return [...peers.filter((peer) => peer !== same), { name, key: found.key, hosts: kept }];
    });
    return name;
  }

  async rename(from: string, to: string): Promise<void> {
    const name = checkPeerName(to);
    await this.#change((peers) => {
      const peer = required(peers, from);
      if (
        named(
          peers.filter((other) => other !== peer),
          name,
        )
      )
        throw usage(`there is a peer ${name} already`);
      return peers.map((other) => (other === peer ? { ...peer, name } : other));
    });
  }

  async remove(name: string): Promise<void> {
    await this.#change((peers) => {
      const peer = required(peers, name);
      return peers.filter((other) => other !== peer);
    });
  }

  async findByName(name: string): Promise<Peer | undefined> {
    return named(await this.list(), name.normalize('NFC'));
  }

  async findByKey(key: Uint8Array): Promise<Peer | undefined> {
    return (await this.list()).find((peer) => equalBytes(peer.key, key));
  }

  /** All that were met at this host: each of their keys is acceptable there. */
  async findByHost(host: string): Promise<readonly Peer[]> {
    return (await this.list()).filter((peer) => peer.hosts.includes(host.toLowerCase()));
  }

  async #change(work: (peers: readonly Peer[]) => readonly Peer[]): Promise<void> {
    await prepareHome(this.#home);
    await withFileLock(`${this.#path}.lock`, async () => {
      const changed = work(await this.#read());
      if (changed.length > maxPeers) throw usage(`there are ${maxPeers} peers already: remove some first`);
      await this.#write(changed);
      this.#known = undefined;
    });
  }

  async #read(): Promise<readonly Peer[]> {
    const at = performance.now();
    try {
      const { mode, size, dev, ino, mtimeNs, ctimeNs } = await stat(this.#path, { bigint: true });
      if (process.platform !== 'win32' && (mode & 0o022n) !== 0n)
        throw new XferError('ERR_XFER_BAD_IDENTITY', `${this.#path} can be written to by others`, {
          remedy: `look at who is in it (xfer peers list), then chmod 600 ${this.#path}`,
        });
      if (size > maxFileBytes) throw damaged(this.#path);
      // Whoever sends a thousand files a second asks as often.
      const state = BigInt64Array.of(dev, ino, size, mtimeNs, ctimeNs);
      if (this.#known?.watched.state.every((value, i) => value === state[i])) {
        this.#known = { ...this.#known, at };
        return this.#known.peers;
      }
      const peers = parsePeers(await readFile(this.#path, 'utf8'), this.#path);
      peers.sort((a, b) => (a.name < b.name ? -1 : 1));
      this.#known = { peers, watched: { path: this.#path, state }, at };
      return peers;
    } catch (cause) {
      if (cause instanceof XferError) throw cause;
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fileError(cause, `cannot read ${this.#path}`);
    }
  }

  async #write(peers: readonly Peer[]): Promise<void> {
    const temporary = `${this.#path}.${randomBytes(8).toString('hex')}`;
    const rows = peers.map(({ name, key, hosts }) => ({
      name,
      key: Buffer.from(key).toString('base64url'),
      hosts,
    }));
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(`${JSON.stringify({ version: 1, peers: rows }, null, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (cause) {
      await unlink(temporary).catch(() => undefined);
      throw fileError(cause, `cannot write ${this.#path}`);
    }
  }
}

const maxPeers = 10_000;
const maxHosts = 16;
const maxHostCharacters = 320;
const maxFileBytes = 16 * 1024 * 1024;

function parsePeers(text: string, path: string): Peer[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw damaged(path);
  }
  if (!isRecord(file) || file['version'] !== 1 || !Array.isArray(file['peers'])) throw damaged(path);
  const peers = file['peers'].map((row: unknown) => parsePeer(row, path));
  if (new Set(peers.map((peer) => peer.name)).size !== peers.length) throw damaged(path);
  return peers;
}

function parsePeer(row: unknown, path: string): Peer {
  if (!isRecord(row) || typeof row['name'] !== 'string' || typeof row['key'] !== 'string')
    throw damaged(path);
  const key = Uint8Array.from(Buffer.from(row['key'], 'base64url'));
  const hosts: unknown = row['hosts'];
  if (key.length !== 32 || !Array.isArray(hosts) || !hosts.every((host) => typeof host === 'string'))
    throw damaged(path);
  try {
    return { name: checkPeerName(row['name']), key, hosts: checkHosts(hosts) };
  } catch {
    throw damaged(path);
  }
}

function checkKey(peer: { readonly key: Uint8Array }): { readonly key: Uint8Array } {
  if (peer.key.length !== 32) throw usage('the key of a peer has 32 bytes');
  return { key: peer.key };
}

function checkHosts(hosts: readonly string[]): readonly string[] {
  const isHost = (host: string) => host.length <= maxHostCharacters && /^[^\s\p{C}/\\]+$/u.test(host);
  if (hosts.length > maxHosts || !hosts.every(isHost)) throw usage('this is no host name that can be kept');
  return [...new Set(hosts.map((host) => host.toLowerCase()))];
}

function named(peers: readonly Peer[], name: string): Peer | undefined {
  return peers.find((peer) => peer.name === name);
}

function required(peers: readonly Peer[], name: string): Peer {
  const peer = named(peers, name.normalize('NFC'));
  if (!peer) throw usage('there is no such peer: see xfer peers list');
  return peer;
}

function freeName(peers: readonly Peer[], wanted: string): string {
  let name = wanted;
  for (let number = 2; named(peers, name); number++)
    name = `${[...wanted].slice(0, 56).join('').trim()}-${number}`;
  return name;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function usage(message: string): XferError {
  return new XferError('ERR_XFER_USAGE', message, { remedy: 'see xfer peers --help' });
}

function damaged(path: string): XferError {
  return new XferError('ERR_XFER_BAD_IDENTITY', `${path} is damaged`, {
    remedy: `restore or remove ${path}`,
  });
}
