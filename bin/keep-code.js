// Runs short transfers between two directories of this machine, and keeps what V8 compiled for them beside the program, so that
// later ones begin sooner: `npm run build` does it, and the install of the package. Without it all works, and begins later.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const program = fileURLToPath(new URL('run.js', import.meta.url));
/** For each command of these rounds. */
const limitMs = 20_000;
const code = '7-code-that-is-kept';

if (process.argv[2] === 'run') {
  globalThis[Symbol.for('xfer/keep-code')] = true;
  process.argv.splice(2, 1);
  await import('./run.js');
} else {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-keep-code-'));
  try {
    await rounds(directory);
  } catch (error) {
    console.warn(`xfer: commands will begin later than they could (${error.message})`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Each adds what it compiles to what those before it kept. */
async function rounds(directory) {
  const source = join(directory, 'ten');
  writeFileSync(source, 'ten bytes\n');
  const listens = ['--listen', 'tcp://127.0.0.1:0'];
  await pair(directory, ['recv', join(directory, 'out'), '--once', ...listens], (url) => [
    'send',
    source,
    url,
  ]);
  await pair(directory, ['pipe', ...listens], (url) => ['pipe', url]);
  await ended(start(directory, ['send', source, `local:${join(directory, 'local')}`]));
}

/** One of them at a time keeps: whoever ended last would keep what it had alone. */
async function pair(directory, listener, dialer) {
  for (const keeps of ['near', 'far']) {
    const near = start(directory, listener, keeps === 'near');
    const far = start(directory, dialer(await addressOf(near)), keeps === 'far');
    await Promise.all([ended(near), ended(far)]);
  }
}

function start(directory, words, keeps = true) {
  const env = { ...process.env, XFER_HOME: join(directory, words[0]), XFER_CODE: code };
  const child = spawn(
    process.execPath,
    [keeps ? self : program, ...(keeps ? ['run'] : []), ...words, '--json'],
    { env, timeout: limitMs },
  );
  // One that has ended by then says so by its status.
  child.stdin.on('error', () => undefined).end('ten bytes\n');
  child.text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (child.text += text));
  child.over = new Promise((resolve) => child.once('close', resolve));
  return child;
}

async function ended(child) {
  const status = await child.over;
  if (status !== 0) throw new Error(`a first command ended with ${status}: ${child.text.slice(-300)}`);
}

/** The first address that it says it listens at. */
async function addressOf(child) {
  for (;;) {
    const [, address] = /"addresses":\["([^"]+)"/.exec(child.text) ?? [];
    if (address) return address;
    const isOver = await Promise.race([child.over.then(() => true), spoken(child)]);
    if (isOver) throw new Error(`it does not listen: ${child.text.slice(-300)}`);
  }
}

/** Until it says more. */
function spoken(child) {
  return new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) stream.once('data', () => resolve(false));
  });
}
