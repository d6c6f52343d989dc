import { fileURLToPath } from 'node:url';

/** Builds the addons wherever xfer is: in a checkout, below a project, or installed for all; install.mjs has the same. */
export const buildCommand = (directory: string): string => `npm --prefix ${shellWord(directory)} run install`;

/** Where the package is; the path is the same from src, dist and its chunks. */
export const packageDirectory = (): string =>
  fileURLToPath(new URL('../..', import.meta.url)).replace(/(?<=.)[/\\]$/, '');

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
