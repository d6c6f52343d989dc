import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import { entryKind, isTellable } from './entry-codec.js';
import { printable } from './printable.js';
import type { SourceEntry } from './source-entry.js';

/** Tells the extended attributes of an entry, those of namespace `user.`. Rejects with an XferError. */
export function attributeReader(files: FilesApi): (entry: SourceEntry) => Promise<void> {
  return async (entry) => {
    if (entry.kind !== entryKind.file && entry.kind !== entryKind.directory) return;
    try {
      const handle = await open(entry.source, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const attributes = await files.attributesOf(handle.fd);
        if (!isTellable(attributes))
          throw Object.assign(new Error('there are more than can be told'), { code: 'E2BIG' });
        if (attributes.length > 0) entry.attributes = attributes;
      } finally {
        await handle.close();
      }
    } catch (cause) {
      throw fileError(cause, `cannot read the attributes of ${printable(entry.source)}`);
    }
  };
}
