// Where libfabric is: for binding.gyp, which runs this, and for install.mjs, which has to know whether there is something
// to build. Looked for in the order of `places`; XFER_LIBFABRIC=off finds none.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env, platform } from 'node:process';
import { fileURLToPath } from 'node:url';

const header = 'rdma/fabric.h';
/** Where Amazon's installer puts its own, newer than most distributions have. */
const efaPrefix = '/opt/amazon/efa';
const commandTimeoutMs = 20_000;

/** `{ includes, libraries }`, directories that the compiler does not know by itself; undefined where there is none. */
export function findLibfabric() {
  if (platform !== 'linux' || env.XFER_LIBFABRIC === 'off') return undefined;
  if (env.XFER_LIBFABRIC) return belowPrefix(env.XFER_LIBFABRIC);
  return byPkgConfig() ?? belowPrefix(efaPrefix) ?? byCompiler();
}

function belowPrefix(prefix) {
  const include = join(prefix, 'include');
  const lib = join(prefix, 'lib');
  // Debian's own layout has one directory more: lib/x86_64-linux-gnu.
  const candidates = [lib, join(prefix, 'lib64'), ...directoriesIn(lib)];
  const libraries = candidates.filter((path) => existsSync(join(path, 'libfabric.so')));
  if (!existsSync(join(include, header)) || libraries.length === 0) return undefined;
  return { includes: [include], libraries: libraries.slice(0, 1) };
}

function directoriesIn(path) {
  if (!existsSync(path)) return [];
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
}

function byPkgConfig() {
  const options = { encoding: 'utf8', timeout: commandTimeoutMs };
  const { status, stdout } = spawnSync('pkg-config', ['--cflags', '--libs', 'libfabric'], options);
  if (status !== 0) return undefined;
  const words = stdout.trim().split(/\s+/);
  const after = (flag) => words.filter((word) => word.startsWith(flag)).map((word) => word.slice(2));
  return { includes: after('-I'), libraries: after('-L') };
}

/** Whether a program that uses it compiles and links with no more said. */
function byCompiler() {
  const program = `#include <${header}>\nint main() { return static_cast<int>(fi_version()); }\n`;
  const args = ['-x', 'c++', '-', '-lfabric', '-o', '/dev/null'];
  const [compiler, ...flags] = (env.CXX || 'c++').split(' ');
  const { status } = spawnSync(compiler, [...flags, ...args], { input: program, timeout: commandTimeoutMs });
  return status === 0 ? { includes: [], libraries: [] } : undefined;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const found = findLibfabric();
  const answers = {
    found: () => [found ? 'yes' : 'no'],
    includes: () => found?.includes ?? [],
    // The library is to be found there at run time, too.
    linking: () => (found?.libraries ?? []).flatMap((path) => [`-L${path}`, `-Wl,-rpath,${path}`]),
  };
  process.stdout.write(answers[argv[2]]().join('\n'));
}
