import { lstat, unlink } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { fileError, isXferError, networkError, XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';
import { connectedSocket } from './connected-socket.js';
import type { EndpointKind } from './endpoint.js';
import { SocketEndpoint } from './socket-endpoint.js';
import { acceptOne, listenOnSocket, type SocketPlace } from './socket-listener.js';
import { isListenedOn } from './unix-listeners.js';

const scheme = 'unix:';
const listenWord = 'listen:';
/** What `sun_path` holds besides its NUL: 108 bytes on Linux, 104 on macOS and the BSDs. */
const maxPathBytes = process.platform === 'linux' ? 107 : 103;

/**
 * `unix:PATH` connects, `unix:listen:PATH` accepts (`unix:./listen:x` connects to a file of that name). A socket that a
 * dead process left behind is replaced where nobody answers on it; ours is removed at the end. Who may connect is up to the
 * umask and the directory.
 */
export const unixEndpoint: EndpointKind = Object.freeze({
  check(url, _use) {
    place(url);
  },
  async open(url, options) {
    const { path, isListening } = place(url);
    const { use, signal } = options;
    const label = printable(url);
    signal.throwIfAborted();
    if (!isListening) return new SocketEndpoint(await connected(path, label, signal), { label, use });
    return takingOver(path, label, () => acceptOne(listening(path, label), options));
  },
  async listen(url, options) {
    const { path, isListening } = place(url);
    if (!isListening)
      throw new XferError(
        'ERR_XFER_USAGE',
        `${printable(url)} does not listen: write ${scheme}${listenWord}PATH`,
      );
    const label = printable(url);
    return takingOver(path, label, () => listenOnSocket(listening(path, label), options));
  },
} satisfies EndpointKind);

function place(url: string): { path: string; isListening: boolean } {
  const rest = url.slice(scheme.length);
  const isListening = rest.startsWith(listenWord);
  const path = isListening ? rest.slice(listenWord.length) : rest;
  const wrong = (what: string): XferError =>
    new XferError('ERR_XFER_USAGE', `${printable(url)}: ${what}`, {
      remedy: `write ${scheme}PATH or ${scheme}${listenWord}PATH`,
    });
  if (path === '') throw wrong('it has no path');
  if (path.includes('\0')) throw wrong('a path has no NUL');
  const bytes = Buffer.byteLength(path);
  if (bytes > maxPathBytes)
    throw wrong(`the path of a socket has ${maxPathBytes} bytes at most, and this has ${bytes}`);
  return { path, isListening };
}

/** Bound by its whole path, where there is room for that: so others see who listens there, wherever they are. */
const listening = (path: string, label: string): SocketPlace => ({
  at: { path: Buffer.byteLength(resolve(path)) <= maxPathBytes ? resolve(path) : path },
  address: () => label,
  errorOf: (cause) => socketError(cause, label),
});

/** Where the path is taken by a socket that nobody answers on, that one goes, and it is tried once more. */
async function takingOver<T>(path: string, label: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    if (!isXferError(error) || error.code !== 'ERR_XFER_ADDRESS_IN_USE') throw error;
    await removeDead(path, label, error);
    return listen();
  }
}

async function removeDead(path: string, label: string, inUse: XferError): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    throw fileError(error, label);
  });
  if (!found.isSocket())
    throw new XferError('ERR_XFER_EXISTS', `${label}: something stands there, and it is no socket`);
  if (await isListenedOn(path)) throw inUse;
  const state = await new Promise<'answered' | 'refused' | 'unknown'>((tell) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      tell('answered');
    });
    probe.once('error', (error: NodeJS.ErrnoException) =>
      tell(error.code === 'ECONNREFUSED' ? 'refused' : 'unknown'),
    );
  });
  if (state !== 'refused') throw inUse;
  await unlink(path).catch((error: unknown) => {
    throw fileError(error, label);
  });
}

async function connected(path: string, label: string, signal: AbortSignal): Promise<Socket> {
  return connectedSocket({ path }, signal).catch((error: unknown) => {
    throw signal.aborted ? error : socketError(error as Error, label);
  });
}

/** Of a path that cannot be reached the file system's words say more. */
function socketError(cause: Error, label: string): XferError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (['ECONNREFUSED', 'EADDRINUSE', 'ECONNRESET', 'EPIPE'].includes(code)) return networkError(cause, label);
  return fileError(cause, label);
}
