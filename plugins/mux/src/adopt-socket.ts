import { Socket } from 'node:net';

/** What one read takes at most; measured: smaller costs calls, larger falls out of the CPU's cache. */
const readBufferBytes = 256 * 1024;

interface SocketInside {
  _handle: object | null;
}

/**
 * Moves the handle of a connected socket that has not read yet into a socket that reads into one fixed buffer:
 * `net.createServer` ignores `onread` (Node 20), and a dialled socket would need its buffer before it is known to be
 * the one that wins. The bytes given to `onBytes` are overwritten by the next read.
 */
export function adoptSocket(from: Socket, onBytes: (bytes: Uint8Array) => void): Socket {
  const inside = from as unknown as SocketInside;
  const handle = inside._handle;
  inside._handle = null;
  const buffer = Buffer.allocUnsafeSlow(readBufferBytes);
  const socket = new Socket({
    handle,
    allowHalfOpen: true,
    onread: {
      buffer,
      callback: (count: number) => {
        onBytes(buffer.subarray(0, count));
        return true;
      },
    },
  } as ConstructorParameters<typeof Socket>[0]);
  socket.setNoDelay(true);
  socket.resume();
  return socket;
}
