import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCode } from '../../src/session/code.js';
import { loadIdentity } from '../../src/session/identity.js';
import { PeerStore } from '../../src/session/peer-store.js';
import type { FuzzCredentials } from './fuzz-handshake.js';
import { startReceiver, type Receiver } from './receiver.js';
import { temporaryDirectory } from './run-xfer.js';

export interface FuzzReceiver extends Receiver {
  readonly directory: string;
  readonly port: number;
  readonly known: FuzzCredentials;
  readonly coded: FuzzCredentials;
  readonly unknown: FuzzCredentials;
}

/** A receiver that goes on and on, and who may come to it. `code`: one of the user's own, else it makes one. */
export async function startFuzzReceiver(options: {
  readonly code?: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<FuzzReceiver> {
  const [home, friendHome, strangerHome] = await Promise.all([
    temporaryDirectory(),
    temporaryDirectory(),
    temporaryDirectory(),
  ]);
  const [own, friend, stranger] = await Promise.all([home, friendHome, strangerHome].map(loadIdentity));
  if (!own || !friend || !stranger) throw new Error('there are no identities');
  await new PeerStore(home).add({ name: 'friend', key: friend.publicKey, hosts: [] });
  const directory = join(await temporaryDirectory(), 'received');
  const started = await startReceiver(directory, {
    home,
    flags: ['--retry', '0'],
    timeoutMs: options.timeoutMs,
    env: { ...options.env, XFER_CODE: options.code },
  });
  const receiver = own.publicKey;
  const { secret } = parseCode(options.code ?? started.code);
  return {
    ...started,
    directory,
    port: Number(new URL(started.address.replace(/^tcp:/, 'http:')).port),
    known: { identity: friend, receiver },
    coded: { identity: friend, receiver, code: secret },
    unknown: { identity: stranger, receiver },
  };
}

/** What a process holds, on Linux: resident memory in bytes, and open descriptors. */
export async function holdings(pid: number): Promise<{ memory: number; descriptors: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const descriptors = await readdir(`/proc/${pid}/fd`);
  return {
    memory: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024,
    descriptors: descriptors.length,
  };
}
