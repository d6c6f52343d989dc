import { fileError } from '../errors/index.js';
import type { DescriptorReader } from '../native/api.js';
import type { ByteSource } from './endpoint.js';

/** What a descriptor gives; `what` names it in errors: `standard input`. */
export function descriptorSource(reader: DescriptorReader, what: string): ByteSource {
  return {
    kind: 'bytes',
    read: async (into) => {
      try {
        return await reader.read(into);
      } catch (error) {
        throw fileError(error, `${what} could not be read`);
      }
    },
    stop: () => {
      try {
        reader.close();
      } catch {
        // Nobody wants to know how reading ended.
      }
    },
  };
}
