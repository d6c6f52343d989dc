import { readSync } from 'node:fs';
import { Socket } from 'node:net';

/** What Node keeps inside of a socket, and has no public name for. All use of it is in this file. */
interface SocketInside {
  _handle: Handle | null;
}

interface Handle {
  /** -1 where there is none (Windows). */
  readonly fd?: number;
  reading: boolean;
  readStop(): void;
}

/**
 * Moves the handle of a connected socket that has read nothing into a socket that reads into `buffer`, and stands still
 * until `resume`: `net.createServer` and `spawn` know no `onread` (Node 20). `onBytes` says whether to read on at once; if
 * not, `buffer` is left alone until the next `resume`.
 */
export function movedSocket(from: Socket, buffer: Uint8Array, onBytes: (count: number) => boolean): Socket {
  const inside = from as unknown as SocketInside;
  const handle = inside._handle;
  inside._handle = null;
  if (handle) {
    handle.reading = false;
    handle.readStop();
  }
  return new Socket({
    handle,
    allowHalfOpen: true,
    pauseOnCreate: true,
    onread: { buffer, callback: onBytes },
  } as ConstructorParameters<typeof Socket>[0]);
}

/**
 * Reads what is there straight into `into`, and waits for nothing: undefined where nothing is there, or where it cannot be
 * done. 0 is the end. Throws what the system says, once: the socket itself does not hear of it any more.
 */
export function readNow(socket: Socket, into: Uint8Array): number | undefined {
  const fd = (socket as unknown as SocketInside)._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  try {
    return readSync(fd, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

/**
 * Closes a socket such that the other side does not take it for an end: TCP's RST, ahead of all that waits. A socket of
 * another kind has no such thing and is only closed.
 */
export function resetSocket(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
