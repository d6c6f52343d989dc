import { join } from 'node:path';
import { program, start } from './processes.mjs';
import { eventOf } from './xfer.mjs';

const code = '7-benchmark-of-the-pipes';

/** `xfer pipe` between two processes that bash has become: what feeds it and what it feeds stand in `from` and `to`. */
export function pipeProcess(
  { directory },
  side,
  words,
  { from = '/dev/null', to = '/dev/null', stdio } = {},
) {
  const { PATH } = process.env;
  const env = { PATH, HOME: directory, XFER_HOME: join(directory, side), XFER_CODE: code };
  const args = [program, 'pipe', ...words, '--json'];
  if (stdio) return start(process.execPath, args, { env, stdio }, 600_000);
  const script = `exec "$0" "$@" < ${from} > ${to}`;
  return start('bash', ['-c', script, process.execPath, ...args], { env }, 600_000);
}

/** One that listens already, on a free port of loopback: `{ run, url }`. */
export async function listeningPipe(context, words = [], options = {}) {
  const run = pipeProcess(context, 'receiver', ['--listen', 'tcp://127.0.0.1:0', ...words], options);
  const { addresses } = await told(run, 'listening');
  return { run, url: addresses[0] };
}

/** An event of a pipe, which come on stderr; looked at every 2 ms while it runs. */
export async function told(run, name) {
  for (;;) {
    const lines = run.stderr.split('\n').slice(0, -1);
    const found = lines.map(eventOf(name)).find((event) => event !== undefined);
    if (found) return found;
    if (run.over) throw new Error(`xfer pipe ended without ${name}: ${run.stderr.slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
