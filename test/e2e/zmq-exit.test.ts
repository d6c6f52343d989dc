import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const plugin = pathToFileURL(fileURLToPath(new URL('../../plugins/zmq/dist/index.js', import.meta.url))).href;

/** Sockets of every pattern, one with 500 messages that nobody takes and that libzmq holds without a copy. */
const opening = `
  const { zmq } = await import(${JSON.stringify(plugin)});
  const kind = await zmq().load();
  const open = (url, use) =>
    kind.open(url, { use, signal: new AbortController().signal, onNote: (note) => console.error(note) });
  const push = await open('zmq+push:tcp://127.0.0.1:9', 'sink');
  const pull = await open('zmq+pull:bind:tcp://127.0.0.1:*', 'source');
  const pub = await open('zmq+pub:bind:tcp://127.0.0.1:*', 'sink');
  const sub = await open('zmq+sub:tcp://127.0.0.1:9', 'source');
  const dealer = await open('zmq+dealer:tcp://127.0.0.1:9', 'both');
  const router = await open('zmq+router:bind:tcp://127.0.0.1:*', 'both');
  await push.sink.write(Array.from({ length: 500 }, () => [new Uint8Array(1000)]));
`;
const reading = 'const reads = [pull, sub, dealer, router].map(({ source }) => source.read(1000));';
const closing = 'await Promise.all([push, pull, pub, sub, dealer, router].map((each) => each.close()));';

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How a program ends; `onLine` hears of its lines. */
function run(program: string, onLine: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 15_000,
    killSignal: 'SIGKILL',
  });
  createInterface(child.stdout).on('line', () => onLine((signal) => child.kill(signal)));
  return new Promise<Ending>((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
}

it('lets a process end by itself once its endpoints are closed', async () => {
  expect(await run(`${opening} ${reading} ${closing} await Promise.all(reads);`)).toEqual({
    code: 0,
    signal: null,
  });
});

it('keeps no process that exits with sockets open and reads under way', async () => {
  expect(await run(`${opening} ${reading} process.exit(7);`)).toEqual({ code: 7, signal: null });
});

it('ends with SIGTERM while it reads', async () => {
  const ending = await run(`${opening} ${reading} console.log('reads');`, (kill) => kill('SIGTERM'));
  expect(ending).toEqual({ code: null, signal: 'SIGTERM' });
});

it('closes in order when a handler of SIGTERM does', async () => {
  const handler = `process.once('SIGTERM', async () => { ${closing} await Promise.all(reads); });`;
  const ending = await run(`${opening} ${reading} ${handler} console.log('reads');`, (kill) =>
    kill('SIGTERM'),
  );
  expect(ending).toEqual({ code: 0, signal: null });
});

it('lets a thread end by itself once its endpoints are closed', async () => {
  const program = `
    import { Worker } from 'node:worker_threads';
    const worker = new Worker(${JSON.stringify(`(async () => { ${opening} ${reading} ${closing} await Promise.all(reads); })()`)}, { eval: true });
    process.exitCode = await new Promise((resolve) => worker.on('exit', resolve));
  `;
  expect(await run(program)).toEqual({ code: 0, signal: null });
});
