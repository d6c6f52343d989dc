import { closeSync, openSync, read, readSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import type { DescriptorReader, DescriptorsApi, DescriptorWriter } from './descriptors-api.js';
import { errnoError, withErrnoName } from './errno-name.js';
import { closeDescription, descriptorKind, ownDescription, type OwnDescription } from './own-description.js';

/** How often it is tried whether somebody writes to a FIFO. */
const attemptMs = 20;

/**
 * Descriptors without the addon: streams of Node for what can be waited for, with a copy out of their memory, and reads and
 * writes of node:fs for the rest. A socket, and what cannot be opened again, get O_NONBLOCK for everybody, since that is how
 * Node reads them; Node takes it from 0, 1 and 2 again when it ends. Node reads ahead, so what is left in a pipe by `stop` is
 * less than was not read. Nobody notices that a reader has gone before the next
 * write.
 */
export function descriptorsTwin(): DescriptorsApi {
  return {
    reader: (fd, options) => {
      const of = ownDescription(fd, 'read', options);
      if (options?.awaitsWriter === true) return new LateReader(of);
      return isWaitedFor(of) ? new StreamReader(of) : new FileReader(of);
    },
    writer: (fd, options) => {
      const of = ownDescription(fd, 'write', options);
      return isWaitedFor(of) ? new StreamWriter(of) : new FileWriter(of);
    },
  };
}

/** A device that is no terminal is read as a file is: Node has no other way. */
const isWaitedFor = ({ kind, fd }: OwnDescription): boolean =>
  kind === descriptorKind.pipe || kind === descriptorKind.socket || isatty(fd);

/** Node's streams close what they were made of themselves. */
function streamOf(of: OwnDescription, use: 'read' | 'write'): Socket {
  if (isatty(of.fd)) return use === 'read' ? new ReadStream(of.fd) : new WriteStream(of.fd);
  return new Socket({ fd: of.fd, readable: use === 'read', writable: use === 'write' });
}

class StreamReader implements DescriptorReader {
  readonly #of: OwnDescription;
  readonly #stream: Socket;
  #error: Error | undefined;
  #isOver = false;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(of: OwnDescription) {
    this.#of = of;
    this.#stream = streamOf(of, 'read');
    const wake = () => this.#wake?.();
    this.#stream.on('error', (error) => {
      this.#error = withErrnoName(error);
      wake();
    });
    this.#stream.on('readable', wake);
    for (const event of ['end', 'close'])
      this.#stream.on(event, () => {
        this.#isOver = true;
        wake();
      });
  }

  async read(into: Uint8Array): Promise<number> {
    for (;;) {
      if (this.#isClosed) return 0;
      const wanted = Math.min(into.length, this.#stream.readableLength);
      const bytes = wanted > 0 ? (this.#stream.read(wanted) as Uint8Array | null) : null;
      if (bytes) {
        into.set(bytes);
        return bytes.length;
      }
      if (this.#error) throw this.#error;
      if (this.#isOver) return 0;
      // Without a call that gives nothing no more would be read, and the end not be told.
      this.#stream.read(0);
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = this.#isOver = true;
    closeStream(this.#stream, this.#of);
    this.#wake?.();
  }
}

/** A FIFO until somebody writes to it, which only trying tells: nothing is its end till then, and EAGAIN that somebody does. */
class LateReader implements DescriptorReader {
  readonly #of: OwnDescription;
  #reader: StreamReader | undefined;
  #timer: NodeJS.Timeout | undefined;
  #end: ((bytes: number) => void) | undefined;
  #isClosed = false;

  constructor(of: OwnDescription) {
    this.#of = of;
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#isClosed) return 0;
    if (this.#reader) return this.#reader.read(into);
    const first = await new Promise<number>((resolve, reject) => {
      this.#end = resolve;
      const attempt = () => {
        try {
          const bytes = readSync(this.#of.fd, into);
          if (bytes > 0) resolve(bytes);
          else this.#timer = setTimeout(attempt, attemptMs);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EAGAIN') resolve(0);
          else reject(withErrnoName(error as NodeJS.ErrnoException));
        }
      };
      attempt();
    });
    if (this.#end === undefined) return 0;
    this.#reader = new StreamReader(this.#of);
    return first > 0 ? first : this.#reader.read(into);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (this.#reader) return this.#reader.close();
    closeDescription(this.#of, replaceByNull);
    this.#end?.(0);
    this.#end = undefined;
  }
}

class StreamWriter implements DescriptorWriter {
  readonly #of: OwnDescription;
  readonly #stream: Socket;
  #error: Error | undefined;
  #fail: ((error: Error) => void) | undefined;
  #isClosed = false;

  constructor(of: OwnDescription) {
    this.#of = of;
    this.#stream = streamOf(of, 'write');
    this.#stream.on('error', (error) => {
      this.#error = withErrnoName(error);
      this.#fail?.(this.#error);
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) throw errnoError('EPIPE', 'write');
    if (this.#error) throw this.#error;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#stream.write(bytes, (error) => {
        if (error) reject(withErrnoName(error));
        else resolve();
      });
    });
    this.#fail = undefined;
  }

  onBroken(): void {
    // Nothing tells that: see above.
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeStream(this.#stream, this.#of);
    this.#fail?.(errnoError('EPIPE', 'write'));
  }
}

class FileReader implements DescriptorReader {
  readonly #file: SharedFile;

  constructor(of: OwnDescription) {
    this.#file = new SharedFile(of);
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#file.isClosed()) return 0;
    const bytes = await this.#file.call((fd, done) => read(fd, into, 0, into.length, null, done));
    return this.#file.isClosed() ? 0 : bytes;
  }

  close(): void {
    this.#file.close();
  }
}

class FileWriter implements DescriptorWriter {
  readonly #file: SharedFile;

  constructor(of: OwnDescription) {
    this.#file = new SharedFile(of);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#file.isClosed()) throw errnoError('EPIPE', 'write');
      const written = await this.#file.call((fd, done) =>
        write(fd, bytes, at, bytes.length - at, null, done),
      );
      if (written === 0) throw errnoError('EIO', 'write');
      at += written;
    }
  }

  onBroken(): void {
    // A file has no reader that could go.
  }

  close(): void {
    this.#file.close();
  }
}

/** At its own offset, which it shares with all that have it. It stays open while a call is under way. */
class SharedFile {
  readonly #of: OwnDescription;
  #isBusy = false;
  #isClosed = false;

  constructor(of: OwnDescription) {
    this.#of = of;
  }

  /** A method, since it may change during any wait. */
  isClosed(): boolean {
    return this.#isClosed;
  }

  call(
    start: (fd: number, done: (error: NodeJS.ErrnoException | null, bytes: number) => void) => void,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#isBusy = true;
      start(this.#of.fd, (error, bytes) => {
        this.#isBusy = false;
        try {
          if (this.#isClosed) closeDescription(this.#of, replaceByNull);
        } catch {
          // A failed close(2) has closed all the same, and nobody waits for what it says.
        }
        if (error) reject(withErrnoName(error));
        else resolve(bytes);
      });
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isBusy) closeDescription(this.#of, replaceByNull);
  }
}

/** Node's stream of a terminal has a description that libuv made; any other closes what it was given. */
function closeStream(stream: Socket, { fd, given }: OwnDescription): void {
  const left = isTerminal(stream) ? [fd, given] : [given].filter((one) => one !== fd || one <= 2);
  stream.destroy();
  for (const one of new Set(left)) {
    if (one <= 2) replaceByNull(one);
    else closeSync(one);
  }
}

const isTerminal = (stream: Socket): boolean => stream instanceof ReadStream || stream instanceof WriteStream;

/** Another thread could open something between the two; the addon's cannot. */
function replaceByNull(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It was closed before, by a stream.
  }
  const opened = openSync('/dev/null', 'r+');
  if (opened !== fd) closeSync(opened);
}
