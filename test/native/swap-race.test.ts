import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { describeBoth } from './implementations.js';
import { temporaryDirectory } from './seal-jobs.js';

const rounds = 1000;
const swapper = fileURLToPath(new URL('fixtures/swapper.cjs', import.meta.url));

describeBoth('a directory that is swapped for a link all the time', ({ files }) => {
  it('never leads a write outside', async () => {
    const base = temporaryDirectory();
    const root = join(base, 'root');
    const outside = join(base, 'outside');
    mkdirSync(join(root, 'place/deep'), { recursive: true });
    mkdirSync(join(outside, 'deep'), { recursive: true });
    const child = spawn(process.execPath, [swapper, join(root, 'place'), outside], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill());
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child.stdout, 'data');

    const held = await files.openRoot(root);
    const refusals = new Map<string, number>();
    let written = 0;
    for (let i = 0; i < rounds; i++) {
      try {
        const directory = await files.openDirectory(held, i % 2 === 0 ? 'place' : 'place/deep');
        try {
          await files.makeDirectory(directory, `made-${i}`, 0o700);
          const fd = await files.createFile(directory, `.temporary-${i}`);
          const names = { from: `.temporary-${i}`, to: `file-${i}` };
          const rest = { mode: 0o600, mtimeNs: 0n, replace: i % 3 === 0, sync: false };
          await files.finishFile({ fd, directory, ...names, ...rest });
          await files.remove(directory, `file-${i}`);
          const { errors } = await files.writeFiles({
            buffer: Buffer.from('content'),
            names: [`batch-${i}`],
            numbers: Float64Array.of(directory, 0, 7, 0o600, -1, -1, 0),
            mtimesNs: BigInt64Array.of(0n),
            temporaryPrefix: '.temporary-',
          });
          expect([...errors]).toEqual([0]);
          await files.makeHardLink({
            fromDirectory: directory,
            from: `batch-${i}`,
            directory,
            temporary: '.temporary',
            name: `link-${i}`,
            replace: true,
          });
          await files.openExisting(directory, `link-${i}`).then((opened) => files.close(opened));
          written++;
        } finally {
          await files.close(directory);
        }
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? String(error);
        refusals.set(code, (refusals.get(code) ?? 0) + 1);
      }
    }
    await files.close(held);
    child.stdin.end();
    await once(child, 'close');

    expect(readdirSync(outside)).toEqual(['deep']);
    expect(readdirSync(join(outside, 'deep'))).toEqual([]);
    // Nothing but the race itself refuses: absent or a link for a moment.
    const refused = [...refusals.keys()].filter(
      (code) => !['ENOENT', 'ELOOP', 'ENOTDIR', 'EAGAIN'].includes(code),
    );
    expect(refused).toEqual([]);
    expect(written + [...refusals.values()].reduce((sum, n) => sum + n, 0)).toBe(rounds);
    expect(Number.parseInt(said.split('\n').at(-2) ?? '', 10)).toBeGreaterThan(0);
  }, 60_000);
});
