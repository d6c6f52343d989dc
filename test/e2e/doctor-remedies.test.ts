import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/app/finding.js';
import { readDiagnosis } from '../support/doctor.js';
import { temporaryDirectory } from '../support/run-xfer.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
const isBuilt = existsSync(join(root, 'native/build/Release/xfer_seal.node'));
const has = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
/** Root without what lets it have larger buffers than others. */
const ordinary = 'setpriv --bounding-set=-net_admin --inh-caps=-all';
const mayRaise = isRoot && has('sh', '-c', 'ulimit -n 512; prlimit --pid $$ --nofile=1024:1024');
const isLinux = process.platform === 'linux';

/** Runs commands one behind the other in one shell, as who follows a remedy does; what the last one printed. */
function inShell(commands: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', commands.join('\n')], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
  });
  expect(status, `${commands.join('\n')}\n${stderr}`).toBe(0);
  return stdout;
}

const doctorOf = (directory: string, through = '') =>
  `${through} '${process.execPath}' '${join(directory, 'bin/run.js')}' doctor --json`;
const of = (stdout: string, subject: string): Finding => {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const found = readDiagnosis(lines.join('\n')).findings.findLast((finding) => finding.subject === subject);
  return found ?? expect.unreachable(`nothing is said of ${subject}`);
};
const remedyOf = ({ remedy, detail }: Finding): string => remedy ?? expect.unreachable(detail);

/** A copy of the package, without its addons. */
async function copyOfPackage(): Promise<string> {
  const copy = join(await temporaryDirectory(), 'with a space');
  mkdirSync(copy);
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  const withoutBuild = (path: string) => !path.startsWith(join(root, 'native/build'));
  cpSync(join(root, 'native'), join(copy, 'native'), { recursive: true, filter: withoutBuild });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

describe('what the doctor says to do', { timeout: 90_000 }, () => {
  it.skipIf(!isBuilt)('builds the addons, in the package that lacks them', async () => {
    const copy = await copyOfPackage();
    const before = of(inShell([doctorOf(copy)]), 'sealing');
    expect(before.state).toBe('slower');
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['install']).toBe('node native/install.mjs');
    // In the place of a compiler, which another test tries: it gives what was built before.
    const gyp = join(await temporaryDirectory(), 'gyp.cjs');
    const [from, to] = [join(root, 'native/build'), join(copy, 'native/build')];
    writeFileSync(
      gyp,
      `require('fs').cpSync(${JSON.stringify(from)}, ${JSON.stringify(to)}, {recursive: true})`,
    );
    const env = { npm_config_node_gyp: gyp };
    const after = inShell([remedyOf(before), doctorOf(copy)], env);
    expect(of(after, 'sealing').state).toBe('ok');
    if (isLinux) expect(of(after, 'datagrams').state).toBe('ok');
  });

  it.skipIf(!isBuilt)('switches them on again', () => {
    const off = 'export XFER_NATIVE=off';
    const before = of(inShell([off, doctorOf(root)]), 'sealing');
    expect(of(inShell([off, remedyOf(before), doctorOf(root)]), 'sealing').state).toBe('ok');
  });

  it.skipIf(!mayRaise)('raises the limit of open files (needs root that may)', () => {
    const low = 'ulimit -n 512';
    const before = of(inShell([low, doctorOf(root)]), 'open files');
    expect(before.state).toBe('slower');
    expect(remedyOf(before)).not.toContain('container');
    expect(of(inShell([low, remedyOf(before), doctorOf(root)]), 'open files').state).toBe('ok');
  });

  const settings = ['rmem_max', 'wmem_max'].map((name) => `/proc/sys/net/core/${name}`);
  const sees = isLinux && settings.every((path) => existsSync(path)) && has('sysctl', '--version');
  const through = isRoot ? ordinary : '';
  it.skipIf(!sees)('names settings of this kernel, with values that are larger', () => {
    const finding = of(inShell([doctorOf(root, through)]), 'socket buffers');
    const assigned = [...(finding.remedy ?? '').matchAll(/ net\.core\.([rw]mem_max)=(\d+)/g)];
    expect(assigned.length > 0).toBe(finding.state === 'slower');
    for (const [, name = '', value] of assigned)
      expect(Number(value)).toBeGreaterThan(Number(readFileSync(`/proc/sys/net/core/${name}`, 'utf8')));
  });

  // Of the whole machine, not of a namespace, so only where that is asked for.
  const maySet = isRoot && sees && process.env['XFER_TEST_SYSCTL'] === '1';
  it.skipIf(!maySet)('makes socket buffers large enough (needs root and XFER_TEST_SYSCTL=1)', () => {
    const before = settings.map((path) => readFileSync(path, 'utf8'));
    try {
      const finding = of(inShell([doctorOf(root, through)]), 'socket buffers');
      expect(finding.state).toBe('slower');
      expect(of(inShell([remedyOf(finding), doctorOf(root, through)]), 'socket buffers').state).toBe('ok');
    } finally {
      for (const [at, path] of settings.entries()) writeFileSync(path, before[at] ?? '');
    }
  });
});
