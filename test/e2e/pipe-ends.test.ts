import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { program } from '../support/run-through.js';
import { dialPipe, listenPipe, pipeErrorOf } from '../support/run-pipe.js';
import { temporaryDirectory } from '../support/run-xfer.js';

const MiB = 2 ** 20;
const code = '4821-crossover-clockwork-melon';

/** A line of bash in which `xfer` is the program; `ended` has its stdout, and `PIPESTATUS` behind it. */
function shell(line: string, env: Readonly<Record<string, string>>) {
  const { PATH } = process.env;
  const script = `xfer() { exec "$NODE" "$PROGRAM" "$@"; }; ${line}; echo "\${PIPESTATUS[@]}" >&3`;
  const child = spawn('bash', ['-c', script], {
    env: { PATH, NODE: process.execPath, PROGRAM: program, XFER_CODE: code, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  const said = { stdout: '', stderr: '', statuses: '' };
  for (const [at, name] of (['stdout', 'stderr', 'statuses'] as const).entries())
    (child.stdio[at + 1] as Readable).setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  return { said, ended: once(child, 'close').then(() => said) };
}

/** As a producer that never ends: whatever is taken, there is more. */
const endless = (stdin: NodeJS.WritableStream) => {
  const more = (): void => {
    while (stdin.writable && stdin.write(Buffer.alloc(64 * 1024, 'y\n')));
  };
  stdin.on('drain', more).on('error', () => undefined);
  more();
};

/*
 * What ssh gives for the same (OpenSSH 9.2, bash's PIPESTATUS):
 *   yes | ssh localhost cat | head -1     141 255 0   its own stdout has gone
 *   ssh localhost yes | head -1           255 0       the same
 *   yes | ssh localhost head -1           141 0       the program over there is content, and so is ssh
 *   yes | ssh localhost 'set -o pipefail; cat | head -1'   141 141   a program over there was ended by SIGPIPE
 * The producer gets 141 always. An xfer writes to the consumer as cat does in the last line: it has 141, and so has the
 * other side, which is told of it as ssh is told of the status over there.
 */
describe('a broken pipe', () => {
  it('ends yes, both sides and head at once, with the statuses of a pipeline', async () => {
    const home = await temporaryDirectory();
    const listener = shell('xfer pipe --listen tcp://127.0.0.1:0 | head -1', { XFER_HOME: `${home}/taker` });
    const address = await vi.waitFor(
      () =>
        /tcp:\/\/127\.0\.0\.1:\d+/.exec(listener.said.stderr)?.[0] ?? Promise.reject(new Error('not yet')),
      10_000,
    );
    const dialer = shell(`yes | xfer pipe ${address}`, { XFER_HOME: `${home}/giver` });
    const [taken, given] = await Promise.all([listener.ended, dialer.ended]);
    expect([taken.stdout, taken.statuses]).toEqual(['y\n', '141 0\n']);
    expect(given.statuses).toBe('141 141\n');
    // As quiet as a program that SIGPIPE ends.
    expect(given.stderr).toBe('');
    expect(taken.stderr).toMatch(/^listening on [^\n]*\n$/);
  });

  it('goes back from a dialer that reads', async () => {
    const listening = await listenPipe(['-']);
    endless(listening.run.stdin);
    const dialer = await dialPipe(listening, ['-']);
    await dialer.until(({ bytesOut }) => bytesOut > 0);
    dialer.child.stdout?.destroy();
    const [taken, given] = await Promise.all([dialer.ended, listening.run.ended]);
    expect([taken.status, given.status]).toEqual([141, 141]);
    expect([pipeErrorOf(taken), pipeErrorOf(given)]).toEqual([
      'ERR_XFER_BROKEN_PIPE',
      'ERR_XFER_BROKEN_PIPE',
    ]);
  });

  it('is noticed while the producer is silent', async () => {
    const listening = await listenPipe([], { input: '' });
    const dialer = await dialPipe(listening);
    dialer.stdin.write('a');
    await listening.run.until(({ bytesOut }) => bytesOut === 1);
    listening.run.child.stdout?.destroy();
    const [given, taken] = await Promise.all([dialer.ended, listening.run.ended]);
    expect([given.status, taken.status]).toEqual([141, 141]);
  });
});

describe('a side that goes away', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends by %s with 130 while stdin is silent', async (signal) => {
    const listening = await listenPipe([], { input: '' });
    const dialer = await dialPipe(listening);
    dialer.stdin.write('a');
    await listening.run.until(({ bytesOut }) => bytesOut === 1);
    const before = performance.now();
    expect((await dialer.kill(signal)).status).toBe(130);
    // At once: not after the five seconds in which a hanging end is cut off.
    expect(performance.now() - before).toBeLessThan(4000);
    const taken = await listening.run.ended;
    expect([taken.status, pipeErrorOf(taken)]).toEqual([3, 'ERR_XFER_PEER_INTERRUPTED']);
  });

  it('ends by SIGINT with 130 while stdout is blocked', async () => {
    const listening = await listenPipe([], { input: '', isHeld: true });
    const dialer = await dialPipe(listening, ['--window', '2MiB'], { input: Buffer.alloc(8 * MiB) });
    await dialer.until(({ events }) => events.some(({ event }) => event === 'progress'));
    const before = performance.now();
    expect((await listening.run.kill('SIGINT')).status).toBe(130);
    expect(performance.now() - before).toBeLessThan(4000);
    expect((await dialer.ended).status).toBe(3);
  });

  it('is missed for as long as --retry says', async () => {
    const listening = await listenPipe([], { input: '' });
    const dialer = await dialPipe(listening, ['--retry', '0']);
    dialer.stdin.write('a');
    await listening.run.until(({ bytesOut }) => bytesOut === 1);
    await listening.run.kill();
    const ended = await dialer.ended;
    expect([ended.status, pipeErrorOf(ended)]).toEqual([3, 'ERR_XFER_CONNECTION_LOST']);
  });
});

