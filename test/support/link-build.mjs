import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const sources = ['link-emulator.cc', 'link-direction.h', 'link-flows.h', 'link-namespaces.h'];
const flags = ['-std=c++20', '-O2', '-Wall', '-Wextra', '-Werror'];

/** Why this machine cannot emulate a link, or undefined where it can. */
export function linkMissing() {
  if (process.platform !== 'linux') return 'links are emulated on Linux only';
  if (process.getuid() !== 0) return 'an emulated link needs root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return 'an emulated link needs /dev/net/tun';
  }
  const programs = { 'g++': 'g++', ip: 'iproute2', nsenter: 'util-linux' };
  for (const [program, debian] of Object.entries(programs))
    if (spawnSync(program, ['-V']).error && spawnSync(program, ['--version']).error)
      return `an emulated link needs ${program} (Debian: ${debian})`;
  const tried = spawnSync('unshare', ['--net', 'true']);
  return tried.status === 0 ? undefined : 'an emulated link needs network namespaces, which are refused here';
}

/** The path of the emulator, compiled at the first use of these sources on this machine. */
export function builtEmulator() {
  const directory = cacheDirectory();
  const hash = createHash('sha256').update(flags.join(' '));
  for (const name of sources) hash.update(readFileSync(join(import.meta.dirname, name)));
  const path = join(directory, `link-emulator-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;
  const own = `${path}.${process.pid}`;
  const compiled = spawnSync('g++', [...flags, '-o', own, join(import.meta.dirname, sources[0])], {
    encoding: 'utf8',
  });
  if (compiled.status !== 0) throw new Error(`the link emulator does not compile:\n${compiled.stderr}`);
  // Others may compile it at the same time; each gets a whole one.
  renameSync(own, path);
  return path;
}

/** It is run as root: a directory that somebody else made is not taken. */
function cacheDirectory() {
  const path = join(tmpdir(), `xfer-link-emulator-${process.getuid()}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(path);
  if (uid !== process.getuid() || (mode & 0o777) !== 0o700 || !lstatSync(path).isDirectory())
    throw new Error(`${path} is not a directory of this user's alone`);
  return path;
}
