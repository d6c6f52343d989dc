// Runs on `npm install`, here and where the packed package is installed: builds the addon. It never fails the
// install, since everything the addon does has a twin in TypeScript; it says what is slower and how to repair it.
import { execFile, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const binary = `${here}build/Release/xfer_seal.node`;
const log = `${here}build/build-log.txt`;
const buildTimeoutMs = 10 * 60_000;
const maxLogBytes = 64 * 1024 * 1024;

if (process.env.XFER_SKIP_NATIVE === '1') {
  warn('XFER_SKIP_NATIVE=1', 'run `npm rebuild xfer` without it');
} else if (!isUpToDate()) {
  const failure = await build();
  if (failure !== undefined) warn(failure.reason, failure.remedy);
}

function isUpToDate() {
  if (!existsSync(binary)) return false;
  const built = statSync(binary).mtimeMs;
  const sources = readdirSync(here).filter((name) => /\.(cc|h|gyp)$/.test(name));
  return sources.every((name) => statSync(here + name).mtimeMs < built) && loads();
}

/** In a process of its own, so that a binary that crashes takes nothing down. */
function loads() {
  return (
    spawnSync(process.execPath, ['-e', 'require(process.argv[1])', binary], { stdio: 'ignore' }).status === 0
  );
}

async function build() {
  if (process.platform === 'win32') {
    return { reason: 'the addon is for Linux and macOS', remedy: 'nothing to do on Windows' };
  }
  const [command, ...prefix] = nodeGyp();
  const jobs = String(availableParallelism());
  const output = await run(command, [...prefix, 'rebuild', '-C', here, '--jobs', jobs, ...headers()]);
  keepLog(output.text);
  if (output.failed) return reasonOf(output.text);
  if (!loads()) return { reason: 'the addon was built but does not load', remedy: `see ${log}` };
  return undefined;
}

/** npm names its own node-gyp; without npm the one on PATH serves. */
function nodeGyp() {
  const script = process.env.npm_config_node_gyp;
  return script && existsSync(script) ? [process.execPath, script] : ['node-gyp'];
}

/** Headers that came with this very Node, as most installs have them, spare a download that may be impossible. */
function headers() {
  if (process.env.npm_config_nodedir) return [];
  const prefix = join(dirname(realpathSync(process.execPath)), '..');
  try {
    const text = readFileSync(join(prefix, 'include/node/node_version.h'), 'utf8');
    const version = ['MAJOR', 'MINOR', 'PATCH'].map(
      (part) => new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1],
    );
    return version.join('.') === process.versions.node ? [`--nodedir=${prefix}`] : [];
  } catch {
    return [];
  }
}

function run(command, args) {
  return new Promise((resolve) => {
    const options = { timeout: buildTimeoutMs, maxBuffer: maxLogBytes };
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve({
        failed: error !== null,
        text: `${stdout}\n${stderr}\n${error === null ? '' : error.message}`,
      });
    });
  });
}

function keepLog(text) {
  try {
    mkdirSync(`${here}build`, { recursive: true });
    writeFileSync(log, text);
  } catch {
    // A package directory that cannot be written: the one line must do.
  }
}

function reasonOf(text) {
  const repair = 'then run `npm rebuild xfer`';
  const tools =
    'install a C++ compiler, make and Python 3 (Debian: apt install g++ make python3; macOS: xcode-select --install)';
  if (/spawn node-gyp ENOENT/.test(text)) {
    return {
      reason: 'there is no node-gyp',
      remedy: 'install through npm, which brings it: `npm rebuild xfer`',
    };
  }
  if (/Could not find any Python|find Python/.test(text) && !/find Python using/.test(text)) {
    return { reason: 'there is no Python 3', remedy: `${tools}, ${repair}` };
  }
  if (/not found: make|spawn make ENOENT|make: not found/.test(text)) {
    return { reason: 'there is no make', remedy: `${tools}, ${repair}` };
  }
  if (/(g\+\+|clang\+\+|c\+\+|cc|CXX)\S*: (No such file|not found|command not found)/.test(text)) {
    return { reason: 'there is no C++ compiler', remedy: `${tools}, ${repair}` };
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|response downloading|node_api\.h: No such file/.test(text)
  ) {
    return {
      reason: "Node's headers are neither here nor to be downloaded",
      remedy: `set npm_config_nodedir to where Node is installed (with include/node), ${repair}`,
    };
  }
  return { reason: 'the build failed', remedy: `see ${log}, ${repair}` };
}

function warn(reason, remedy) {
  console.warn(
    `xfer: built without its native addon (${reason}); everything works, but sealing is slower: about half the speed, on the main thread. To repair: ${remedy}.`,
  );
}
