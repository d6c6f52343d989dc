import type { XferError } from '../../../src/errors/index.js';
import type { JobDone, NativeApi, SealApi, SealFileJob, SealFromJob } from '../../../src/native/api.js';
import { openHeader, openRecord, sealRecord } from '../../../src/native/record-codec.js';
import { DirectionKeys, laneKeys, type LaneSecrets } from '../../../src/session/keys.js';
import { Lane, type LaneOptions, type SealedContent } from '../../../src/session/lane.js';
import { RecordBuffers } from '../../../src/session/record-buffers.js';
import { recordKind, type RecordHeader } from '../../../src/session/record-header.js';
import type { Retain } from '../../../src/transport/contract.js';
import { HandStream } from './hand-stream.js';

export const secrets: LaneSecrets = {
  secret: new Uint8Array(32).fill(1),
  transcript: new Uint8Array(64).fill(2),
  cipher: 1,
  role: 'dialer',
  lane: 0,
};

/** Sealing that ends when the test says so. The "file" holds at each offset the offset modulo 251. */
export class HandSeal implements SealApi {
  readonly jobs: { readonly job: SealFileJob; readonly done: JobDone }[] = [];
  readonly bodies: { readonly job: SealFromJob; readonly done: JobDone }[] = [];

  sealFile(job: SealFileJob, done: JobDone): void {
    this.jobs.push({ job, done });
  }

  openFile(): void {
    throw new Error('a lane opens no bodies of content');
  }

  openBody(): void {
    this.openFile();
  }

  digestFile(): void {
    throw new Error('nothing digested here');
  }

  digestBytes(): void {
    this.digestFile();
  }

  sealPacked(): void {
    throw new Error('nothing packed here');
  }

  packFiles(): void {
    this.sealPacked();
  }

  sealBody(): void {
    throw new Error('nothing sealed from memory here');
  }

  sealFrom(job: SealFromJob, done: JobDone): void {
    this.bodies.push({ job, done });
  }

  readonly openHeader = openHeader;
  readonly sealSmall = sealRecord;

  openSmall(...[key, record]: Parameters<SealApi['openSmall']>) {
    return openRecord(key, record).body;
  }

  recordMemory(bytes: number): Buffer {
    return Buffer.allocUnsafeSlow(bytes);
  }

  stageTimes() {
    return { readMs: 0, sealMs: 0, openMs: 0, writeMs: 0 };
  }

  /** Ends the job at `index`; `bytes` is what the file still has. */
  finish(index = 0, bytes = Number.MAX_SAFE_INTEGER): void {
    for (const { job, done } of this.jobs.splice(index, 1)) {
      const body = fileBytes(job.position, Math.min(bytes, job.bodyBytes));
      job.out.set(sealRecord(job, job.header, body));
      done(null, body.length);
    }
  }

  /** Ends the job at `index` of those that seal from memory. */
  finishBody(index = 0): void {
    for (const { job, done } of this.bodies.splice(index, 1)) {
      job.out.set(sealRecord(job, job.header, job.body));
      done(null, job.body.length);
    }
  }

  fail(index: number, error: NodeJS.ErrnoException): void {
    for (const { done } of this.jobs.splice(index, 1)) done(error, 0);
  }
}

export function fileBytes(position: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (position + i) % 251);
}

/** Record buffers that notice one that is given back twice. */
export class CountedBuffers extends RecordBuffers {
  readonly out = new Set<Buffer>();
  /** The size of every one that was asked for. */
  readonly asked: number[] = [];

  override acquire(bytes: number): Buffer {
    const buffer = super.acquire(bytes);
    if (this.out.has(buffer)) throw new Error('a buffer is used by two at once');
    this.asked.push(bytes);
    this.out.add(buffer);
    return buffer;
  }

  override release(buffer: Buffer): void {
    if (!this.out.delete(buffer)) throw new Error('a buffer was given back twice');
    super.release(buffer);
  }
}

export interface LaneEnd {
  readonly lane: Lane;
  readonly stream: HandStream;
  readonly seal: HandSeal;
  readonly buffers: CountedBuffers;
  readonly controls: { readonly number: number; readonly acknowledged: number; readonly text: string }[];
  readonly contents: SealedContent[];
  readonly ends: (XferError | undefined)[];
  rooms: number;
}

export interface LaneEndOptions {
  readonly secrets?: Partial<LaneSecrets>;
  readonly leftover?: Uint8Array;
  /** Default: what the secrets give. */
  readonly keys?: Pick<LaneOptions, 'sealing' | 'opening'>;
  onControl?(text: string, retain?: Retain): void;
  readonly stream?: HandStream;
}

/** One end of a lane, started. */
export function laneEnd(role: LaneSecrets['role'], options: LaneEndOptions = {}): LaneEnd {
  const { stream = new HandStream() } = options;
  const seal = new HandSeal();
  const buffers = new CountedBuffers();
  const log = { controls: [], contents: [], ends: [] } as Pick<LaneEnd, 'controls' | 'contents' | 'ends'>;
  const { sealing, opening } = options.keys ?? laneKeys({ ...secrets, ...options.secrets, role });
  const lane = new Lane({
    number: 0,
    stream,
    leftover: options.leftover ?? new Uint8Array(),
    sealing,
    opening,
    native: { seal } as unknown as NativeApi,
    buffers,
    handlers: {
      onControl: (header, body, retain) => {
        const text = Buffer.from(body).toString();
        log.controls.push({ number: header.entry, acknowledged: header.offset, text });
        options.onControl?.(text, retain);
      },
      onContent: (content) => log.contents.push(content),
      onRoom: () => (end.rooms += 1),
      onEnd: (error) => log.ends.push(error),
    },
  });
  const end: LaneEnd = { ...log, lane, stream, seal, buffers, rooms: 0 };
  lane.start();
  return end;
}

/** Keys of both ends that are ratcheted after so many records. */
export function ratchetedKeys(recordsPerKey: number): Pick<LaneOptions, 'sealing' | 'opening'> {
  const keys = (fill: number) => new DirectionKeys(1, new Uint8Array(32).fill(fill), recordsPerKey);
  return { sealing: keys(5), opening: keys(5) };
}

export function text(words: string): Uint8Array {
  return new TextEncoder().encode(words);
}

/** The header of a piece of content; only what a test needs is given. */
export function contentHeader(header: Partial<RecordHeader> = {}): RecordHeader {
  return { kind: recordKind.content, layout: 0, bodyBytes: 1000, entry: 1, offset: 0, number: 0, ...header };
}

/** Records as a lane of `role` seals them: each a control message of its own. */
export function sealedControls(
  role: LaneSecrets['role'],
  texts: readonly string[],
  options: LaneEndOptions = {},
): Uint8Array[] {
  const { lane, stream } = laneEnd(role, options);
  for (const [i, words] of texts.entries()) lane.sendControl(i + 1, 0, text(words));
  return stream.take();
}

/** What a receiver does with content: nothing of it is there before its tag is right. */
export function bodyOf(content: SealedContent): Uint8Array {
  return openRecord(content.key, content.record).body;
}

export function textsOf(end: LaneEnd): string[] {
  return end.controls.map(({ text: words }) => words);
}

/** The codes with which a lane ended; `clean` for a FIN between records. Never more than one. */
export function codesOf(end: LaneEnd): string[] {
  return end.ends.map((error) => error?.code ?? 'clean');
}
