import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type Ended } from '../support/run-xfer.js';
import { hasTerminal, runInTerminal } from '../support/terminal.js';

const code = '4821-crossover-clockwork-melon';
const env = { XFER_CODE: code };
const text = expect.any(String) as string;
const number = expect.any(Number) as number;

let work: string;
let out: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  out = join(work, 'out');
  file = join(work, 'file');
  await writeFile(file, 'content');
});

/** A file over both sides, without `--json`: what each shows. */
async function plainly(...flags: string[]): Promise<{ sent: Ended; received: Ended }> {
  const recv = await runXfer(['recv', out, '--listen', 'tcp://127.0.0.1:0', '--once', ...flags], { env });
  const address = await listeningAddress(() => recv.stderr);
  const send = await runXfer(['send', file, address, ...flags], { env });
  return { sent: await send.ended, received: await recv.ended };
}

async function listeningAddress(printed: () => string): Promise<string> {
  return vi.waitFor(() => {
    const [found] = /tcp:\/\/127\.0\.0\.1:\d+/.exec(printed()) ?? [];
    if (found === undefined) throw new Error('not listening yet');
    return found;
  }, 10_000);
}

describe('--json', () => {
  it('gives events of these shapes, one object a line, and nothing on stderr', async () => {
    const large = join(work, 'large');
    await writeFile(large, '');
    await truncate(large, 128 * 2 ** 20);
    const { recv, address } = await startReceiver(out, { env });
    const send = await runXfer(['send', large, file, address, '--json'], { env });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    for (const { stdout, stderr, events } of [sent, received]) {
      expect(stderr).toBe('');
      expect(stdout.endsWith('\n')).toBe(true);
      expect(stdout.trimEnd().split('\n')).toHaveLength(events.length);
    }

    const connected = { event: 'connected', peer: text, known: false, transport: 'tcp', path: 'direct' };
    const lane = { event: 'lane', lane: 0, state: 'up', transport: 'tcp' };
    const phase = (name: string) => ({ event: 'phase', phase: name });
    const [bytes, total] = [128 * 2 ** 20 + 7, 128 * 2 ** 20 + 7];
    const shape = { lanes: 1, transport: 'tcp', transports: { tcp: number } };
    const done = { event: 'done', peer: text, bytes, files: 2, seconds: number, ...shape };
    expect(milestones(sent)).toEqual([
      phase('connect'),
      phase('pair'),
      connected,
      { ...lane, address },
      phase('transfer'),
      phase('commit'),
      { ...done, role: 'send', path: 'direct', bottleneck: text },
    ]);
    expect(milestones(received)).toEqual([
      { event: 'listening', addresses: [text] },
      connected,
      lane,
      phase('transfer'),
      phase('commit'),
      { ...done, role: 'recv', path: 'direct', bottleneck: text },
    ]);
    const progress = { event: 'progress', bytes, total, files: number, sent: number };
    const lastOf = ({ events }: typeof sent) => events.findLast((event) => event.event === 'progress');
    const carried = { lane: 0, transport: 'tcp', bytes: number, rttMs: number };
    expect(lastOf(sent)).toEqual({ ...progress, lanes: [carried] });
    expect(lastOf(received)).toEqual(progress);
    for (const side of [sent, received]) expectThinProgress(side);
  });

  it('gives an error as an event, and nothing on stderr', async () => {
    const run = await runXfer(['send', join(work, 'absent'), `local:${out}`, '--json']);
    const { stdout, stderr, status } = await run.ended;
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      event: 'error',
      code: 'ERR_XFER_NOT_FOUND',
      message: `cannot send ${join(work, 'absent')}: no such file or directory`,
      remedy: 'check the path',
      exit: 6,
    });
    expect(status).toBe(6);
  });

  it('gives an error of the command line as an event too', async () => {
    const run = await runXfer(['send', '--json', '--no-such-flag']);
    const { stdout, status } = await run.ended;
    expect(JSON.parse(stdout)).toMatchObject({ event: 'error', code: 'ERR_XFER_USAGE', exit: 2 });
    expect(status).toBe(2);
  });
});

/** All events but those whose number is a matter of time. */
function milestones({ events }: Ended) {
  return events.filter((event) => event.event !== 'progress');
}

/** Four a second, one when it ends, and one for a timer that rings early. */
function expectThinProgress({ events }: Ended): void {
  const done = events.find((event) => event.event === 'done');
  const count = events.filter((event) => event.event === 'progress').length;
  expect(count).toBeLessThanOrEqual((done?.seconds ?? 0) * 4 + 2);
}

describe('where stderr is no terminal', () => {
  it('there is a line at the start and one at the end, and nothing on stdout', async () => {
    const { sent, received } = await plainly();
    const amount = String.raw`1 file, 7 B in \d+\.\d s \([\d.]+ k?B\/s\)`;
    expect(sent).toMatchObject({ status: 0, stdout: '' });
    expect(sent.stderr).toMatch(
      new RegExp(
        `^connected to [a-z0-9-]+ \\(tcp, direct\\)\nsent ${amount} to [a-z0-9-]+ \\(tcp, direct\\)\n$`,
      ),
    );
    expect(received).toMatchObject({ status: 0, stdout: '' });
    expect(received.stderr).toMatch(
      new RegExp(
        '^listening on tcp://127\\.0\\.0\\.1:\\d+; on the other machine: xfer send PATH tcp://127\\.0\\.0\\.1:\\d+\n' +
          `connected to [a-z0-9-]+ \\(tcp, direct\\)\nreceived ${amount} from [a-z0-9-]+ \\(tcp, direct\\)\n$`,
      ),
    );
  });

  it('an error is two lines on stderr: what happened, and what to do', async () => {
    const run = await runXfer(['send', join(work, 'absent'), `local:${out}`]);
    expect(await run.ended).toMatchObject({
      status: 6,
      stdout: '',
      stderr: `xfer: cannot send ${join(work, 'absent')}: no such file or directory\n  check the path\n`,
    });
  });
});