describe('a pipe that stands still', () => {
  it('holds a window and no more on both sides', async () => {
    const flags = ['--window', '4MiB'];
    const listening = await listenPipe(flags, { input: '', isHeld: true });
    const dialer = await dialPipe(listening, flags);
    endless(dialer.stdin);
    // It stands when nothing was taken from the producer for a second.
    let taken = -1;
    await expect
      .poll(
        () => {
          const before = taken;
          taken = (dialer.stdin as NodeJS.WritableStream & { bytesWritten?: number }).bytesWritten ?? 0;
          return before === taken && taken > 0;
        },
        { interval: 1000, timeout: 20_000 },
      )
      .toBe(true);
    expect(taken).toBeLessThan(4 * 4 * MiB);
    // The programs themselves have about 70 MB.
    for (const run of [dialer, listening.run]) expect(run.residentBytes).toBeLessThan(104e6 + 2 * 4 * MiB);
    listening.run.read();
    await listening.run.until(({ bytesOut }) => bytesOut > 32 * MiB);
    await Promise.all([dialer.kill(), listening.run.kill()]);
  });

  it('leaves stdin and stdout as they are for others: no O_NONBLOCK', async () => {
    const listening = await listenPipe([], { input: '' });
    const dialer = await dialPipe(listening);
    dialer.stdin.write('a');
    await listening.run.until(({ bytesOut }) => bytesOut === 1);
    const flagsOf = (pid: number | undefined, fd: number) =>
      Number.parseInt(
        /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '',
        8,
      );
    const nonBlocking = 0o4000;
    expect(flagsOf(dialer.child.pid, 0) & nonBlocking).toBe(0);
    expect(flagsOf(listening.run.child.pid, 1) & nonBlocking).toBe(0);
    dialer.stdin.end();
    expect((await dialer.ended).status).toBe(0);
  });
});
