import { randomBytes } from 'node:crypto';
import { fileError, XferError } from '../errors/index.js';
import type { ByteSink, Endpoint } from '../pipe/endpoint.js';
import { DirectoryCache } from '../transfer/directory-cache.js';
import { entryKind, type ManifestEntry } from '../transfer/entry-codec.js';
import { checkPath, normalPath, ownNamePrefix, partSuffix } from '../transfer/names.js';
import { printable } from '../transfer/printable.js';
import { checkAmount, OverwritePolicy } from '../transfer/receive-policy.js';
import { writeAll } from '../transfer/write-all.js';
import type { ReceiverContext } from './file-sessions.js';

type FileContext = Pick<ReceiverContext, 'native' | 'root' | 'options'>;

/**
 * A file of a receiver whose content comes by a channel: nobody knows its length before its end. It has its name only when
 * all is there, and until then it is a temporary file that whatever fails takes away. Rejects with an XferError: for a
 * name that is not taken, and for what stands there and may not be replaced.
 */
export async function openStreamedFile(given: string, context: FileContext): Promise<Endpoint> {
  const path = normalPath(given);
  const hostile = checkPath(path);
  if (hostile) throw hostile;
  if (path.includes('/'))
    throw new XferError(
      'ERR_XFER_HOSTILE_NAME',
      `refused the name "${printable(path)}": it is no name of a file alone`,
    );
  const { files } = context.native;
  const policy = new OverwritePolicy(
    files,
    new DirectoryCache(files, context.root),
    context.options.policy ?? {},
  );
  const permission = await policy.decide(entryOf(path), () => false);
  if (permission.kind === 'leave')
    throw new XferError('ERR_XFER_REFUSED', `${printable(path)} was left as it is: ${permission.reason}`);
  const name = permission.kind === 'rename' ? permission.path : path;
  if ((await files.kindOf(context.root, name)) === 'directory')
    throw new XferError('ERR_XFER_IS_DIRECTORY', `a directory stands at ${printable(name)}`);
  const part = `${ownNamePrefix}${randomBytes(8).toString('hex')}${partSuffix}`;
  try {
    const fd = await files.createFile(context.root, part);
    const replaces = permission.kind === 'write' && policy.mayReplace(path);
    return new StreamedFile(context, { fd, part, name, replaces });
  } catch (cause) {
    throw fileError(cause, `cannot write ${printable(name)}`);
  }
}

interface Opened {
  readonly fd: number;
  readonly part: string;
  readonly name: string;
  readonly replaces: boolean;
}

class StreamedFile implements Endpoint, ByteSink {
  readonly kind = 'bytes';
  readonly label: string;
  readonly sink: ByteSink = this;
  readonly #context: FileContext;
  readonly #opened: Opened;
  #bytes = 0;
  #state: 'open' | 'finishing' | 'over' = 'open';
  #writing: Promise<void> = Promise.resolve();

  constructor(context: FileContext, opened: Opened) {
    this.#context = context;
    this.#opened = opened;
    this.label = printable(opened.name);
  }

  write(bytes: Uint8Array): Promise<void> {
    const position = this.#bytes;
    this.#bytes += bytes.length;
    const tooMuch = checkAmount(this.#context.options.policy ?? {}, this.#bytes, 1);
    if (tooMuch) return Promise.reject(tooMuch);
    const writing = new Promise<void>((resolve, reject) =>
      writeAll(this.#opened.fd, bytes, position, (error) =>
        error ? reject(this.#failure(error)) : resolve(),
      ),
    );
    this.#writing = writing.catch(() => undefined);
    return writing;
  }

  /** It gets its name. Where that fails, `close` takes it away. */
  async end(): Promise<void> {
    const { native, root, options } = this.#context;
    const { fd, part, name, replaces } = this.#opened;
    this.#state = 'finishing';
    try {
      await native.files.finishFile({
        ...{ fd, directory: root, from: part, to: name, mode: createMode },
        mtimeNs: BigInt(Date.now()) * 1_000_000n,
        replace: replaces,
        sync: options.policy?.syncs ?? false,
      });
    } catch (cause) {
      throw this.#failure(cause);
    }
    this.#state = 'over';
  }

  /** `close` takes it away. */
  abort(): void {}

  /** Nobody who reads a file goes away. */
  onBroken(): void {}

  async close(): Promise<void> {
    const { files } = this.#context.native;
    const before = this.#state;
    this.#state = 'over';
    if (before === 'over') return;
    await this.#writing;
    // What could not be finished was closed with that.
    if (before === 'open') await files.close(this.#opened.fd).catch(() => undefined);
    await files.remove(this.#context.root, this.#opened.part).catch(() => undefined);
  }

  #failure(cause: unknown): XferError {
    return fileError(cause, `cannot write ${this.label}`);
  }
}

/** As most programs make files: nobody has told another mode. */
const createMode = 0o644;

/** All that the policy on what stands there asks for. */
const entryOf = (path: string): ManifestEntry => ({
  ...{ id: 0, kind: entryKind.file, path, size: 0, mode: createMode },
  ...{ mtimeSeconds: 0, mtimeNanoseconds: 0, target: '', token: new Uint8Array() },
});
