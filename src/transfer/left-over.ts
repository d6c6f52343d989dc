import type { FilesApi } from '../native/api.js';

/** Names that are looked at at once. */
const namesAtOnce = 1024;

/** Removes files and links of a held directory by their names; gives how many. Rejects with an errno error. */
export async function removeNamed(
  files: FilesApi,
  directory: number,
  isUnwanted: (name: string) => boolean | Promise<boolean>,
): Promise<number> {
  let removed = 0;
  const { names } = await listAll(files, directory);
  for (const name of names) if ((await isUnwanted(name)) && (await files.remove(directory, name))) removed++;
  return removed;
}

/** Names of a held directory, and those of them that are directories. */
export async function listAll(
  files: FilesApi,
  directory: number,
): Promise<{ names: readonly string[]; directories: readonly string[] }> {
  const names: string[] = [];
  const directories: string[] = [];
  for (let isLast = false; !isLast;) {
    const listing = await files.list(directory, namesAtOnce);
    for (const [i, name] of listing.names.entries()) {
      names.push(name);
      const mode = listing.numbers[i * numbersOfEntry] ?? 0;
      if ((mode & typeMask) === directoryType) directories.push(name);
    }
    isLast = listing.isLast;
  }
  return { names, directories };
}

/** As in a Listing, and in stat(2). */
const numbersOfEntry = 14;
const typeMask = 0o170000;
const directoryType = 0o040000;
