import { randomBytes } from 'node:crypto';
import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { utf8 } from '../session/bytes.js';
import { withFileLock } from '../session/file-lock.js';
import type { Identity } from '../session/identity.js';
import { deriveKey, mac } from '../session/kdf.js';
import { transferKeyBytes } from '../transfer/messages.js';

/** Transfers that are kept in mind; the oldest is forgotten first. */
const mostKept = 64;
const mostFileBytes = 64 * 1024;

const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{0,64}$/));
const schema = v.object({
  version: v.literal(1),
  transfers: v.pipe(
    v.array(v.object({ key: hex, peer: v.pipe(hex, v.length(64)), code: hex })),
    v.maxLength(mostKept),
  ),
});
type Row = v.InferOutput<typeof schema>['transfers'][number];

/** A transfer that was begun and is not known to be committed. */
export interface Unfinished {
  /** The keys of the receivers that have a part of it. */
  readonly peers: readonly Uint8Array[];
  /** Those with whom it was begun with this very code, or with none as now. */
  readonly sameCode: readonly Uint8Array[];
}

/**
 * Transfers of this sender that may go on where they stopped, in `<home>/unfinished.json`: to whom, and by which code
 * that one was paired, as a keyed hash. A file that is damaged or cannot be written costs the shortcut, nothing else.
 */
export class UnfinishedTransfers {
  readonly #path: string;
  readonly #secret: Uint8Array;
  readonly #lookAgainMs: number;
  #known: { readonly rows: readonly Row[]; readonly at: number } | undefined;

  /** `lookAgainMs`: what others have changed may be seen so much later. Default: at once. */
  constructor(home: string, identity: Identity, lookAgainMs = 0) {
    this.#lookAgainMs = lookAgainMs;
    this.#path = join(home, 'unfinished.json');
    this.#secret = deriveKey(identity.secretKey, undefined, 'xfer 1 transfers');
  }

  /** 16 bytes that are the same whenever the same paths are sent, and mean nothing to others. */
  keyOf(paths: readonly string[]): Uint8Array {
    const words = paths.map((path) => resolve(path)).join('\0');
    return mac(this.#secret, utf8(`paths ${words}`)).slice(0, transferKeyBytes);
  }

  /** 8 bytes for the tokens of our files' states. */
  get tokenKey(): Uint8Array {
    return mac(this.#secret, utf8('tokens')).slice(0, 8);
  }

  /** `keyOf` is called where there is anything at all to look through. */
  async find(keyOf: () => Uint8Array, code: string | undefined): Promise<Unfinished | undefined> {
    const all = await this.#readLately();
    if (all.length === 0) return undefined;
    const key = toHex(keyOf());
    const rows = all.filter((other) => other.key === key);
    if (rows.length === 0) return undefined;
    const peersOf = (some: readonly Row[]) =>
      some.map(({ peer }) => Uint8Array.from(Buffer.from(peer, 'hex')));
    return {
      peers: peersOf(rows),
      sameCode: peersOf(rows.filter((row) => row.code === this.#hashOf(code))),
    };
  }

  async add(key: Uint8Array, peer: Uint8Array, code: string | undefined): Promise<void> {
    const row = { key: toHex(key), peer: toHex(peer), code: this.#hashOf(code) };
    await this.#change((rows) => [...rows.filter((other) => !isOf(other, key, peer)), row].slice(-mostKept));
  }

  /** `peer`: of that receiver's alone. Default: of all. */
  async remove(key: Uint8Array, peer?: Uint8Array): Promise<void> {
    if (!(await this.#read()).some((row) => isOf(row, key, peer))) return;
    await this.#change((rows) => rows.filter((row) => !isOf(row, key, peer)));
  }

  #hashOf(code: string | undefined): string {
    return code === undefined ? '' : toHex(mac(this.#secret, utf8(`code ${code}`)).slice(0, 16));
  }

  async #change(work: (rows: readonly Row[]) => readonly Row[]): Promise<void> {
    const temporary = `${this.#path}.${randomBytes(8).toString('hex')}`;
    try {
      await withFileLock(`${this.#path}.lock`, async () => {
        const file = { version: 1, transfers: work(await this.#read()) };
        await writeFile(temporary, `${JSON.stringify(file)}\n`, { mode: 0o600, flag: 'wx' });
        await rename(temporary, this.#path);
        this.#known = undefined;
      });
    } catch {
      await unlink(temporary).catch(() => undefined);
    }
  }

  async #readLately(): Promise<readonly Row[]> {
    const now = performance.now();
    if (!this.#known || now - this.#known.at >= this.#lookAgainMs)
      this.#known = { rows: await this.#read(), at: now };
    return this.#known.rows;
  }

  async #read(): Promise<readonly Row[]> {
    try {
      const text = await readFile(this.#path, 'utf8');
      return text.length > mostFileBytes ? [] : v.parse(schema, JSON.parse(text)).transfers;
    } catch {
      return [];
    }
  }
}

const isOf = (row: Row, key: Uint8Array, peer: Uint8Array | undefined) =>
  row.key === toHex(key) && (peer === undefined || row.peer === toHex(peer));

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
