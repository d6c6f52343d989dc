import type { DescriptorAddon, DescriptorWatch } from './addon.js';
import type { DescriptorReader, DescriptorsApi, DescriptorWriter, ReaderOptions } from './descriptors-api.js';
import { errnoError, errnoName } from './errno-name.js';
import { closeDescription, descriptorKind, ownDescription, type OwnDescription } from './own-description.js';

/** What `readNow` and `writeNow` give instead of bytes where there is more than is done on the loop. */
const much = -4096;
const readable = 1;
const writable = 2;
const broken = 4;
const nothingThere = 'EAGAIN';
/** The most that a pipe holds by default limits (pipe(7)): the other side can work on while this one does something else. */
const pipeBytes = 2 ** 20;

export function nativeDescriptors(addon: DescriptorAddon): DescriptorsApi {
  return {
    reader: (fd, options) => new NativeReader(addon, ownDescription(fd, 'read', options), options),
    writer: (fd, options) => new NativeWriter(addon, ownDescription(fd, 'write', options)),
  };
}

interface Waiting {
  readonly resume: () => void;
  readonly end: () => void;
}

/** A descriptor, and the one call that waits until it is ready. */
class Described {
  readonly addon: DescriptorAddon;
  readonly of: OwnDescription;
  readonly #watch: DescriptorWatch | undefined;
  #waiting: Waiting | undefined;
  #isBusy = false;
  #isClosed = false;

  constructor(addon: DescriptorAddon, of: OwnDescription, onReady: (events: number) => void) {
    this.addon = addon;
    this.#watch = watchOf(addon, of, (events) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting) waiting.resume();
      else onReady(events);
    });
    // What cannot be watched never waits: a regular file, /dev/null, /dev/zero.
    this.of = this.#watch ? of : { ...of, kind: descriptorKind.file };
    if (of.kind === descriptorKind.pipe) addon.growPipe(of.fd, pipeBytes);
  }

  /** A method, since it may change during any wait. */
  isClosed(): boolean {
    return this.#isClosed;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined || this.#isBusy;
  }

  /** What is always ready has nothing to wait for, and is tried again. */
  wait(events: number, waiting: Waiting): void {
    if (this.#isClosed) return waiting.end();
    if (!this.#watch) return void setImmediate(waiting.resume);
    this.#waiting = waiting;
    this.#watch.want(events);
  }

  /** That the other side has gone is told once; and again after this. */
  lookOut(): void {
    if (!this.#isClosed) this.#watch?.want(0);
  }

  /** A job on the pool, during which the descriptor stays open. */
  work(submit: (done: (error: NodeJS.ErrnoException | null, bytes: number) => void) => void) {
    return new Promise<number>((resolve, reject) => {
      this.#isBusy = true;
      submit((error, bytes) => {
        this.#isBusy = false;
        if (this.#isClosed) this.#letGoQuietly();
        if (error) reject(error);
        else resolve(bytes);
      });
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.close();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.end();
    if (!this.#isBusy) this.#letGo();
  }

  /** Whoever closed it while something was under way does not want to know how that ended. */
  #letGoQuietly(): void {
    try {
      this.#letGo();
    } catch {
      // A failed close(2) has closed all the same.
    }
  }

  #letGo(): void {
    closeDescription(this.of, (fd) => this.addon.replaceByNull(fd));
  }
}

class NativeReader implements DescriptorReader {
  readonly #described: Described;
  #awaitsWriter: boolean;
  #isOver = false;

  constructor(addon: DescriptorAddon, of: OwnDescription, options: ReaderOptions = {}) {
    this.#awaitsWriter = options.awaitsWriter === true;
    this.#described = new Described(addon, of, () => undefined);
  }

  async read(into: Uint8Array): Promise<number> {
    for (;;) {
      if (this.#isOver || this.#described.isClosed()) return 0;
      const bytes = this.#awaitsWriter ? undefined : await this.#attempt(into);
      if (bytes === undefined) {
        this.#awaitsWriter = false;
        await new Promise<void>((resume) => this.#described.wait(readable, { resume, end: resume }));
      } else {
        // The end stays: a FIFO would go on where somebody else opens it.
        this.#isOver = bytes === 0;
        return this.#described.isClosed() ? 0 : bytes;
      }
    }
  }

  close(): void {
    this.#described.close();
  }

  /** undefined where nothing is there. */
  async #attempt(into: Uint8Array): Promise<number | undefined> {
    const { addon, of } = this.#described;
    const { fd, kind } = of;
    const now = isSlow(kind) ? much : addon.readNow(fd, kind, into);
    if (now !== much) return taken(now, 'read');
    return this.#described.work((done) => addon.readDescriptor(fd, kind, into, done)).catch(nothingOf);
  }
}

class NativeWriter implements DescriptorWriter {
  readonly #described: Described;
  #onBroken: (() => void) | undefined;
  #isBroken = false;

  constructor(addon: DescriptorAddon, of: OwnDescription) {
    this.#described = new Described(addon, of, (events) => {
      if ((events & broken) === 0) return;
      this.#isBroken = true;
      if (!this.#described.isWaiting) this.#tell();
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    const described = this.#described;
    for (let at = 0; at < bytes.length;) {
      if (described.isClosed()) throw errnoError('EPIPE', 'write');
      const written = await this.#attempt(bytes.subarray(at));
      if (written !== undefined) {
        at += written;
        continue;
      }
      await new Promise<void>((resume) => described.wait(writable, { resume, end: resume }));
      described.lookOut();
    }
  }

  onBroken(handler: () => void): void {
    this.#onBroken = handler;
    if (this.#isBroken) queueMicrotask(() => this.#tell());
  }

  close(): void {
    this.#described.close();
  }

  async #attempt(bytes: Uint8Array): Promise<number | undefined> {
    const { addon, of } = this.#described;
    const { fd, kind } = of;
    const now = isSlow(kind) ? much : addon.writeNow(fd, kind, bytes);
    if (now !== much) return taken(now, 'write');
    return this.#described.work((done) => addon.writeDescriptor(fd, kind, bytes, done)).catch(nothingOf);
  }

  #tell(): void {
    const handler = this.#onBroken;
    this.#onBroken = undefined;
    if (!this.#described.isClosed()) handler?.();
  }
}

/** Whether a call may take long although it is ready: never on the loop. */
const isSlow = (kind: number): boolean => kind === descriptorKind.file || kind === descriptorKind.shared;

/** undefined for what is always ready. */
function watchOf(
  addon: DescriptorAddon,
  { fd, kind }: OwnDescription,
  onReady: (events: number) => void,
): DescriptorWatch | undefined {
  if (kind === descriptorKind.file) return undefined;
  try {
    return new addon.DescriptorWatch(fd, onReady);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return undefined;
    throw error;
  }
}

function taken(outcome: number, syscall: string): number | undefined {
  if (outcome >= 0) return outcome;
  const code = errnoName(-outcome);
  // Without an error that nobody sees: it would cost more than the call.
  if (code === nothingThere) return undefined;
  throw errnoError(code, syscall);
}

function nothingOf(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== nothingThere) throw error;
}