describe('--quiet', () => {
  it('prints nothing when all is well', async () => {
    const run = await runXfer(['send', file, `local:${out}`, '--quiet']);
    expect(await run.ended).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(await readdir(out)).toEqual(['file']);
  });

  it('prints nothing on the receiver either, where its code was given', async () => {
    const { address, recv: other } = await startReceiver(out, { env });
    await other.kill();
    const recv = await runXfer(['recv', out, '--listen', address, '--once', '-q'], { env });
    const send = await vi.waitFor(async () => {
      const run = await runXfer(['send', file, address, '-q'], { env });
      if ((await run.ended).status === 3) throw new Error('not listening yet');
      return run;
    }, 10_000);
    expect(await send.ended).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(await recv.ended).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('prints the command where a code was made: nobody could send without it', async () => {
    const recv = await runXfer(['recv', out, '--listen', 'tcp://127.0.0.1:0', '--once', '--quiet']);
    await vi.waitFor(() => expect(recv.stderr).toMatch(/XFER_CODE=\S+ xfer send PATH tcp:\S+\n$/), 10_000);
    expect((await recv.kill('SIGTERM')).stdout).toBe('');
  });

  it('prints errors', async () => {
    const run = await runXfer(['send', join(work, 'absent'), `local:${out}`, '-q']);
    expect(await run.ended).toMatchObject({
      status: 6,
      stdout: '',
      stderr: expect.stringMatching(/^xfer: cannot send .*\n {2}check the path\n$/) as string,
    });
  });
});

/** A title for the terminal, a line of its own, and text that would be shown from right to left. */
const hostile = 'a\u001b]0;owned\u0007\nxfer: all is well\u202e';
const shown = String.raw`a\u{1b}]0;owned\u{7}\u{a}xfer: all is well\u{202e}`;
const raw = /\u001b\]0;owned|\u0007|\nxfer: all is well|\u202e/;

describe('a name with control characters', () => {
  const modes: [string, string[]][] = [
    ['in lines', []],
    ['under --json', ['--json']],
    ['under --quiet', ['--quiet']],
  ];

  it.each(modes)(
    'is escaped %s, where the sender names it and where the receiver refuses it',
    async (_, flags) => {
      const path = join(work, hostile);
      await writeFile(path, 'content');
      const { recv, address } = await startReceiver(out, { env });
      const send = await runXfer(['send', path, address, ...flags], { env });
      const absent = await runXfer(['send', `${path}?`, address, ...flags], { env });
      for (const run of [send, recv, absent]) {
        const { stdout, stderr, status } = await run.ended;
        expect(status).toBe(run === absent ? 6 : 4);
        expect(stdout + stderr).not.toMatch(raw);
        const isJson = run === recv || flags.includes('--json');
        const message = isJson ? (await run.event('error')).message : stderr;
        expect(message).toContain(shown);
      }
      expect(await readdir(out)).toEqual([]);
    },
  );

  it.skipIf(!hasTerminal)('is escaped in a terminal, on both sides (needs script)', async () => {
    const path = join(work, hostile);
    await writeFile(path, 'content');
    const recv = await runInTerminal(['recv', out, '--listen', 'tcp://127.0.0.1:0', '--once'], { env });
    const address = await listeningAddress(() => recv.stdout);
    const send = await runInTerminal(['send', path, address], { env });
    for (const run of [send, recv]) {
      const { stdout, status } = await run.ended;
      expect(status).toBe(4);
      expect(stdout).not.toMatch(raw);
      expect(stdout).toContain(shown);
    }
  });
});

describe.skipIf(!hasTerminal)('in a terminal (needs script)', () => {
  it('the phases are ticked and the last line sums up, on both sides', async () => {
    const recv = await runInTerminal(['recv', out, '--listen', 'tcp://127.0.0.1:0', '--once'], { env });
    const address = await listeningAddress(() => recv.stdout);
    const send = await runInTerminal(['send', file, address], { env });
    const sent = await send.ended;
    expect(sent.status).toBe(0);
    for (const phase of ['connect', 'pair', 'transfer', 'commit'])
      expect(sent.stdout).toMatch(new RegExp(`✔.* ${phase}`));
    expect(sent.stdout).toMatch(/sent 1 file, 7 B in .* \(tcp, direct\)\r\n(\u001b\[\?25h)?$/);
    const received = await recv.ended;
    expect(received.status).toBe(0);
    expect(received.stdout).toMatch(/on the other machine type\r\n\r\n {2}xfer send PATH tcp:/);
    expect(received.stdout).toMatch(/received 1 file, 7 B in .* \(tcp, direct\)\r\n/);
  });
});
