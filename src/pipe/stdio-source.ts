import { fileError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { nativeApi } from '../native/index.js';
import { descriptorSource } from './descriptor-source.js';
import type { ByteSource } from './endpoint.js';

export interface StdioOptions {
  /** Default: that of standard input or output. Anything that can be read or written. */
  readonly fd?: number;
  readonly native?: Pick<NativeApi, 'descriptors'>;
}

/**
 * Standard input: a pipe, a file from where it stands, a terminal, a socket, a device. Nothing else of the process may read
 * it. Throws an XferError where there is none.
 */
export function stdinSource({ fd = 0, native = nativeApi() }: StdioOptions = {}): ByteSource {
  try {
    return descriptorSource(native.descriptors.reader(fd), 'standard input');
  } catch (error) {
    throw fileError(error, 'standard input is not open');
  }
}
