import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { readDiagnosis } from '../support/doctor.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type RunOptions } from '../support/run-xfer.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const content = 'moved';

/** npm as a user would start it: without what the npm that runs these tests tells its children. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('npm_package') && name !== 'INIT_CWD'),
);

let elsewhere = '';
beforeAll(async () => {
  elsewhere = await temporaryDirectory();
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', elsewhere], { cwd: root, env });
  const [tarball = ''] = (await readdir(elsewhere)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(elsewhere, 'package.json'), '{"private":true}');
  await writeFile(join(elsewhere, 'note'), content);
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], {
    cwd: elsewhere,
    env,
  });
}, 600_000);

const installed = (): string => join(elsewhere, 'node_modules/xfer');
const addon = (): string => join(installed(), 'native/build/Release/xfer_fabric.node');

/** The program of the installed package, there. */
const xfer = (args: readonly string[], options: RunOptions = {}) =>
  runXfer(args, { program: join(elsewhere, 'node_modules/.bin/xfer'), cwd: elsewhere, ...options });

/** What moves without any fabric does. */
async function moves(to: string): Promise<void> {
  const { status, stderr } = await (await xfer(['send', 'note', `local:${to}`, '--quiet'])).ended;
  expect([status, stderr]).toEqual([0, '']);
  expect(await readFile(join(elsewhere, to, 'note'), 'utf8')).toBe(content);
}

/** What the doctor says of libfabric and of the transport. */
async function findings() {
  const all = readDiagnosis((await (await xfer(['doctor', '--json'])).ended).stdout).findings;
  const of = (subject: string) => all.find((finding) => finding.subject === subject);
  return { library: of('libfabric'), transport: of('transport rdma') };
}

/** Who names rdma is told why there is none, and the very command that repairs it. */
async function refuses(args: readonly string[], why: string): Promise<void> {
  const { status, stderr } = await (
    await xfer(['send', 'note', ...args], { env: { XFER_CODE: '1234-nobody-is-asked' } })
  ).ended;
  expect(status, stderr).toBe(7);
  expect(stderr).toContain(why);
  expect(stderr).toContain(`npm --prefix ${installed()} run install`);
}

describe('a package that is installed elsewhere', { timeout: 60_000 }, () => {
  it('runs', () => moves('out'));

  it('has compiled code kept beside it, and runs without and with what is none', async () => {
    const dist = join(installed(), 'dist');
    const [name = ''] = (await readdir(dist)).filter((file) => file.endsWith('.code'));
    const program = await readFile(join(dist, name.replace(/code$/, 'js')));
    // It is read as one byte a character.
    expect(program.every((byte) => byte < 0x80)).toBe(true);
    const kept = await readFile(join(dist, name));
    await rm(join(dist, name));
    await moves('not-kept');
    expect(existsSync(join(dist, name))).toBe(false);
    for (const [what, bytes] of Object.entries({
      empty: Buffer.alloc(0),
      cut: kept.subarray(0, kept.length / 2),
      garbage: Buffer.from('not compiled'.repeat(1000)),
    })) {
      await writeFile(join(dist, name), bytes);
      await moves(what);
    }
    // As behind an update of Node: what is there is of no use, and is made again.
    await run('npm', ['rebuild', 'xfer'], { cwd: elsewhere, env });
    const again = await readFile(join(dist, name));
    expect(again.length).toBeGreaterThan(kept.length / 2);
    expect(again.includes('not compiled')).toBe(false);
  });

  const hasLibfabric =
    spawnSync(process.execPath, [join(root, 'native/find-libfabric.mjs'), 'found'], { encoding: 'utf8' })
      .stdout === 'yes';

  describe.skipIf(!hasLibfabric)(`with libfabric${hasLibfabric ? '' : ' (skipped: it is not here)'}`, () => {
    it('has rdma, and moves files over it', async () => {
      const { library, transport } = await findings();
      expect([library?.state, transport?.state]).toEqual(['ok', 'ok']);
      const { address, code, recv } = await startReceiver('by-rdma', {
        ...{ listen: 'rdma://127.0.0.1:0', cwd: elsewhere },
        start: xfer,
      });
      const send = await xfer(['send', 'note', address, '--json'], { env: { XFER_CODE: code } });
      const [sent, received] = await Promise.all([send.ended, recv.ended]);
      expect([sent.status, received.status], sent.stdout + sent.stderr).toEqual([0, 0]);
      expect(await send.event('done')).toMatchObject({ transport: 'rdma' });
      expect(await readFile(join(elsewhere, 'by-rdma/note'), 'utf8')).toBe(content);
    });

    it('loses rdma alone where libfabric is removed later', async () => {
      // To the loader the same: of a library with another name there is none.
      const binary = await readFile(addon());
      const name = Buffer.from('libfabric.so.1\0');
      expect(binary.includes(name)).toBe(true);
      const gone = Buffer.from(binary);
      gone.write('libfabric.gone\0', gone.indexOf(name), 'latin1');
      await rm(addon());
      await writeFile(addon(), gone);
      const why = 'the addon for fabrics does not load: libfabric.gone: cannot open shared object file';
      const { library, transport } = await findings();
      expect(library?.detail).toContain(why);
      expect([library?.state, transport?.state]).toEqual(['none', 'none']);
      await moves('without-library');
      await refuses(['rdma://127.0.0.1:4842'], why);
    });
  });

  it('that was built without libfabric has everything but rdma', async () => {
    await rm(addon(), { force: true });
    expect(existsSync(addon())).toBe(false);
    const { library, transport } = await findings();
    expect(library).toMatchObject({ state: 'none', detail: expect.stringContaining('only rdma needs it') });
    expect(library?.remedy).toContain(`npm --prefix ${installed()} run install`);
    expect(transport?.state).toBe('none');
    await moves('without-addon');
    const why = 'the addon for fabrics was not built';
    await refuses(['rdma://127.0.0.1:4842'], why);
    await refuses(['127.0.0.1:4842', '--transport', 'rdma'], why);
  });
});
