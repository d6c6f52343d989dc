import { randomBytes } from 'node:crypto';
import { access, constants, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileError, XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';
import { htmlReport } from './html/page.js';
import type { BenchReport } from './report.js';

/**
 * Refuses before a bench what `writeReport` would refuse after it: what is no file, a name in no directory, a directory that
 * takes no file. Throws a file error of the table.
 */
export async function checkReportPath(path: string): Promise<void> {
  await placeOf(path);
}

/**
 * Writes the report as one HTML file: whole or not at all, so that who has the old one open never reads half of a new one.
 * What is there already is replaced. Throws a file error of the table.
 */
export async function writeReport(path: string, report: BenchReport): Promise<void> {
  const place = await placeOf(path);
  const temporary = `${place}.${randomBytes(8).toString('hex')}`;
  try {
    await writeFile(temporary, htmlReport(report), { flag: 'wx' });
    await rename(temporary, place);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw fileError(cause, `cannot write the report ${printable(path)}`);
  }
}

/** Where its bytes go: behind a link, where that leads. A device is not renamed over. */
async function placeOf(path: string): Promise<string> {
  if (path === '') throw new XferError('ERR_XFER_USAGE', '--report needs the name of a file');
  const what = `cannot write the report ${printable(path)}`;
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new XferError('ERR_XFER_IS_DIRECTORY', `${what}: is a directory`);
  if (found && !found.isFile()) throw new XferError('ERR_XFER_EXISTS', `${what}: what is there is no file`);
  try {
    const place = found ? await realpath(path) : resolve(path);
    if (!(await stat(dirname(place))).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await access(dirname(place), constants.W_OK | constants.X_OK);
    return place;
  } catch (cause) {
    throw fileError(cause, what);
  }
}
