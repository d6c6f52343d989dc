// Runs on `npm ci` in a clone: links the plugins' import of `xfer/plugin` to this package and compiles everything.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(`${root}plugins/node_modules`, { recursive: true });
rmSync(`${root}plugins/node_modules/xfer`, { force: true });
symlinkSync('../..', `${root}plugins/node_modules/xfer`, 'dir');
execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
