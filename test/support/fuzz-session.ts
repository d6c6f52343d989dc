import { randomBytes } from 'node:crypto';
import { recordLayout } from '../../src/native/api.js';
import { openRecord, sealRecord } from '../../src/native/record-codec.js';
import { codeFromWire } from '../../src/errors/index.js';
import { encodeHello, ownHello } from '../../src/session/hello.js';
import { laneKeys, type DirectionKeys } from '../../src/session/keys.js';
import { RecordBuffers } from '../../src/session/record-buffers.js';
import {
  decodeRecordHeader,
  encodeRecordHeader,
  recordKind,
  type RecordHeader,
} from '../../src/session/record-header.js';
import { RecordReader } from '../../src/session/record-reader.js';
import { type ManifestEntry } from '../../src/transfer/entry-codec.js';
import {
  decodeTransferMessage,
  encodeTransferMessage,
  type TransferMessage,
} from '../../src/transfer/messages.js';
import type { Dialled } from './fuzz-handshake.js';
import type { FuzzPeer } from './fuzz-peer.js';

/** A file that was declared, and how much of it went. */
export interface FuzzFile {
  readonly id: number;
  readonly size: number;
  sent: number;
}

/** A sender in a session, of which every part can be got at. What the receiver says is read and counted. */
export class FuzzSession {
  readonly peer: FuzzPeer;
  readonly sealing: DirectionKeys;
  /** The last number given to a control message. */
  number = 0;
  /** The highest number of the receiver's that came. */
  heard = 0;
  /** What an honest END would count. */
  entries = 0;
  records = 0;
  files = 0;
  bytes = 0;
  /** The receiver takes no more batches at once than this allows. */
  undeclared = 0;
  readonly open: FuzzFile[] = [];
  /** Of this transfer alone: nothing of another is found again. */
  readonly key = randomBytes(16);
  readonly #opening: DirectionKeys;

  constructor(peer: FuzzPeer, dialled: Dialled) {
    if (!dialled.keys) throw new Error(`there is no session: ${dialled.outcome}`);
    this.peer = peer;
    const { sealing, opening } = laneKeys({ ...dialled.keys, lane: 0 });
    this.sealing = sealing;
    this.#opening = opening;
    const reader = new RecordReader(new RecordBuffers(), (record) => this.#handleRecord(record));
    peer.onStreamBytes = (bytes) => reader.push(bytes);
    for (const bytes of dialled.late) reader.push(bytes);
  }

  /** A sealed record, header and body as they are given. */
  seal(header: Partial<RecordHeader>, body: Uint8Array): Uint8Array {
    return this.sealPlain(encodeRecordHeader({ ...plainHeader, ...header, bodyBytes: body.length }), body);
  }

  /** As `seal`, with any 32 bytes for a header. */
  sealPlain(header: Uint8Array, body: Uint8Array): Uint8Array {
    return sealRecord(this.sealing.next(), header, body);
  }

  control(body: Uint8Array): Uint8Array {
    return this.seal({ kind: recordKind.control, entry: ++this.number, offset: this.heard }, body);
  }

  hello(): Uint8Array {
    return this.control(encodeHello(ownHello('send', 'fuzz', false)));
  }

  begin(): TransferMessage & { readonly type: 'begin' } {
    return { type: 'begin', key: this.key, resume: false, update: 0, remove: false };
  }

  message(message: TransferMessage): Uint8Array {
    return this.control(encodeTransferMessage(message));
  }

  /** The entries, numbered and kept in mind. */
  manifest(offered: readonly Omit<ManifestEntry, 'id'>[]): TransferMessage {
    const entries = offered.map((entry): ManifestEntry => ({ ...entry, id: this.entries++ }));
    for (const { id, kind, size } of entries) if (kind === 0) this.open.push({ id, size, sent: 0 });
    this.undeclared++;
    return { type: 'manifest', entries };
  }

  /** The next content of a file, at most `most` bytes of it. */
  content(file: FuzzFile, most: number): Uint8Array {
    const body = contentOf(file.size, file.sent, Math.min(most, file.size - file.sent));
    const header = { kind: recordKind.content, entry: file.id, offset: file.sent, number: this.records++ };
    file.sent += body.length;
    return this.seal(header, body);
  }

  /** Takes a file off the open ones. */
  finished(file: FuzzFile): TransferMessage {
    this.open.splice(this.open.indexOf(file), 1);
    this.files++;
    this.bytes += file.size;
    return { type: 'finished', ids: [file.id] };
  }

  end(): TransferMessage & { readonly type: 'end' } {
    const { entries, files, bytes, records } = this;
    return { type: 'end', entries, files, bytes, records, remove: false };
  }

  #handleRecord(record: Uint8Array): void {
    const { header, body } = openRecord(this.#opening.next(), record);
    const read = decodeRecordHeader(header);
    if (read?.kind !== recordKind.control || record.length !== recordLayout.overheadBytes + body.length)
      throw new Error('the receiver sends a record that it must not');
    if (read.entry === 0) return;
    if (read.entry !== ++this.heard) throw new Error('the receiver does not count its messages');
    if (read.entry === 1) return;
    const message = decodeTransferMessage(body);
    if (message.type === 'declared') this.undeclared--;
    if (message.type === 'abort') this.peer.end ??= `abort ${codeFromWire(message.wire)}`;
    if (message.type === 'committed') this.peer.end ??= 'committed';
  }
}

const plainHeader: RecordHeader = {
  kind: recordKind.control,
  layout: 0,
  bodyBytes: 0,
  entry: 0,
  offset: 0,
  number: 0,
};

/** What a file of `size` bytes holds: every byte tells the size and its place, so that no part passes for a whole. */
export function contentOf(size: number, offset: number, bytes: number): Buffer {
  const body = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at++) body[at] = ((offset + at) * 31 + size * 7 + 1) % 251;
  return body;
}
