import { read } from 'node:fs';
import type { PackedDone, SealApi } from '../native/api.js';
import type { Filled, PackedContent } from '../session/content-job.js';
import { CompressCore, type CompressMeasure, type CompressMode } from './compress-core.js';
import { compress, compressedLayout, hasLz4 } from './lz4.js';

/** Beginning of a record that tells what the whole would give. */
const sampleBytes = 64 * 1024;
/** What shrinks by less is sent as it is. */
const mostKept = 0.9;

/** Reads content and compresses what is worth it, on libuv's pool. */
export class ContentCompressor<Source extends object> {
  readonly #core: CompressCore<Source>;
  readonly #seal: SealApi;

  constructor(mode: CompressMode, seal: SealApi) {
    this.#core = new CompressCore(mode);
    this.#seal = seal;
  }

  handle(measure: CompressMeasure, now: number): void {
    this.#core.handle(measure, now);
  }

  /** Whether the next record of this source is to go through here; to be called once a record. */
  wants(source: Source): boolean {
    // Loaded only now, for most transfers are never compressed.
    return this.#core.wants(source) && hasLz4();
  }

  /** Fills a body with `bytes` bytes of a file, fewer where it ends. Rejects with an errno error. */
  async fillFile(source: Source, fd: number, position: number, body: Uint8Array): Promise<Filled> {
    const bytes = await readAll(fd, body, position);
    return this.#shrink(source, body, body.subarray(0, bytes), 0);
  }

  /** Fills a body with what stands in memory, which is left as it is. */
  async fillFrom(source: Source, plain: Uint8Array, body: Uint8Array): Promise<Filled> {
    const filled = await this.#shrink(source, body, plain, 0);
    if (filled.layout === 0) body.set(plain);
    return filled;
  }

  /** Fills a body with many small files. Rejects with an errno error. */
  async fillPack(
    source: Source,
    files: PackedContent['files'],
    layout: number,
    body: Uint8Array,
  ): Promise<Filled> {
    const { bytes, problems } = await this.#pack({ ...files, out: body });
    return { ...(await this.#shrink(source, body, body.subarray(0, bytes), layout)), problems };
  }

  /** Puts `plain` into the body where that makes it smaller. */
  async #shrink(source: Source, body: Uint8Array, plain: Uint8Array, layout: number): Promise<Filled> {
    const bytes = plain.length;
    const asItIs = { bodyBytes: bytes, contentBytes: bytes, layout };
    if (bytes === 0) return asItIs;
    const isSampled = this.#core.samples && bytes > 2 * sampleBytes;
    if (isSampled && !(await shrunk(plain.subarray(0, sampleBytes)))) {
      this.#core.handleTried(source, false);
      return asItIs;
    }
    const small = await shrunk(plain);
    this.#core.handleTried(source, small !== undefined);
    if (!small) return asItIs;
    body.set(small);
    return { bodyBytes: small.length, contentBytes: bytes, layout: layout | compressedLayout };
  }

  #pack(job: Parameters<SealApi['packFiles']>[0]): Promise<{ bytes: number; problems: Int32Array }> {
    return new Promise((resolve, reject) => {
      const done: PackedDone = (error, bytes, problems) =>
        error ? reject(error) : resolve({ bytes, problems });
      this.#seal.packFiles(job, done);
    });
  }
}

async function shrunk(plain: Uint8Array): Promise<Buffer | undefined> {
  const small = await compress(plain);
  return small.length <= plain.length * mostKept ? small : undefined;
}

/** Bytes that were there; fewer than fit where the file ends. */
function readAll(fd: number, into: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const goOn = (at: number): void => {
      read(fd, into, at, into.length - at, position + at, (error, bytes) => {
        if (error) reject(error);
        else if (bytes === 0 || at + bytes === into.length) resolve(at + bytes);
        else goOn(at + bytes);
      });
    };
    if (into.length === 0) resolve(0);
    else goOn(0);
  });
}
