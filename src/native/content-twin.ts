import type { FilesApi } from './api.js';
import {
  requireBytes,
  requireFd,
  requireMost,
  requirePosition,
  requireSize,
  requireText,
} from './arguments.js';
import { errnoError } from './errno-name.js';
import { fstat, read, write } from './file-calls.js';
import type { HeldPaths } from './held-paths.js';

const copyBytes = 2 ** 18;
const namespace = 'user.';

type ContentCalls = 'attributesOf' | 'copyRegion' | 'dataRegions' | 'openDirect' | 'setAttributes';

/** What files hold, without the addon: every file is data from end to end, none has attributes, all goes through the page cache. */
export function contentTwin({ call }: HeldPaths): Pick<FilesApi, ContentCalls> {
  return {
    dataRegions: (fd, from, most) =>
      call(async () => {
        requireFd(fd);
        requireSize(from, 'from');
        requireMost(most);
        const { size } = await fstat(fd);
        return from < size ? Float64Array.of(from, size) : new Float64Array();
      }),

    openDirect: (fd) =>
      call(async () => {
        requireFd(fd);
        await fstat(fd);
        return undefined;
      }),

    attributesOf: (fd) =>
      call(async () => {
        requireFd(fd);
        await fstat(fd);
        return [];
      }),

    setAttributes: (fd, attributes) =>
      call(async () => {
        requireFd(fd);
        for (const [name, value] of attributes) {
          requireText(name, 'a name');
          requireBytes(value, 'a value');
        }
        if (attributes.some(([name]) => name.includes('\0'))) throw errnoError('EINVAL', 'fsetxattr');
        if (!attributes.every(([name]) => name.startsWith(namespace))) throw errnoError('EPERM', 'fsetxattr');
        await fstat(fd);
        if (attributes.length > 0) throw errnoError('ENOTSUP', 'fsetxattr');
      }),

    copyRegion: (from, to, position, bytes) =>
      call(async () => {
        requireFd(from);
        requireFd(to);
        requireSize(bytes);
        requirePosition(position, bytes);
        const buffer = Buffer.allocUnsafe(Math.min(bytes, copyBytes));
        for (let copied = 0; copied < bytes;) {
          const wanted = Math.min(buffer.length, bytes - copied);
          const { bytesRead } = await read(from, buffer, 0, wanted, position + copied);
          if (bytesRead === 0) throw errnoError('ENODATA', 'read');
          for (let written = 0; written < bytesRead;) {
            const at = position + copied + written;
            const { bytesWritten } = await write(to, buffer, written, bytesRead - written, at);
            if (bytesWritten === 0) throw errnoError('EIO', 'write');
            written += bytesWritten;
          }
          copied += bytesRead;
        }
      }),
  };
}
