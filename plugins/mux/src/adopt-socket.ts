import { Socket } from 'node:net';
import type { Place } from 'xfer/plugin';

/** What one read takes at most; measured: smaller costs calls, larger falls out of the CPU's cache. */
const readBufferBytes = 256 * 1024;

interface SocketInside {
  _handle: Handle | null;
}

interface Handle {
  reading: boolean;
  readStop(): void;
}

/**
 * Moves the handle of a connected socket that is not reading into a socket that reads into one fixed buffer:
 * `net.createServer` ignores `onread` (Node 20), and a dialled socket would need its buffer before it is known to be
 * the one that wins. The bytes given to `onBytes` are overwritten by the next read, unless `place` gave other memory.
 */
export function adoptSocket(
  from: Socket,
  onBytes: (bytes: Uint8Array) => void,
  place: () => Place | undefined = () => undefined,
): Socket {
  const inside = from as unknown as SocketInside;
  const handle = inside._handle;
  inside._handle = null;
  // Not made where `place` always has memory.
  let own: Buffer | undefined;
  const next = (): Uint8Array => {
    const wanted = place();
    if (wanted instanceof Uint8Array) return wanted;
    const buffer = (own ??= Buffer.allocUnsafeSlow(readBufferBytes));
    return wanted ? buffer.subarray(0, wanted.bytes) : buffer;
  };
  const socket = new Socket({
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: next,
      callback: (count: number, into: Uint8Array) => {
        onBytes(into.subarray(0, count));
        return true;
      },
    },
  } as ConstructorParameters<typeof Socket>[0]);
  socket.setNoDelay(true);
  socket.resume();
  return socket;
}

/**
 * Gives the first bytes of a socket that has not read yet, and reads no further: for `adoptSocket`, or to be put back
 * with `unshift`. A socket that ends without any is destroyed.
 */
export function onFirstBytes(socket: Socket, handler: (bytes: Buffer) => void): void {
  const ended = (): void => void socket.destroy();
  socket.once('end', ended);
  socket.once('data', (bytes: Buffer) => {
    socket.off('end', ended);
    if (!stopReading(socket)) return;
    socket.pause();
    handler(bytes);
  });
  socket.resume();
}

/** A paused stream reads on until its buffer is full, and what is in there would not move with the handle. False: it has none. */
export function stopReading(socket: Socket): boolean {
  const handle = (socket as unknown as SocketInside)._handle;
  if (!handle) return false;
  handle.reading = false;
  handle.readStop();
  return true;
}
