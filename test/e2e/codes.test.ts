import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { program } from '../support/run-through.js';
import { runHere } from '../support/run-here.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { startReceiverHere } from '../support/commands-here.js';
import { hasTerminal, runInTerminal } from '../support/terminal.js';

const chosen = '4821-crossover-clockwork-melon';
const wrong = '1234-wrong-wrong-wrong-wrong';

let out: string;
let work: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  out = join(work, 'out');
  file = join(work, 'file');
  await writeFile(file, 'content');
});

function send(address: string, code?: string) {
  return runXfer(['send', file, address, '--json'], { env: { XFER_CODE: code } });
}

/** As `send`, within this process. */
function sendHere(address: string, code = '') {
  return runHere(['send', file, address], { env: { XFER_CODE: code } });
}

describe('recv without a code', () => {
  it('makes one, and the command that it prints is all that the other side has to type', async () => {
    const recv = await runXfer(['recv', out, '--listen', 'tcp://127.0.0.1:0', '--once']);
    const command = await vi.waitFor(() => {
      const [, found] = / on the other machine: (.+)\n/.exec(recv.stderr) ?? [];
      if (found === undefined) throw new Error('not printed yet');
      return found;
    }, 10_000);
    expect(command).toMatch(/^XFER_CODE=\d+(-[a-z]+){4} xfer send PATH tcp:\/\/127\.0\.0\.1:\d+$/);
    await mkdir(join(work, 'bin'));
    const shim = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
    await writeFile(join(work, 'bin/xfer'), shim, { mode: 0o755 });
    const { stderr } = await promisify(execFile)('sh', ['-c', command.replace('PATH', `'${file}'`)], {
      env: {
        PATH: `${join(work, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
        XFER_HOME: join(work, 'home'),
      },
    });
    expect(stderr).toContain('sent 1 file, 7 B');
    expect((await recv.ended).status).toBe(0);
    expect(await readFile(join(out, 'file'), 'utf8')).toBe('content');
  });

  it('makes another one when the first is spent by a wrong guess, and another when that was used', async () => {
    const { recv, address, code } = await startReceiverHere(out, { flags: [] });
    const guess = await sendHere(address, wrong);
    expect(await guess.event('error')).toMatchObject({ code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    expect((await guess.ended).status).toBe(4);
    const second = await recv.event('listening', 1);
    expect(second.addresses).toEqual([address]);
    expect(second.code).not.toBe(code);
    expect(await readdir(out)).toEqual([]);

    expect((await (await sendHere(address, second.code)).ended).status).toBe(0);
    const afterUse = recv.events.lastIndexOf(second) + 1;
    const third = await recv.event('listening', afterUse);
    expect(new Set([code, second.code, third.code]).size).toBe(3);

    const spent = await sendHere(address, second.code);
    expect(await spent.event('error')).toMatchObject({ code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    await recv.event('listening', recv.events.lastIndexOf(third) + 1);
    expect(await readdir(out)).toEqual(['file']);
  });
});

describe('a code that the receiver was given', () => {
  it('is not printed, and serves until somebody guesses wrong, which ends recv with 4', async () => {
    const { recv, address } = await startReceiver(out, { flags: [], env: { XFER_CODE: chosen } });
    expect((await (await sendHere(address, chosen)).ended).status).toBe(0);
    expect((await (await sendHere(address, chosen)).ended).status).toBe(0);
    const guess = await sendHere(address, wrong);
    expect(await guess.event('error')).toMatchObject({ code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    expect((await guess.ended).status).toBe(4);
    const { status, stdout, stderr } = await recv.ended;
    expect(status).toBe(4);
    expect(recv.events.at(-1)).toMatchObject({ event: 'error', code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    expect(stdout + stderr).not.toContain('crossover');
  });

  it.each([
    ['send', ['send', program, 'tcp://127.0.0.1:9']],
    ['recv', ['recv', tmpdir(), '--listen', 'tcp://127.0.0.1:0']],
  ])('must not be weak: %s ends with 4', async (_, args) => {
    const run = await runHere([...args, '--code', 'short']);
    expect(await run.event('error')).toMatchObject({ code: 'ERR_XFER_WEAK_CODE', exit: 4 });
    expect((await run.ended).status).toBe(4);
  });
});

describe('with --once recv ends', () => {
  it('with 4 behind a wrong guess, as the sender does, and nothing is written', async () => {
    const { recv, address } = await startReceiver(out);
    const guess = await send(address, wrong);
    for (const run of [guess, recv]) {
      expect(await run.event('error')).toMatchObject({
        code: 'ERR_XFER_WRONG_CODE',
        message: expect.stringContaining('code') as string,
        exit: 4,
      });
      expect((await run.ended).status).toBe(4);
    }
    expect(await readdir(out)).toEqual([]);
    const late = await send(address, wrong);
    expect(await late.event('error')).toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED', exit: 3 });
  });

  it('with the status of a transfer that failed', async () => {
    await mkdir(join(out, 'file'), { recursive: true });
    const { recv, address, code } = await startReceiverHere(out);
    expect((await (await sendHere(address, code)).ended).status).toBe(6);
    expect((await recv.ended).status).toBe(6);
  });

  it('and without it goes on behind a transfer that failed', async () => {
    await mkdir(join(out, 'file'), { recursive: true });
    const { recv, address } = await startReceiverHere(out, { flags: [], env: { XFER_CODE: chosen } });
    expect((await (await sendHere(address, chosen)).ended).status).toBe(6);
    expect((await recv.event('note')).message).toBe('cannot write file: is a directory');
    const other = await runHere(['send', program, address], { env: { XFER_CODE: chosen } });
    expect((await other.ended).status).toBe(0);
    expect((await readdir(out)).sort()).toEqual(['file', 'run.js']);
  });
});

describe('send without a code', () => {
  it('and without a terminal ends with 4 and says what to do, before it connects', async () => {
    const run = await runXfer(['send', file, 'tcp://127.0.0.1:9']);
    const { status, stdout, stderr } = await run.ended;
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
    expect(stderr).toBe(
      'xfer: no code was given, and no known peer was met at 127.0.0.1\n' +
        '  give the code of the receiver by XFER_CODE, --code or the prompt, or pair once with --remember\n',
    );
  });

  it.skipIf(!hasTerminal)('asks for it in a terminal (needs script)', async () => {
    const { recv, address, code } = await startReceiver(out);
    const run = await runInTerminal(['send', file, address], { input: `${code}\n` });
    expect(await run.ended).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/code of the receiver: [^]*sent 1 file, 7 B/) as string,
    });
    expect((await recv.ended).status).toBe(0);
  });
});
