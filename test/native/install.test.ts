import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './seal-jobs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of native/ as a package ships it, without a build. */
function copyOfNative(): string {
  const base = temporaryDirectory();
  const native = join(base, 'native');
  cpSync(join(root, 'native'), native, { recursive: true, filter: (path) => !path.includes('/build') });
  symlinkSync(join(root, 'node_modules'), join(base, 'node_modules'));
  return native;
}

/** Programs of this PATH, without those of the names given. */
function pathWithout(unwanted: RegExp): string {
  const directory = join(temporaryDirectory(), 'bin');
  mkdirSync(directory);
  for (const from of ['/bin', '/usr/bin', '/usr/local/bin'].filter((path) => existsSync(path))) {
    for (const name of readdirSync(from)) {
      if (!unwanted.test(name) && !existsSync(join(directory, name)))
        link(join(from, name), join(directory, name));
    }
  }
  return directory;
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // Already there as a link to nothing.
  }
}

function install(
  native: string,
  env: Record<string, string> = {},
): { status: number | null; output: string } {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(CC|CXX)$/.test(name));
  const child = spawnSync(process.execPath, [join(native, 'install.mjs')], {
    env: { ...Object.fromEntries(inherited), XFER_SKIP_NATIVE: '', ...env },
    encoding: 'utf8',
  });
  return { status: child.status, output: child.stdout + child.stderr };
}

const hasLibfabric =
  spawnSync(process.execPath, [join(root, 'native/find-libfabric.mjs'), 'found'], { encoding: 'utf8' })
    .stdout === 'yes';
const addons = [
  ...['xfer_seal', ...(process.platform === 'linux' ? ['xfer_udp', 'xfer_link'] : [])],
  ...(hasLibfabric ? ['xfer_fabric'] : []),
];
const binaryOf = (native: string, name = 'xfer_seal'): string =>
  join(native, `build/Release/${name}${name === 'xfer_link' ? '' : '.node'}`);
/** Those of this repository, as if they had been built there. */
function copyBinaries(native: string): void {
  mkdirSync(join(native, 'build/Release'), { recursive: true });
  for (const name of addons) cpSync(binaryOf(join(root, 'native'), name), binaryOf(native, name));
}
/** Stands for node-gyp: says what is given and fails, as node-gyp would where something is missing. */
function fakeNodeGyp(says: string): Record<string, string> {
  const script = join(temporaryDirectory(), 'node-gyp.cjs');
  writeFileSync(script, `process.stderr.write(${JSON.stringify(says)}); process.exit(1);`);
  return { npm_config_node_gyp: script };
}

