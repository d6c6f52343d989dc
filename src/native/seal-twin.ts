import { read, write } from 'node:fs';
import {
  recordLayout,
  type JobDone,
  type OpenBodyJob,
  type OpenFileJob,
  type SealApi,
  type SealBodyJob,
  type SealFileJob,
  type SealFromJob,
} from './api.js';
import {
  requireBodyBytes,
  requireBytes,
  requireFd,
  requireFunction,
  requireHeader,
  requireKey,
  requirePosition,
} from './arguments.js';
import { digestBytes, digestFile } from './digest-twin.js';
import { errnoError, withErrnoName } from './errno-name.js';
import { packFiles, sealPacked } from './packed-twin.js';
import { bodyOf, keptKey, sealInPlace } from './record-cipher.js';
import { openHeader, openRecord, sealRecord } from './record-codec.js';
import { stageTimes, timed, timing } from './stage-clock.js';

const { bodyAt, headerBytes, overheadBytes } = recordLayout;

/**
 * Sealing without the addon: files through libuv's four threads, ciphers on the loop. About half of the addon's
 * speed, and the loop is busy meanwhile.
 */
export function sealTwin(): SealApi {
  return {
    ...{ sealFile, openFile, sealPacked, packFiles, sealBody, sealFrom, openBody },
    ...{ digestFile, digestBytes, stageTimes, openHeader },
    recordMemory: (bytes) => Buffer.allocUnsafeSlow(bytes),
    openSmall: (key, record) => openRecord(key, record).body,
    sealSmall: sealRecord,
  };
}

function sealFile(job: SealFileJob, done: JobDone): void {
  requireKey(job);
  requireFd(job.fd);
  requireBodyBytes(job.bodyBytes);
  requireHeader(job.header);
  requireBytes(job.out, 'out');
  requireFunction(done, 'done');
  const { fd, position, bodyBytes, out } = job;
  requirePosition(position, bodyBytes);
  if (out.length < overheadBytes + bodyBytes) throw new RangeError('out is too small for the record');
  const key = keptKey(job);
  const header = Uint8Array.from(job.header.subarray(0, headerBytes));

  const isRead = timing('readMs');
  const readFrom = (readBytes: number): void => {
    read(fd, out, bodyAt + readBytes, bodyBytes - readBytes, position + readBytes, (error, n) => {
      if (error) {
        done(withErrnoName(error), 0);
      } else if (n > 0 && readBytes + n < bodyBytes) {
        readFrom(readBytes + n);
      } else {
        isRead();
        timed('sealMs', () => sealInPlace(key, header, out, readBytes + n));
        done(null, readBytes + n);
      }
    });
  };
  readFrom(0);
}

function sealBody(job: SealBodyJob, done: JobDone): void {
  requireKey(job);
  requireBodyBytes(job.bodyBytes);
  requireHeader(job.header);
  requireBytes(job.out, 'out');
  requireFunction(done, 'done');
  const { bodyBytes, out } = job;
  if (out.length < overheadBytes + bodyBytes) throw new RangeError('out is too small for the record');
  const key = keptKey(job);
  const header = Uint8Array.from(job.header);
  setImmediate(() => {
    timed('sealMs', () => sealInPlace(key, header, out, bodyBytes));
    done(null, bodyBytes);
  });
}

function sealFrom(job: SealFromJob, done: JobDone): void {
  requireKey(job);
  requireBytes(job.body, 'body');
  requireBodyBytes(job.body.length);
  requireHeader(job.header);
  requireBytes(job.out, 'out');
  requireFunction(done, 'done');
  const { body, out } = job;
  if (out.length < overheadBytes + body.length) throw new RangeError('out is too small for the record');
  if (doOverlap(body, out)) throw new RangeError('body must not be a part of out');
  const key = keptKey(job);
  const header = Uint8Array.from(job.header);
  setImmediate(() => {
    timed('sealMs', () => sealInPlace(key, header, out, body.length, body));
    done(null, body.length);
  });
}

function openFile(job: OpenFileJob, done: JobDone): void {
  requireKey(job);
  requireBytes(job.record, 'record');
  requireFd(job.fd);
  requirePosition(job.position, job.record.length);
  requireFunction(done, 'done');
  const { fd, position } = job;
  openInPlace(job, done, (body) => {
    const isWritten = timing('writeMs');
    writeFrom(fd, body, position, 0, (error, bytes) => {
      isWritten();
      done(error, bytes);
    });
  });
}

function openBody(job: OpenBodyJob, done: JobDone): void {
  requireKey(job);
  requireBytes(job.record, 'record');
  requireFunction(done, 'done');
  openInPlace(job, done, (body) => done(null, body.length));
}

/** Gives `then` the body, which stands in the record by then; `done` has the error. Key and record were checked. */
function openInPlace(job: OpenBodyJob, done: JobDone, then: (body: Uint8Array) => void): void {
  const { record } = job;
  const key = keptKey(job);
  // Later in every case, since `done` may not run before this returns.
  setImmediate(() => {
    let body: Uint8Array;
    try {
      body = timed('openMs', () => bodyOf(key, record));
    } catch (error) {
      record.fill(0, bodyAt, Math.max(bodyAt, record.length - recordLayout.tagBytes));
      done(error as NodeJS.ErrnoException, 0);
      return;
    }
    record.set(body, bodyAt);
    then(body);
  });
}

const doOverlap = (a: Uint8Array, b: Uint8Array): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length;

function writeFrom(fd: number, body: Uint8Array, position: number, written: number, done: JobDone): void {
  if (written === body.length) {
    done(null, written);
    return;
  }
  write(fd, body, written, body.length - written, position + written, (error, n) => {
    if (error) done(withErrnoName(error), 0);
    else if (n === 0) done(errnoError('EIO', 'write'), 0);
    else writeFrom(fd, body, position, written + n, done);
  });
}
