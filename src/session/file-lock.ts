import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileError, XferError } from '../errors/index.js';

/** A lock whose owner is gone is broken after this long; a live one is waited for no longer than `waitMs`. */
const staleMs = 2_000;
const waitMs = 10_000;
const retryMs = 15;

/**
 * Runs `work` while no other process that asks for the same lock file does. Rejects with ERR_XFER_LOCAL_IO where
 * the lock is not to be had, else as `work` does.
 */
export async function withFileLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const owner = `${process.pid} ${randomBytes(8).toString('hex')}`;
  const giveUpAt = Date.now() + waitMs;
  while (!(await take(path, owner))) {
    if (Date.now() > giveUpAt)
      throw new XferError('ERR_XFER_LOCAL_IO', `${path} is held by another xfer`, {
        remedy: `remove ${path} if no other xfer runs`,
      });
    if (!(await breakStale(path))) await delay(retryMs);
  }
  try {
    return await work();
  } finally {
    if ((await readFile(path, 'utf8').catch(() => '')) === owner) await unlink(path).catch(() => undefined);
  }
}

async function take(path: string, owner: string): Promise<boolean> {
  const temporary = `${path}.${owner.replace(' ', '.')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    await file.writeFile(owner).finally(() => file.close());
    await link(temporary, path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileError(cause, `cannot lock ${path}`);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

/** Moves the lock of a dead process aside; what is moved is looked at again, since another may have been quicker. */
async function breakStale(path: string): Promise<boolean> {
  const before = await describe(path);
  if (!before || Date.now() - before.mtimeMs < staleMs || isAlive(before.owner)) return false;
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await rename(path, aside);
    const moved = await describe(aside);
    if (moved?.owner !== before.owner) await link(aside, path);
  } catch {
    return false;
  } finally {
    await unlink(aside).catch(() => undefined);
  }
  return true;
}

async function describe(path: string): Promise<{ owner: string; mtimeMs: number } | undefined> {
  try {
    return { owner: await readFile(path, 'utf8'), mtimeMs: (await stat(path)).mtimeMs };
  } catch {
    return undefined;
  }
}

function isAlive(owner: string): boolean {
  const pid = Number.parseInt(owner, 10);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
