import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runXfer, type RunOptions, type XferRun } from './run-xfer.js';
import { runThrough } from './run-through.js';

/** Root without the capabilities that let it pass by permissions: it is stopped by them as everybody is. */
const wrapper = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'] as const;
const isRoot = process.getuid?.() === 0;

/** Whether a process can be started that permissions stop: any user but root, and root where setpriv does its work. */
export const permissionsHold = !isRoot || isStoppedThroughWrapper();

/** Runs xfer so that permissions hold, whoever runs the tests. */
export function runUnprivileged(args: readonly string[], options: RunOptions = {}): Promise<XferRun> {
  return isRoot ? runThrough([...wrapper], args, options) : runXfer(args, options);
}

function isStoppedThroughWrapper(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-test-'));
  try {
    const path = join(directory, 'unreadable');
    writeFileSync(path, 'content');
    chmodSync(path, 0);
    const [command, ...first] = wrapper;
    const runs = spawnSync(command, [...first, 'true']).status === 0;
    return runs && spawnSync(command, [...first, 'cat', path]).status !== 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
