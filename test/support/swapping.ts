import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './run-xfer.js';

const swapper = fileURLToPath(new URL('../e2e/fixtures/swapper.cjs', import.meta.url));

/** Swaps the directory `place` and a link to `outside` as fast as can be, until `stop`; `count`: how often so far. */
export async function startSwapping(
  place: string,
  outside: string,
): Promise<{ count(): number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [swapper, place, outside, await temporaryDirectory()], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-64)));
  await once(child.stdout, 'data');
  return {
    count: () => Number(said.split('\n').at(-2)),
    stop: async () => {
      child.stdin.end();
      await once(child, 'close');
      if (child.exitCode !== 0) throw new Error('the swapper failed');
    },
  };
}
