import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { codeFromWire, type XferError } from '../../../src/errors/index.js';
import type { FilesApi, NativeApi } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import type { Hello } from '../../../src/session/hello.js';
import { recordKind } from '../../../src/session/record-header.js';
import type { SealedContent } from '../../../src/session/lane.js';
import { Session } from '../../../src/session/session.js';
import { entryKind, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import {
  decodeTransferMessage,
  encodeTransferMessage,
  updateMode,
  type TransferMessage,
} from '../../../src/transfer/messages.js';
import type { ReceivePolicy } from '../../../src/transfer/receive-policy.js';
import { ReceiveTransfer } from '../../../src/transfer/receive-transfer.js';
import { scan } from '../../../src/transfer/scan.js';
import type { SendTransferOptions } from '../../../src/transfer/send-options.js';
import { SendTransfer } from '../../../src/transfer/send-transfer.js';
import type { SourceEntry } from '../../../src/transfer/source-entry.js';
import { sourceToken } from '../../../src/transfer/source-token.js';
import type { Stream } from '../../../src/transport/contract.js';
import { memory } from '../../support/memory-transport.js';
import { hellos, sessionSecrets } from '../session/session-kit.js';

/** The key of the transfers here, and how they begin. */
export const transferKey = new Uint8Array(16).fill(7);
export const beginning = {
  type: 'begin',
  key: transferKey,
  resume: false,
  update: updateMode.none,
  remove: false,
} as const;

/** What senders here have in common. */
export const sendingOptions = {
  native: nativeApi(),
  key: transferKey,
  resume: false,
  tokenOf: sourceToken(new Uint8Array(8)),
};

/** Is gone with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'xfer-unit-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Two sessions that met over a connection in this process: the sender's, the receiver's, who says `hello`. */
export async function sessionPair(hello: Hello = hellos.recv): Promise<readonly [Session, Session]> {
  const transport = await memory().load();
  const { signal } = new AbortController();
  let arrived: (stream: Stream) => void = () => undefined;
  const accepted = new Promise<Stream>((resolve) => (arrived = resolve));
  const listener = await transport.listen(
    { scheme: 'memory', host: 'here', port: 0 },
    {
      onConnection: (connection) =>
        connection.onStream((stream) => {
          stream.accept();
          arrived(stream);
        }),
    },
  );
  const connection = await transport.dial(listener.address, { signal });
  onTestFinished(() => connection.abort(new Error('the test is over')));
  const [near, far] = [connection.openStream(), await accepted];
  const common = { native: nativeApi(), signal };
  return Promise.all([
    Session.establish({ ...common, stream: near, secrets: sessionSecrets('dialer'), hello: hellos.send }),
    Session.establish({ ...common, stream: far, secrets: sessionSecrets('listener'), hello }),
  ]);
}

/** The native API with some of its calls on files replaced. */
export function withFiles(files: Partial<FilesApi>): NativeApi {
  const native = nativeApi();
  return { ...native, files: { ...native.files, ...files } };
}

export interface Receiving {
  readonly running: Promise<{ files: number; bytes: number }>;
  readonly directory: string;
  readonly notes: string[];
  readonly committing: { readonly mock: { readonly calls: unknown[] } };
  readonly stop: AbortController;
}

export async function startReceiving(
  session: Session,
  native = nativeApi(),
  policy: ReceivePolicy = {},
): Promise<Receiving> {
  const directory = await temporaryDirectory();
  const root = await native.files.openRoot(directory);
  onTestFinished(() => native.files.close(root));
  const [notes, stop, committing] = [[] as string[], new AbortController(), vi.fn()];
  const running = new ReceiveTransfer({
    session,
    native,
    root,
    signal: stop.signal,
    policy,
    onProgress: () => undefined,
    onNote: (note) => notes.push(note),
    onCommitting: committing,
  }).run();
  running.catch(() => undefined);
  return { running, directory, notes, committing, stop };
}

export interface Sending {
  readonly running: Promise<{ files: number; bytes: number }>;
  readonly problems: XferError[];
  readonly stop: AbortController;
}

export function startSending(
  session: Session,
  paths: readonly string[],
  stop = new AbortController(),
  options: Partial<SendTransferOptions> = {},
): Sending {
  const problems: XferError[] = [];
  const onProblem = (error: XferError) => problems.push(error);
  const running = new SendTransfer({
    session,
    ...sendingOptions,
    batches: scan(paths, { onProblem }),
    signal: stop.signal,
    onProgress: () => undefined,
    onProblem,
    onCommitting: () => undefined,
    ...options,
  }).run();
  running.catch(() => undefined);
  return { running, problems, stop };
}

/** A side that has the keys and says whatever the test likes. */
export class Rogue {
  readonly session: Session;
  readonly heard: TransferMessage[] = [];
  readonly contents: SealedContent[] = [];
  hasEnded = false;
  #number = 0;
  #fd: Promise<number> | undefined;

  constructor(session: Session) {
    this.session = session;
    session.attach({
      onControl: (body) => this.heard.push(decodeTransferMessage(body)),
      onContent: (content) => this.contents.push(content),
      onRoom: () => undefined,
      onEnd: () => (this.hasEnded = true),
    });
  }

  say(message: TransferMessage): void {
    this.session.sendControl(encodeTransferMessage(message));
  }

  /** A record of the letter a; `number` is the next one unless it is given. */
  async content(
    entry: number,
    bytes: number,
    header: { offset?: number; number?: number; layout?: number } = {},
  ) {
    const fd = await (this.#fd ??= letters());
    const plain = { kind: recordKind.content, layout: 0, bodyBytes: bytes, entry, offset: 0 };
    const full = { ...plain, number: this.#number++, ...header };
    await new Promise<void>((resolve, reject) => {
      this.session.sendContent(0, { fd, header: full }, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** A record with this body, whatever its header says of it. */
  async body(
    body: Uint8Array,
    header: { entry: number; offset?: number; number?: number; layout?: number },
  ): Promise<void> {
    const plain = { kind: recordKind.content, layout: 0, bodyBytes: body.length, offset: 0 };
    const full = { ...plain, number: this.#number++, ...header };
    const fill = (to: Uint8Array) => {
      to.set(body);
      const contentBytes = body.length;
      return Promise.resolve({ bodyBytes: body.length, layout: full.layout, contentBytes });
    };
    await new Promise<void>((resolve, reject) => {
      this.session.sendContent(0, { fill, header: full }, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** An honest end of what was said before, but for what is changed. */
  end(counts: Partial<Extract<TransferMessage, { type: 'end' }>>): void {
    this.say({
      type: 'end',
      entries: 0,
      files: 0,
      bytes: 0,
      records: this.#number,
      remove: false,
      ...counts,
    });
  }

  async hears<Type extends TransferMessage['type']>(type: Type) {
    return vi.waitFor(
      () => {
        const found = this.heard.find((message) => message.type === type);
        expect(found, `${type} among what was heard`).toBeDefined();
        return found as Extract<TransferMessage, { type: Type }>;
      },
      { timeout: 10_000, interval: 5 },
    );
  }

  /** The code and the words with which the other side says that it ends. */
  async isTold(): Promise<string> {
    const { wire, message } = await this.hears('abort');
    return `${codeFromWire(wire)} ${message}`;
  }
}

export function entry(id: number, path: string, rest: Partial<ManifestEntry> = {}): ManifestEntry {
  const kind = rest.kind ?? entryKind.file;
  const times = { mtimeSeconds: 1_000_000_000, mtimeNanoseconds: 0 };
  const token = new Uint8Array(kind === entryKind.file ? 8 : 0);
  return { id, kind, path, size: 0, mode: 0o644, ...times, target: '', token, ...rest };
}

/** The first entry that a sender would declare of a path. */
export async function listed(path: string): Promise<[SourceEntry]> {
  for await (const [entry] of scan([path], { onProblem: () => undefined })) if (entry) return [entry];
  throw new Error('nothing was listed');
}

/** Every name below `directory`, hidden ones too: `path`, `path/`, `path -> target`. */
export async function namesIn(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = found.map(async (item) => {
    const path = join(item.parentPath, item.name);
    const name = path.slice(directory.length + 1);
    if (item.isSymbolicLink()) return `${name} -> ${await readlink(path)}`;
    return item.isDirectory() ? `${name}/` : name;
  });
  return (await Promise.all(names)).sort();
}

export async function sizesIn(directory: string, names: readonly string[]): Promise<number[]> {
  return Promise.all(names.map(async (name) => (await readFile(join(directory, name))).length));
}

type CreateFile = FilesApi['createFile'];

/** Creates the journal at once, and temporary files by `create`. */
export function creatingParts(create: CreateFile): CreateFile {
  return (directory, name) =>
    name.endsWith('.part') ? create(directory, name) : nativeApi().files.createFile(directory, name);
}

/** A call that waits until the test lets it go on. */
export function held<Args extends unknown[], Value>(call: (...args: Args) => Promise<Value>) {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  return {
    waiting,
    call: async (...args: Args): Promise<Value> => {
      if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve));
      return call(...args);
    },
    release(): void {
      isOpen = true;
      for (const go of waiting.splice(0)) go();
    },
  };
}

async function letters(): Promise<number> {
  const directory = await temporaryDirectory();
  const file = await open(join(directory, randomUUID()), 'w+');
  onTestFinished(() => file.close());
  await file.truncate(2 ** 40);
  return file.fd;
}
