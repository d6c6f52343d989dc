import { spawn } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';

/** How a program is known for what it is: of its name there may be others. */
export interface NeededProgram {
  readonly name: string;
  /** Of Debian: what has it. */
  readonly packageName: string;
  /** What it is asked. */
  readonly ask: readonly string[];
  /** In what it says then, on stdout or stderr, whatever its status; the first group, if any, is its version. */
  readonly says: RegExp;
  readonly least?: readonly [major: number, minor: number];
}

export interface FoundProgram {
  readonly path: string;
  /** All that it said of itself. */
  readonly said: string;
}

/** Where servers are, which a user's PATH often leaves out. */
const serverDirectories = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const maxSaid = 64 << 10;
const found = new Map<string, Promise<string | undefined>>();

/** Rejects with an XferError that names the program where it is missing, something else, too old, or does not answer in time. */
export async function findProgram(needed: NeededProgram): Promise<FoundProgram> {
  const { name, packageName, ask, says, least } = needed;
  const install = (what: string): string =>
    `apt-get install ${packageName}, or what your system calls it: ${what}`;
  const path = await pathOf(name);
  if (path === undefined)
    throw new XferError('ERR_XFER_NOT_FOUND', `there is no ${name} on PATH`, {
      remedy: install('it has the program'),
    });
  const said = await whatItSays(path, ask);
  if (said === undefined)
    throw new XferError('ERR_XFER_COMMAND_FAILED', `${path} does not answer ${[name, ...ask].join(' ')}`, {
      remedy: `see what ${path} is; ${install(`it has the ${name} that is meant`)}`,
    });
  const match = says.exec(said);
  if (!match)
    throw new XferError('ERR_XFER_COMMAND_FAILED', `${path} is not the ${name} that is meant`, {
      remedy: `see what ${path} is; ${install(`it has the ${name} that is meant`)}`,
    });
  if (least && !isAtLeast(match[1] ?? '', least))
    throw new XferError('ERR_XFER_COMMAND_FAILED', `${name} ${match[1] ?? ''} is too old`, {
      remedy: `install ${name} ${least.join('.')} or newer`,
    });
  return { path, said };
}

export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

async function pathOf(name: string): Promise<string | undefined> {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...serverDirectories];
  for (const directory of directories.filter((one) => one.startsWith('/'))) {
    const path = join(directory, name);
    const isThere = await access(path, constants.X_OK).then(
      async () => (await stat(path)).isFile(),
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** It is asked once, however many works there are. undefined: it does not end in time, or cannot be started. */
function whatItSays(path: string, ask: readonly string[]): Promise<string | undefined> {
  const key = [path, ...ask].join('\0');
  const asked = found.get(key) ?? askIt(path, ask);
  found.set(key, asked);
  return asked;
}

function askIt(path: string, ask: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Of its own group, so that what it has started ends with it.
    const child = spawn(path, ask, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let said = '';
    const end = (text: string | undefined): void => {
      clearTimeout(timer);
      if (child.pid !== undefined)
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended, and left nothing.
        }
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      resolve(text);
    };
    const timer = setTimeout(() => end(undefined), benchDefaults.toolAnswerMs);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.length > maxSaid) end(said);
      });
    child.once('error', () => end(undefined));
    child.once('close', () => end(said));
  });
}
