import { createHash } from 'node:crypto';
import { readFile, readlink, stat } from 'node:fs/promises';
import { getuid } from 'node:process';

/**
 * The same for those processes alone that can share memory: on one boot of one machine, as one user, with one /dev/shm, and
 * with numbers of processes that mean the same to both, by which a provider copies from one to the other. Undefined where
 * the machine does not tell.
 */
export async function hostIdentity(): Promise<Uint8Array | undefined> {
  try {
    const [boot, shm, processes] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      stat('/dev/shm', { bigint: true }),
      readlink('/proc/self/ns/pid'),
    ]);
    const parts = [boot.trim(), shm.dev, shm.ino, processes, getuid?.() ?? ''];
    return createHash('sha256')
      .update(`xfer rdma host ${parts.join('|')}`)
      .digest();
  } catch {
    return undefined;
  }
}
