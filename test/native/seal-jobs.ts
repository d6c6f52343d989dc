import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  recordLayout,
  type DigestFileJob,
  type OpenBodyJob,
  type OpenFileJob,
  type PackFilesJob,
  type SealApi,
  type SealBodyJob,
  type SealFileJob,
  type SealFromJob,
  type SealPackedJob,
} from '../../src/native/api.js';

/** A directory that is removed after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'xfer-native-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface TemporaryFile {
  readonly fd: number;
  content(): Buffer;
}

export function temporaryFile(content: Uint8Array, flags = 'r+'): TemporaryFile {
  const path = join(temporaryDirectory(), 'file');
  writeFileSync(path, content);
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return { fd, content: () => readFileSync(path) };
}

/** Files with these contents, to be packed; `bytes` is what they take then. */
export function packedFiles(contents: readonly Uint8Array[]): {
  paths: string[];
  stamps: BigInt64Array;
  bytes: number;
} {
  const directory = temporaryDirectory();
  const stamps = new BigInt64Array(6 * contents.length);
  const paths = contents.map((content, i) => {
    const path = join(directory, `f${i}`);
    writeFileSync(path, content);
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    stamps.set([dev, ino, size, mtimeNs, ctimeNs, BigInt(3 * i)], 6 * i);
    return path;
  });
  return { paths, stamps, bytes: 4 + contents.reduce((sum, { length }) => sum + 8 + length, 0) };
}

/** Bytes that differ from place to place, the same in every run. */
export function pattern(bytes: number, seed = 1): Buffer {
  const result = Buffer.alloc(bytes);
  let state = seed;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result[i] = state >>> 24;
  }
  return result;
}

/** A whole sealed record of what the file holds. */
export async function sealed(seal: SealApi, job: Omit<SealFileJob, 'out'>): Promise<Buffer> {
  const out = Buffer.alloc(recordLayout.overheadBytes + job.bodyBytes);
  const bodyBytes = await sealFile(seal, { ...job, out });
  return out.subarray(0, recordLayout.overheadBytes + bodyBytes);
}

export function sealFile(seal: SealApi, job: SealFileJob): Promise<number> {
  return settled((done) => seal.sealFile(job, done));
}

export function openFile(seal: SealApi, job: OpenFileJob): Promise<number> {
  return settled((done) => seal.openFile(job, done));
}

export function openBody(seal: SealApi, job: OpenBodyJob): Promise<number> {
  return settled((done) => seal.openBody(job, done));
}

/** The record that files were packed into, and the problem of each. */
export function sealPacked(
  seal: SealApi,
  job: Omit<SealPackedJob, 'out'> & { out?: Uint8Array },
): Promise<{ record: Uint8Array; problems: number[] }> {
  const sizes = job.paths.map((_, i) => Number(job.stamps[6 * i + 2]));
  const wanted = recordLayout.overheadBytes + 4 + sizes.reduce((bytes, size) => bytes + 8 + size, 0);
  const out = job.out ?? new Uint8Array(wanted);
  return new Promise((resolve, reject) => {
    seal.sealPacked({ ...job, out }, (error, bodyBytes, problems) => {
      if (error) reject(error);
      else
        resolve({ record: out.subarray(0, recordLayout.overheadBytes + bodyBytes), problems: [...problems] });
    });
  });
}

export function sealBody(seal: SealApi, job: SealBodyJob): Promise<number> {
  return settled((done) => seal.sealBody(job, done));
}

export function sealFrom(seal: SealApi, job: SealFromJob): Promise<number> {
  return settled((done) => seal.sealFrom(job, done));
}

/** The body that files were packed into, and the problem of each. */
export async function packFiles(
  seal: SealApi,
  job: PackFilesJob,
): Promise<{ body: Uint8Array; problems: number[] }> {
  let problems: number[] = [];
  const bytes = await settled((done) =>
    seal.packFiles(job, (error, bodyBytes, found) => {
      problems = [...found];
      done(error, bodyBytes);
    }),
  );
  return { body: job.out.subarray(0, bytes), problems };
}

/** The digest in hex. */
export function digestFile(
  seal: SealApi,
  job: DigestFileJob,
): Promise<{ digest: string; bytesRead: number }> {
  return new Promise((resolve, reject) => {
    seal.digestFile(job, (error, digest, bytesRead) => {
      if (error) reject(error);
      else resolve({ digest: Buffer.from(digest).toString('hex'), bytesRead });
    });
  });
}

/** The digest of what is in memory, in hex. */
export function digestBytes(seal: SealApi, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let returned = false;
    seal.digestBytes(bytes, (error, digest) => {
      if (error || !returned) reject(error ?? new Error('done came before the call returned'));
      else resolve(Buffer.from(digest).toString('hex'));
    });
    returned = true;
  });
}

function settled(call: (done: (error: Error | null, bodyBytes: number) => void) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    let returned = false;
    let calls = 0;
    call((error, bodyBytes) => {
      if (!returned || ++calls > 1) reject(new Error('done came before the call returned, or twice'));
      else if (error) reject(error);
      else resolve(bodyBytes);
    });
    returned = true;
  });
}
