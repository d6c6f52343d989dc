import { fileError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { descriptorSink } from './descriptor-sink.js';
import type { ByteSink } from './endpoint.js';
import type { StdioOptions } from './stdio-source.js';

/**
 * Standard output: a pipe, a file from where it stands, a terminal, a socket, a device. Nothing else of the process may
 * write to it. Throws an XferError where there is none.
 */
export function stdoutSink({ fd = 1, native = nativeApi() }: StdioOptions = {}): ByteSink {
  try {
    return descriptorSink(native.descriptors.writer(fd), 'standard output');
  } catch (error) {
    throw fileError(error, 'standard output is not open');
  }
}
