import { XferError } from 'xfer/plugin';
import type * as Zeromq from 'zeromq';

/** zeromq.js 6: libzmq under Node-API. */
export type ZmqBinding = typeof Zeromq;

export type ZmqContext = Zeromq.Context;

/** What all six kinds of sockets have; one send and one receive at a time. */
export type ZmqSocketBase = Zeromq.Socket;

/** Those that can be read. */
export interface ReadableSocket {
  receiveTimeout: number;
  /** Also takes in what other threads told the socket: see message-source.ts. */
  readonly readable: boolean;
  /** With a timeout of 0 the promise is settled when it is returned. */
  receive(): Promise<Uint8Array[]>;
}

/** Those that can be written. */
export interface WritableSocket {
  sendTimeout: number;
  readonly writable: boolean;
  /** Parts longer than 128 bytes are not copied, and belong to libzmq until it has sent them. */
  send(message: Uint8Array | Uint8Array[]): Promise<void>;
}

/** Rejects with ERR_XFER_NO_ENDPOINT where it is not installed, or not for this machine. */
export async function loadBinding(
  load: () => Promise<ZmqBinding> = () => import('zeromq'),
): Promise<ZmqBinding> {
  try {
    return await load();
  } catch (cause) {
    throw new XferError('ERR_XFER_NO_ENDPOINT', 'there is no ZeroMQ here: zeromq cannot be loaded', {
      cause,
      remedy: 'npm install zeromq, where there is that package; other endpoints work without',
    });
  }
}

/** errno's name of a failure of the binding. */
export function errnoOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
}
