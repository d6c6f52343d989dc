import { randomBytes } from 'node:crypto';
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { tcp } from '@xfer/mux';
import { sessionHeader } from '../../src/session/stream-headers.js';
import { codeFromWire, type ErrorCode } from '../../src/errors/index.js';
import { nativeApi } from '../../src/native/index.js';
import { parseCode } from '../../src/session/code.js';
import { dialHandshake } from '../../src/session/handshake.js';
import { ownHello } from '../../src/session/hello.js';
import { loadIdentity } from '../../src/session/identity.js';
import { recordKind } from '../../src/session/record-header.js';
import { Session } from '../../src/session/session.js';
import { entryKind, type ManifestEntry } from '../../src/transfer/entry-codec.js';
import {
  decodeTransferMessage,
  encodeTransferMessage,
  type TransferMessage,
} from '../../src/transfer/messages.js';
import { parseUrl } from '../../src/transport/address.js';
import type { Connection } from '../../src/transport/contract.js';
import { temporaryDirectory } from './run-xfer.js';

/** How a receiver ended what it was offered. */
export interface Answer {
  /** The code of its abort; undefined where it committed. */
  readonly refusal: ErrorCode | undefined;
  /** What it says of why. */
  readonly words: string;
  /** Ids of links that it left out. */
  readonly leftOut: readonly number[];
}

/** What is offered: an entry, or bytes that stand in the place of a path. */
export type Offer = Partial<Omit<ManifestEntry, 'id'>> & { readonly path: string };

export const file = (path: string): Offer => ({ path, size: content.length });
export const directory = (path: string): Offer => ({ path, kind: entryKind.directory, mode: 0o777 });
export const link = (path: string, target: string): Offer => ({ path, kind: entryKind.link, target });

/** What each offered file holds. */
export const content = 'written by a hostile sender';

/** In a path: comes out as bytes that are no UTF-8. */
export const brokenUtf8 = '<broken>';

/**
 * A sender that has the code and knows the protocol, and offers whatever it likes: nothing of what an honest
 * sender checks is checked. Its transfers go one after the other to a receiver.
 */
export class HostileSender {
  readonly #address: string;
  readonly #code: string;
  readonly #home: string;
  readonly #content: FileHandle;

  private constructor(address: string, code: string, home: string, bytes: FileHandle) {
    this.#address = address;
    this.#code = code;
    this.#home = home;
    this.#content = bytes;
  }

  static async open(address: string, code: string): Promise<HostileSender> {
    const home = await temporaryDirectory();
    const path = join(home, 'content');
    await writeFile(path, content);
    return new HostileSender(address, code, home, await open(path));
  }

  async close(): Promise<void> {
    await this.#content.close();
  }

  /** One transfer: each batch, then the content of all of its files at once, then the end. */
  async offer(...batches: readonly (readonly Offer[])[]): Promise<Answer> {
    const { session, connection } = await this.#connect();
    try {
      return await this.#transfer(session, batches);
    } finally {
      await connection.close();
    }
  }

  /** Connects and leaves: rejects where nobody listens yet. */
  async reach(): Promise<void> {
    const transport = await tcp().load();
    const connection = await transport.dial(parseUrl(this.#address), {
      signal: new AbortController().signal,
    });
    await connection.close();
  }

  async #connect(): Promise<{ session: Session; connection: Connection }> {
    const transport = await tcp().load();
    const { signal } = new AbortController();
    const connection = await transport.dial(parseUrl(this.#address), { signal });
    const stream = connection.openStream({ header: sessionHeader });
    const identity = await loadIdentity(this.#home);
    const mode = { code: parseCode(this.#code).secret };
    const secrets = await dialHandshake(stream, { identity, mode, signal });
    const hello = ownHello('send', 'hostile\u001b[31m\nsender', false);
    const native = nativeApi();
    const session = await Session.establish({ stream, secrets, hello, native, signal });
    return { session, connection };
  }

  #transfer(session: Session, batches: readonly (readonly Offer[])[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const leftOut: number[] = [];
      const settle = (refusal: ErrorCode | undefined, words: string) => {
        session.finish();
        resolve({ refusal, words, leftOut });
      };
      session.attach({
        onControl: (body) => {
          const message = decodeTransferMessage(body);
          if (message.type === 'abort') settle(codeFromWire(message.wire), message.message);
          if (message.type === 'committed') settle(undefined, '');
          if (message.type === 'left-out') leftOut.push(message.id);
        },
        onContent: (sealed) => sealed.release(),
        onRoom: () => undefined,
        onEnd: (error) => reject(error ?? new Error('the receiver left without an answer')),
      });
      this.#say(session, batches).catch(reject);
    });
  }

  async #say(session: Session, batches: readonly (readonly Offer[])[]): Promise<void> {
    let id = 0;
    let records = 0;
    let bytes = 0;
    const key = randomBytes(16);
    say(session, { type: 'begin', key, resume: false, update: 0, remove: false });
    for (const batch of batches) {
      const entries = batch.map((offer): ManifestEntry => ({ ...plain, ...offer, id: id++ }));
      session.sendControl(breakUtf8(encodeTransferMessage({ type: 'manifest', entries })));
      const files = entries.filter((entry) => entry.kind === entryKind.file);
      for (const entry of files) await this.#sendContent(session, entry, records++);
      bytes += files.reduce((sum, entry) => sum + entry.size, 0);
      say(session, { type: 'finished', ids: files.map((entry) => entry.id) });
    }
    say(session, { type: 'end', entries: id, files: records, bytes, records, remove: false });
  }

  #sendContent(session: Session, { id, size }: ManifestEntry, number: number): Promise<void> {
    const header = { kind: recordKind.content, layout: 0, bodyBytes: size, entry: id, offset: 0, number };
    return new Promise((resolve, reject) => {
      const job = { fd: this.#content.fd, header };
      session.sendContent(0, job, (error) => (error ? reject(error) : resolve()));
    });
  }
}

const plain: Omit<ManifestEntry, 'id' | 'path'> = {
  kind: entryKind.file,
  size: 0,
  mode: 0o666,
  mtimeSeconds: 1_000_000_000,
  mtimeNanoseconds: 0,
  target: '',
  token: new Uint8Array(),
};

const say = (session: Session, message: TransferMessage) =>
  session.sendControl(encodeTransferMessage(message));

/** ED A0 80 is a surrogate, FF nothing at all; the length stays the same. */
function breakUtf8(message: Uint8Array): Uint8Array {
  const at = Buffer.from(message.buffer, message.byteOffset, message.length).indexOf(brokenUtf8);
  if (at >= 0) message.set([0xed, 0xa0, 0x80, 0xff], at);
  return message;
}
