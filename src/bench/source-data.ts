import { createCipheriv, randomBytes, type Cipher } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { fileError } from '../errors/index.js';

const blockBytes = 1024 * 1024;
const made = new Map<string, Promise<string>>();

/**
 * A file of random content that whoever asks for it in this process gets, made once. Rejects with an XferError, or with the
 * signal's reason: large ones take their time.
 */
export function sourceFile(directory: string, bytes: number, signal: AbortSignal): Promise<string> {
  return onceMade(join(directory, `file-${bytes}`), signal, (path) =>
    writeRandom(path, bytes, randomContent(), signal),
  );
}

/** What was made there is gone. */
export function forgetSources(directory: string): void {
  for (const path of made.keys()) if (path.startsWith(`${directory}/`)) made.delete(path);
}

/** A tree of `count` such files, in directories of a hundred. */
export function sourceTree(
  directory: string,
  bytes: number,
  count: number,
  signal: AbortSignal,
): Promise<string> {
  return onceMade(join(directory, `tree-${count}-of-${bytes}`), signal, async (path) => {
    const random = randomContent();
    const { filesInDirectory } = benchDefaults;
    for (let first = 0; first < count; first += filesInDirectory) {
      const inside = join(path, String(first / filesInDirectory));
      await mkdir(inside, { recursive: true });
      for (let i = first; i < Math.min(count, first + filesInDirectory); i++)
        await writeRandom(join(inside, String(i)), bytes, random, signal);
    }
  });
}

/** Under another name until it is whole; whoever failed once may try again. */
function onceMade(path: string, signal: AbortSignal, make: (path: string) => Promise<void>): Promise<string> {
  let making = made.get(path);
  if (making) return making;
  const unfinished = `${path}.part`;
  making = make(unfinished).then(
    async () => {
      await rename(unfinished, path);
      return path;
    },
    async (cause: unknown) => {
      made.delete(path);
      await rm(unfinished, { recursive: true, force: true });
      signal.throwIfAborted();
      throw fileError(cause, 'cannot make content for the bench');
    },
  );
  made.set(path, making);
  return making;
}

/** A cipher's stream: nothing shrinks it, and it costs less than the system's own random bytes. */
const randomContent = (): Cipher => createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));

async function writeRandom(path: string, bytes: number, random: Cipher, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx');
  try {
    const zeros = Buffer.alloc(Math.min(bytes, blockBytes));
    for (let left = bytes; left > 0; left -= blockBytes) {
      signal.throwIfAborted();
      await file.writeFile(random.update(zeros.subarray(0, Math.min(left, blockBytes))));
    }
  } finally {
    await file.close();
  }
}
