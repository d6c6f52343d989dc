import { fileError, XferError } from '../errors/index.js';
import type { DescriptorWriter } from '../native/api.js';
import type { ByteSink } from './endpoint.js';

/** A descriptor that takes bytes; `what` names it in errors: `standard output`. */
export function descriptorSink(writer: DescriptorWriter, what: string): ByteSink {
  const brokenPipe = (cause?: unknown) =>
    new XferError('ERR_XFER_BROKEN_PIPE', `nobody reads ${what} any more`, { cause });
  const failure = (cause: unknown) =>
    isBroken(cause) ? brokenPipe(cause) : fileError(cause, `${what} could not be written`);
  return {
    kind: 'bytes',
    write: async (bytes) => {
      try {
        await writer.write(bytes);
      } catch (error) {
        throw failure(error);
      }
    },
    end: async () => {
      try {
        await Promise.resolve(writer.close());
      } catch (error) {
        throw failure(error);
      }
    },
    // A reader of a pipe cannot be told more than that it ends.
    abort: () => {
      try {
        writer.close();
      } catch {
        // What was written is not all anyway.
      }
    },
    onBroken: (handler) => writer.onBroken(() => handler(brokenPipe())),
  };
}

/** A socket whose other side was closed with bytes unread says ECONNRESET. */
const isBroken = (error: unknown): boolean => ['EPIPE', 'ECONNRESET'].includes(codeOf(error));

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
