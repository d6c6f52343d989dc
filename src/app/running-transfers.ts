import { readdir } from 'node:fs/promises';
import { XferError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import type { Session } from '../session/session.js';
import { journalHeaderBytes, journalPeer } from '../transfer/journal-core.js';
import { journalSuffix, ownNamePrefix } from '../transfer/names.js';
import { readFirst } from '../transfer/read-all.js';
import type { LaneConnections } from './lane-connections.js';

/** Journals that are looked at for who may go on without a code; there are more only where many were abandoned. */
const mostJournals = 256;
/** Transfers that were begun and may be begun again without a code. */
const mostBegun = 10_000;

export interface Running {
  readonly peer: string;
  readonly session: Session;
  readonly lanes: LaneConnections;
  readonly stop: AbortController;
  /** Settles when nothing of it is left. */
  over: Promise<unknown>;
  key: string | undefined;
  isSuperseded: boolean;
}

/**
 * The transfers of a receiver that are under way, and the peers that may go on with one that was stopped: pairing pins
 * both keys for that transfer, its resumes included (DESIGN §6).
 */
export class RunningTransfers {
  readonly #running = new Set<Running>();
  readonly #paired = new Set<string>();
  readonly #begun = new Set<string>();
  #ready: Promise<void> = Promise.resolve();

  /** Takes note of whose transfers were stopped in an earlier run; `ready` settles behind it. */
  readJournals(files: FilesApi, root: number, path: string): void {
    this.#ready = this.#readJournals(files, root, path).catch(() => undefined);
  }

  /** Settles, and never rejects, when it is known who may come without a code. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Whether anybody may come without a code. */
  get hasResumable(): boolean {
    return this.#paired.size > 0;
  }

  /** Whether this peer may come without a code, to go on with a transfer of its own. */
  mayResume(peer: Uint8Array): boolean {
    return this.#paired.has(toHex(peer));
  }

  /** Whether all that runs has lost its connection, and this peer is the one whose it is. */
  isReplacing(peer: Uint8Array): boolean {
    const isGone = ({ peer: other, session }: Running) => other === toHex(peer) && session.lanes.length === 0;
    return this.#running.size > 0 && [...this.#running].every(isGone);
  }

  /** A session has begun. */
  begin(session: Session, lanes: LaneConnections, stop: AbortController): Running {
    const peer = toHex(session.peerKey);
    this.#paired.add(peer);
    const over = Promise.resolve();
    const running: Running = { peer, session, lanes, stop, over, key: undefined, isSuperseded: false };
    this.#running.add(running);
    return running;
  }

  end(running: Running): void {
    this.#running.delete(running);
  }

  /** Whether this transfer was begun before by the same peer, since the receiver started, and is not complete. */
  hasBegun({ peer }: Running, key: Uint8Array): boolean {
    return this.#begun.has(`${peer} ${toHex(key)}`);
  }

  /** The session says which transfer it is: an earlier one of the same makes way. Resolves when that is gone. */
  async claim(running: Running, key: Uint8Array): Promise<void> {
    running.key = toHex(key);
    if (this.#begun.size < mostBegun) this.#begun.add(`${running.peer} ${running.key}`);
    for (const other of this.#running) {
      if (other === running || other.peer !== running.peer || other.key !== running.key) continue;
      other.isSuperseded = true;
      other.stop.abort(
        new XferError('ERR_XFER_CONNECTION_LOST', 'another try of the same transfer took its place'),
      );
      await other.over.catch(() => undefined);
    }
  }

  /** Its transfer is committed: if the sender did not hear of that, the journal still says whose it was. */
  complete(running: Running): void {
    this.#begun.delete(`${running.peer} ${running.key}`);
    // The session may wait for another one, and is in nobody's way.
    running.key = undefined;
  }

  async #readJournals(files: FilesApi, root: number, path: string): Promise<void> {
    const names = (await readdir(path)).filter(
      (name) => name.startsWith(ownNamePrefix) && name.endsWith(journalSuffix),
    );
    for (const name of names.slice(0, mostJournals)) {
      // Whoever is not recognised needs a code; one that cannot be read is no reason to forget the others.
      const peer = await readPeer(files, root, name).catch(() => undefined);
      if (peer) this.#paired.add(toHex(peer));
    }
  }
}

async function readPeer(files: FilesApi, root: number, name: string): Promise<Uint8Array | undefined> {
  const fd = await files.openExisting(root, name);
  try {
    return journalPeer(await readFirst(fd, journalHeaderBytes));
  } finally {
    await files.close(fd);
  }
}

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
