import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runXfer } from '../../support/run-xfer.js';

const program = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

describe('the program', () => {
  it.each(['--version', '-v'])('tells its version by %s', async (flag) => {
    const { status, stdout, stderr } = await (await runXfer([flag])).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^xfer/${version} `));
  });

  it.each([
    ['--help', 'recv'],
    ['send --help', 'XFER_CODE='],
    ['recv -h', '--listen'],
    ['peers --help', 'peers remove'],
  ])('explains itself by %s', async (line, told) => {
    const { status, stdout } = await (await runXfer(line.split(' '))).ended;
    expect(status).toBe(0);
    expect(stdout).toContain(told);
  });

  it.each([
    ['no such command', ['nosuch'], 'nosuch'],
    ['no such flag', ['send', 'a', 'b', '--nosuch'], '--nosuch'],
    ['no arguments', ['send'], 'at least one path and a target'],
    ['too many arguments', ['recv', 'a', 'b'], 'Unexpected argument: b'],
    ['a missing argument', ['peers', 'rename', 'a'], 'Missing 1 required arg'],
    ['a name to remember by without --remember', ['send', 'a', 'b', '--as', 'n'], '--remember'],
    ['one peer for two targets', ['send', 'a', '--to', 'b', '--to', 'c', '--peer', 'n'], '--peer is for one'],
    ['no congestion controller', ['send', 'a', 'b', '--cc', 'reno'], 'not a congestion controller: "reno"'],
    ['no rate to hold', ['recv', '--cc', 'fixed:fast'], 'not a rate: "fast"'],
    ['a link too small for IPv6', ['relay', '--mtu', '1279'], '--mtu'],
    ['an ssh target', ['send', 'a', 'me@host:dir'], 'ssh targets'],
  ])('exits with 2 and no stack trace for %s', async (_, args, told) => {
    const { status, stdout, stderr } = await (await runXfer(args)).ended;
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^xfer: /);
    expect(stderr).toContain(told);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('tells a wrong use as an event under --json', async () => {
    const { status, events, stderr } = await (await runXfer(['send', '--json', '--nosuch'])).ended;
    expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
    expect(events).toMatchObject([{ event: 'error', code: 'ERR_XFER_USAGE', exit: 2 }]);
  });

  it('shows the stack under XFER_DEBUG=1', async () => {
    const { stderr } = await (await runXfer(['send'], { env: { XFER_DEBUG: '1' } })).ended;
    expect(stderr).toMatch(/^ +at /m);
  });

  it('does the same whatever NODE_ENV is', async () => {
    const { status } = await (await runXfer(['send', '--help'], { env: { NODE_ENV: 'development' } })).ended;
    expect(status).toBe(0);
  });

  it('minds no reader that goes away', async () => {
    const child = spawn(process.execPath, [program, 'send', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(stderr).toBe('');
  });
});
