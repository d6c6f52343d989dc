import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/run-xfer.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** npm as a user would start it: without what the npm that runs these tests tells its children. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('npm_package') && name !== 'INIT_CWD'),
);

it('is a package that installs and runs elsewhere', { timeout: 600_000 }, async () => {
  const elsewhere = await temporaryDirectory();
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', elsewhere], { cwd: root, env });
  const [tarball = ''] = (await readdir(elsewhere)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(elsewhere, 'package.json'), '{"private":true}');
  await writeFile(join(elsewhere, 'note'), 'moved');
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], {
    cwd: elsewhere,
    env,
  });
  await run(join(elsewhere, 'node_modules/.bin/xfer'), ['send', 'note', 'local:out', '--quiet'], {
    cwd: elsewhere,
    env: { ...env, XFER_HOME: join(elsewhere, 'home') },
  });
  expect(await readFile(join(elsewhere, 'out/note'), 'utf8')).toBe('moved');
});
