import { close, constants, fstat, ftruncate, open, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fileError, XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { nativeApi } from '../native/index.js';
import { printable } from '../transfer/printable.js';
import { descriptorSink } from './descriptor-sink.js';
import { descriptorSource } from './descriptor-source.js';
import {
  endpointApiVersion,
  type Endpoint,
  type EndpointDescriptor,
  type EndpointKind,
  type EndpointOptions,
  type EndpointUse,
} from './endpoint.js';

/** What is made gets 0666 less the umask, as of any program. */
const createMode = 0o666;
/** How often it is tried whether somebody reads a FIFO, which nothing tells. */
const attemptMs = 20;
const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);
const truncateFile = promisify(ftruncate);
/** How often each file is a source of this process now. */
const readHere = new Map<string, number>();

/**
 * `file:PATH`: a regular file, a FIFO or a device, from its beginning; to one that is made or emptied. The path stands there
 * as it is, nothing in it is decoded; `file:///PATH` is the same as `file:/PATH`.
 */
export function fileEndpoints(native?: Pick<NativeApi, 'descriptors'>): EndpointDescriptor {
  return {
    apiVersion: endpointApiVersion,
    name: 'file',
    schemes: ['file'],
    load: () => Promise.resolve(fileKind(native ?? nativeApi())),
  };
}

function fileKind(native: Pick<NativeApi, 'descriptors'>): EndpointKind {
  return {
    check: (url, use) => void pathOf(url, use),
    open: (url, options) => {
      const path = pathOf(url, options.use);
      return options.use === 'source' ? openSource(path, options, native) : openSink(path, options, native);
    },
  };
}

function pathOf(url: string, use: EndpointUse): string {
  const rest = url.slice(url.indexOf(':') + 1);
  const path = rest.startsWith('///') ? rest.slice(2) : rest;
  if (path === '' || path.includes('\0'))
    throw new XferError('ERR_XFER_USAGE', 'file: needs a path behind it: file:/var/log/syslog');
  if (path.startsWith('//'))
    throw new XferError('ERR_XFER_USAGE', 'a file: is on this machine: write file:PATH or file:///PATH');
  if (use === 'both') throw new XferError('ERR_XFER_USAGE', 'a file: gives or takes, not both at once');
  return path;
}

async function openSource(
  path: string,
  { signal }: EndpointOptions,
  native: Pick<NativeApi, 'descriptors'>,
): Promise<Endpoint> {
  const label = `file:${printable(path)}`;
  signal.throwIfAborted();
  // A FIFO is open at once then, whether or not somebody writes to it; its reader waits for that.
  const fd = await opened(path, constants.O_RDONLY, label);
  return settled(fd, label, signal, (found) => {
    const reader = native.descriptors.reader(fd, { isOwn: true, awaitsWriter: found.isFIFO() });
    const source = descriptorSource(reader, label);
    const id = idOf(found);
    readHere.set(id, (readHere.get(id) ?? 0) + 1);
    let isClosed = false;
    return {
      label,
      source,
      close: () => {
        source.stop();
        if (!isClosed) forget(id);
        isClosed = true;
        return Promise.resolve();
      },
    };
  });
}

async function openSink(
  path: string,
  { signal }: EndpointOptions,
  native: Pick<NativeApi, 'descriptors'>,
): Promise<Endpoint> {
  const label = `file:${printable(path)}`;
  // It is emptied when it is known that nobody here reads it.
  const flags = constants.O_WRONLY | constants.O_CREAT;
  signal.throwIfAborted();
  let fd = await openedForReader(path, flags, label);
  while (fd === undefined) {
    await setTimeout(attemptMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    fd = await openedForReader(path, flags, label);
  }
  const taken = fd;
  return settled(taken, label, signal, async (found) => {
    if (found.isFile()) {
      if (readHere.has(idOf(found)))
        throw new XferError('ERR_XFER_USAGE', `${label} is read by this pipe, and would be emptied`, {
          remedy: 'write to another file, and rename it afterwards',
        });
      await truncateFile(taken, 0).catch((error: unknown) => {
        throw fileError(error, `${label} could not be emptied`);
      });
    }
    const sink = descriptorSink(native.descriptors.writer(taken, { isOwn: true }), label);
    return {
      label,
      sink,
      close: () => {
        sink.abort(new XferError('ERR_XFER_INTERRUPTED', 'the file was let go'));
        return Promise.resolve();
      },
    };
  });
}

/** undefined for a FIFO that nobody reads: opened otherwise it would block a thread until somebody does. */
async function openedForReader(path: string, flags: number, label: string): Promise<number | undefined> {
  try {
    return await opened(path, flags, label);
  } catch (error) {
    const found = await stat(path).catch(() => undefined);
    if (errnoOf(error) === 'ENXIO' && found?.isFIFO() === true) return undefined;
    throw error;
  }
}

async function opened(path: string, flags: number, label: string): Promise<number> {
  try {
    return await openFile(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY, createMode);
  } catch (error) {
    throw fileError(error, `${label} could not be opened`);
  }
}

/** Makes an endpoint of what was opened, or closes it. */
async function settled(
  fd: number,
  label: string,
  signal: AbortSignal,
  make: (found: BigIntStats) => Endpoint | Promise<Endpoint>,
): Promise<Endpoint> {
  try {
    signal.throwIfAborted();
    const found = await statFile(fd, { bigint: true });
    if (found.isDirectory())
      throw new XferError('ERR_XFER_IS_DIRECTORY', `${label} is a directory: send it with xfer send`);
    return await make(found);
  } catch (error) {
    await closeFile(fd).catch(() => undefined);
    throw error;
  }
}

const idOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;

function forget(id: string): void {
  const left = (readHere.get(id) ?? 0) - 1;
  if (left > 0) readHere.set(id, left);
  else readHere.delete(id);
}

const errnoOf = (error: unknown): unknown =>
  error instanceof XferError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
