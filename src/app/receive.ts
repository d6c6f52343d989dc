import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { sessionDefaults, transportDefaults } from '../config/index.js';
import { directoryError, XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { PeerStore } from '../session/peer-store.js';
import { printable } from '../transfer/printable.js';
import { FileSessions } from './file-sessions.js';
import { IdleSessions } from './idle-sessions.js';
import type { ReceiveOptions, SendResult } from './options.js';
import { RunningTransfers } from './running-transfers.js';
import { SessionListener } from './session-listener.js';

/**
 * Listens and receives. With `once` it resolves or rejects as its one transfer does; without, it goes on until the
 * signal (ERR_XFER_INTERRUPTED) or until a code that the user chose is spent (ERR_XFER_WRONG_CODE).
 */
export async function receive(options: ReceiveOptions): Promise<SendResult | undefined> {
  // What only pipes need is loaded for them alone.
  if (options.output === '-') return (await import('./receive-to-stdout.js')).receiveToStdout(options);
  const native = nativeApi();
  const { root, isUnnamed } = await openDirectory(options);
  try {
    const peers = new PeerStore(options.home);
    const transfers = new RunningTransfers();
    const idle = new IdleSessions({
      most: sessionDefaults.maxIdleSessions,
      mostOfPeer: sessionDefaults.maxIdleSessionsPerPeer,
      idleMs: sessionDefaults.idleSessionMs,
      closeMs: transportDefaults.closeTimeoutMs,
    });
    const context = { options, native, root, isUnnamed, peers, transfers, idle };
    const listener = await SessionListener.open(options, peers, new FileSessions(context));
    transfers.readJournals(native.files, root, resolve(options.directory));
    return await listener.run();
  } finally {
    await native.files.close(root);
  }
}

/** The directory that is written to, held; made where it does not exist. */
async function openDirectory({
  directory,
  policy,
}: ReceiveOptions): Promise<{ readonly root: number; readonly isUnnamed: boolean }> {
  const { files } = nativeApi();
  const path = resolve(directory);
  let root: number;
  let isUnnamed: boolean;
  try {
    await mkdir(path, { recursive: true });
    root = await files.openRoot(path);
    await probeWritable(files, root);
    isUnnamed = await files.writesUnnamed(root);
  } catch (cause) {
    throw directoryError(cause, `cannot write to ${printable(directory)}`);
  }
  if (policy?.syncs && !(await files.syncFileSystem(root)))
    throw new XferError('ERR_XFER_USAGE', 'this machine cannot say when everything is on disk', {
      remedy: 'leave out --fsync, or build the native addon on Linux (xfer doctor says how)',
    });
  return { root, isUnnamed };
}

/** Fails where nothing can be created in the directory, before anybody is asked to send. */
async function probeWritable(files: ReturnType<typeof nativeApi>['files'], root: number): Promise<void> {
  const name = `.xfer-${randomBytes(6).toString('hex')}.probe`;
  await files.close(await files.createFile(root, name));
  await files.remove(root, name);
}