describe('the install script', () => {
  it.each([
    ['gyp ERR! stack Error: not found: make', 'there is no make'],
    ['gyp info spawn make\nmake: g++: No such file or directory', 'there is no C++ compiler'],
    ['/bin/sh: 1: c++: not found', 'there is no C++ compiler'],
    [
      'gyp ERR! find Python You need to install the latest version of Python.\nCould not find any Python installation to use',
      'there is no Python 3',
    ],
    [
      'gyp http GET\ngyp ERR! stack FetchError: request failed, reason: getaddrinfo ENOTFOUND nodejs.org',
      'headers',
    ],
    [
      'gyp info find Python using Python version 3.11.7\nsealer.cc:1:1: error: expected unqualified-id',
      'the build failed',
    ],
  ])('succeeds and says in one line what is missing: %j', (says, reason) => {
    const native = copyOfNative();
    const { status, output } = install(native, fakeNodeGyp(says));
    expect(status).toBe(0);
    expect(output.trimEnd().split('\n')).toHaveLength(1);
    expect(output).toContain(reason);
    expect(output).toContain('slower');
    expect(output.includes('xfer_fabric')).toBe(hasLibfabric);
    expect(readFileSync(join(native, 'build/build-log.txt'), 'utf8')).toContain(says);
  });

  it('builds nothing when told so', () => {
    const native = copyOfNative();
    const { status, output } = install(native, { XFER_SKIP_NATIVE: '1' });
    expect([status, existsSync(binaryOf(native))]).toEqual([0, false]);
    expect(output).toContain('XFER_SKIP_NATIVE=1');
    expect(output).toMatch(/run `npm --prefix \S+ run install` without it/);
  });

  it('succeeds without node-gyp', () => {
    const { status, output } = install(copyOfNative(), { npm_config_node_gyp: '', PATH: '/nonexistent' });
    expect(status).toBe(0);
    expect(output).toContain('there is no node-gyp');
  });

  const prefix = join(realpathSync(process.execPath), '../..');
  it.runIf(existsSync(join(prefix, 'include/node/node_version.h')))(
    'builds with the headers that came with Node, unless others are named',
    () => {
      const script = join(temporaryDirectory(), 'node-gyp.cjs');
      writeFileSync(script, 'console.log(process.argv.join(" ")); process.exit(1);');
      const logOf = (nodedir: string): string => {
        const native = copyOfNative();
        install(native, { npm_config_node_gyp: script, npm_config_nodedir: nodedir });
        return readFileSync(join(native, 'build/build-log.txt'), 'utf8');
      };
      expect(logOf('')).toContain(`--nodedir=${prefix}`);
      expect(logOf('/elsewhere')).not.toContain('--nodedir');
    },
  );

  const built = addons.every((name) => existsSync(binaryOf(join(root, 'native'), name)));
  describe.runIf(built)('with a binary', () => {
    it('leaves it alone while it is newer than the sources', () => {
      const native = copyOfNative();
      copyBinaries(native);
      expect(install(native, fakeNodeGyp('called'))).toEqual({ status: 0, output: '' });
    });

    it.runIf(hasLibfabric)(
      'says nothing of fabrics where there is no libfabric, and builds once there is',
      () => {
        const native = copyOfNative();
        copyBinaries(native);
        rmSync(binaryOf(native, 'xfer_fabric'));
        expect(install(native, { ...fakeNodeGyp('called'), XFER_LIBFABRIC: 'off' })).toEqual({
          ...{ status: 0, output: '' },
        });
        const { status, output } = install(native, fakeNodeGyp('called'));
        expect(status).toBe(0);
        expect(addons.filter((name) => output.includes(name))).toEqual(['xfer_fabric']);
        expect(output).toContain('run install');
      },
    );

    it.each(addons)('builds again when %s does not load, and names it alone', (name) => {
      const native = copyOfNative();
      copyBinaries(native);
      writeFileSync(binaryOf(native, name), 'not a library');
      const { status, output } = install(native, fakeNodeGyp('called'));
      expect(status).toBe(0);
      expect(output).toContain('the build failed');
      expect(addons.filter((other) => output.includes(other))).toEqual([name]);
    });
  });

  const nodeGyp = ['/usr/lib', '/usr/local/lib', join(process.execPath, '../../lib')]
    .map((path) => join(path, 'node_modules/npm/node_modules/node-gyp/bin/node-gyp.js'))
    .find((path) => existsSync(path));
  describe.runIf(nodeGyp)('with the real node-gyp', () => {
    it('succeeds where there is no compiler', () => {
      const native = copyOfNative();
      const path = pathWithout(/^(g\+\+|c\+\+|clang|gcc|cc|cpp|c[89]9|x86_64|aarch64)/);
      const env = {
        PATH: path,
        npm_config_node_gyp: nodeGyp ?? '',
        npm_config_nodedir: join(process.execPath, '../..'),
      };
      const { status, output } = install(native, env);
      expect(status).toBe(0);
      expect(output.trimEnd().split('\n')).toHaveLength(1);
      expect(output).toMatch(/there is no C\+\+ compiler/);
      expect(existsSync(binaryOf(native))).toBe(false);
    });
  });
});
