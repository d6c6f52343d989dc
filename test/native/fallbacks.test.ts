import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { addon } from './implementations.js';
import { temporaryDirectory } from './seal-jobs.js';

const script = fileURLToPath(new URL('fixtures/file-calls.cjs', import.meta.url));

/** strace makes system calls fail as they do elsewhere; it may be missing, or not be allowed to trace. */
const traces = spawnSync('strace', ['-qq', '-e', 'inject=openat2:error=ENOSYS', 'true']).status === 0;
if (!traces)
  process.stderr.write('NOT TESTED: no working strace, so no kernel without openat2 and renameat2\n');

describe.runIf(traces && addon)('where the kernel or the file system lacks', () => {
  it.each([
    ['openat2', ['openat2:error=ENOSYS']],
    ['openat2, by an old seccomp filter', ['openat2:error=EPERM']],
    ['a quiet moment for openat2', ['openat2:error=EAGAIN']],
    ['renameat2', ['renameat2:error=ENOSYS']],
    ['renames that never replace', ['renameat2:error=EINVAL']],
    ['hard links too', ['renameat2:error=EINVAL', 'linkat:error=EPERM']],
  ])('%s, the addon gives the same', (_, faults) => {
    const log = join(temporaryDirectory(), 'strace');
    const injections = faults.flatMap((fault) => ['-e', `inject=${fault}`]);
    const tracing = ['-f', '-qq', '-o', log, '-e', 'trace=openat2,renameat2,linkat', ...injections];
    const options = { encoding: 'utf8', env: { ...process.env, TMPDIR: temporaryDirectory() } } as const;
    const traced = spawnSync('strace', [...tracing, process.execPath, script], options);
    const plain = spawnSync(process.execPath, [script], options);
    expect(plain.stdout).toContain('open a/b/c true');
    expect(traced.stdout).toBe(plain.stdout);
    expect(readFileSync(log, 'utf8')).toContain('INJECTED');
  });
});
