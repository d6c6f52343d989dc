// Runs on `npm install`, here and where the packed package is installed: builds the addons. It never fails the
// install, since everything they do has a twin in TypeScript; it says what is slower and how to repair it.
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
import { findLibfabric } from './find-libfabric.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Those that this system has, as binding.gyp says, and what is lost without each. */
const addons = [
  { name: 'xfer_seal', loss: 'sealing is slower: about half the speed, on the main thread' },
  ...(process.platform === 'linux'
    ? [{ name: 'xfer_udp', loss: 'udp is slower by far: one system call a datagram' }]
    : []),
  ...(process.platform === 'linux'
    ? [{ name: 'xfer_link', isProgram: true, loss: 'xfer bench --link is not there' }]
    : []),
  // Few machines want it: where there is no libfabric nothing is said, `xfer doctor` does.
  ...(findLibfabric() ? [{ name: 'xfer_fabric', loss: 'rdma is not there' }] : []),
];
const binaryOf = ({ name, isProgram }) => `${here}build/Release/${name}${isProgram ? '' : '.node'}`;
const log = `${here}build/build-log.txt`;
/** Does it all again, in a checkout, below a project or installed for all; as `xfer doctor` has it. */
const again = `npm --prefix ${shellWord(fileURLToPath(new URL('..', import.meta.url)).replace(/(?<=.)\/$/, ''))} run install`;
const buildTimeoutMs = 10 * 60_000;
const maxLogBytes = 64 * 1024 * 1024;

if (process.env.XFER_SKIP_NATIVE === '1') {
  warn('XFER_SKIP_NATIVE=1', `run \`${again}\` without it`);
} else if (!isUpToDate()) {
  const failure = await build();
  // One that does not compile takes the others not down.
  const missing = addons.filter((addon) => !loads(addon));
  if (failure !== undefined && missing.length > 0) warn(failure.reason, failure.remedy, missing);
}

await keepCode();

/** Where the command line is built already, as in the packed package: V8's compiled code for this Node (bin/keep-code.js). */
async function keepCode() {
  if (!existsSync(join(here, '../dist/program.js'))) return;
  const { failed, text } = await run(process.execPath, [join(here, '../bin/keep-code.js')], process.env);
  if (failed || text.trim() !== '') console.warn(text.trim());
}

function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function isUpToDate() {
  const sources = readdirSync(here).filter((name) => /\.(cc|h|gyp)$/.test(name));
  const newest = Math.max(...sources.map((name) => statSync(here + name).mtimeMs));
  return addons.every((addon) => {
    const binary = binaryOf(addon);
    return existsSync(binary) && newest < statSync(binary).mtimeMs && loads(addon);
  });
}

/** In a process of its own, so that a binary that crashes takes nothing down. */
function loads(addon) {
  const binary = binaryOf(addon);
  if (!existsSync(binary)) return false;
  const [program, ...args] = addon.isProgram
    ? [binary, '--help']
    : [process.execPath, '-e', 'require(process.argv[1])', binary];
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

async function build() {
  if (process.platform === 'win32') {
    return { reason: 'the addons are for Linux and macOS', remedy: 'nothing to do on Windows' };
  }
  const [command, ...prefix] = nodeGyp();
  const jobs = String(availableParallelism());
  const args = [...prefix, 'rebuild', '-C', here, '--jobs', jobs, ...headers()];
  // make goes on with the other targets where one fails.
  const output = await run(command, args, { ...process.env, MAKEFLAGS: '--keep-going' });
  keepLog(output.text);
  if (output.failed) return reasonOf(output.text);
  return { reason: 'it was built but does not load', remedy: `see ${log}` };
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

function run(command, args, env) {
  return new Promise((resolve) => {
    const options = { env, timeout: buildTimeoutMs, maxBuffer: maxLogBytes };
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
  const repair = `then run \`${again}\``;
  const tools =
    'install a C++ compiler, make and Python 3 (Debian: apt install g++ make python3; macOS: xcode-select --install)';
  if (/spawn node-gyp ENOENT/.test(text)) {
    return {
      reason: 'there is no node-gyp',
      remedy: `build through npm, which brings it: \`${again}\``,
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

function warn(reason, remedy, missing = addons) {
  const names = missing.map(({ name }) => name).join(' and ');
  const losses = missing.map(({ loss }) => loss).join('; ');
  console.warn(
    `xfer: built without its native addon${missing.length > 1 ? 's' : ''} ${names} (${reason}); everything works, but ${losses}. To repair: ${remedy}.`,
  );
}
