import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pattern, pipe } from './descriptor-kit.js';

const script = fileURLToPath(new URL('fixtures/copy.ts', import.meta.url));
const copy = `'${process.execPath}' --import tsx '${script}'`;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a shell makes of a line in which `$COPY` copies its input to its output. */
async function shell(line: string, native: string, extra: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn('bash', ['-c', line.replaceAll('$COPY', copy)], {
    env: { ...process.env, ...extra, XFER_NATIVE: native },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

describe.each([
  ['addon', ''],
  ['twin', 'off'],
])('a process between two pipes (%s)', (_, native) => {
  it('copies all, and its consumer comes to the end', async () => {
    const sum = await shell('head -c 50000000 /dev/zero | $COPY copy | wc -c', native);
    expect(sum).toEqual({ status: 0, stdout: '50000000\n', stderr: '' });
  });

  it('copies from a file to a file', async () => {
    const line = `f=$(mktemp); $COPY copy < '${script}' > $f; cmp $f '${script}'; echo $?; rm $f`;
    expect(await shell(line, native)).toEqual({ status: 0, stdout: '0\n', stderr: '' });
  });

  it.runIf(native === '')('leaves what it did not read to the next, in a pipe as it was before', async () => {
    const line = 'printf 123456 | ($COPY copy 2; echo; cat)';
    expect(await shell(line, native)).toEqual({ status: 0, stdout: '12\n3456', stderr: '' });
  });

  it('ends its producer by SIGPIPE when it stops', async () => {
    const line = '(cat /dev/zero; echo $? >&2) | $COPY copy 10 | wc -c';
    // 128 and SIGPIPE, as a shell has it.
    expect(await shell(line, native)).toEqual({ status: 0, stdout: '10\n', stderr: '141\n' });
  });

  it('takes standard input that is closed for one that is empty', async () => {
    expect(await shell('$COPY copy <&- | wc -c', native)).toMatchObject({ status: 0, stdout: '0\n' });
  });

  it('copies from a terminal to a terminal, and leaves it as it was', async () => {
    const inside = `stty -a | cksum; ${copy} copy; stty -a | cksum; grep flags: /proc/self/fdinfo/0`;
    const line = 'printf "typed\\n\\004" | script -qec "$INSIDE" /dev/null | tr -d "\\r"';
    const { stdout } = await shell(line, native, { INSIDE: inside });
    const lines = stdout.split('\n');
    // Once as the terminal echoes it, once copied.
    expect(lines.filter((text) => text === 'typed')).toHaveLength(2);
    const states = lines.filter((text) => /^\d+ \d+$/.test(text));
    expect(states).toHaveLength(2);
    expect(states[0]).toBe(states[1]);
    const flags = lines.find((text) => text.startsWith('flags:'))?.split('\t')[1];
    expect(parseInt(flags ?? '-1', 8) & constants.O_NONBLOCK).toBe(0);
  });

  it('copies from a socket to a socket, both of which others have, too', async () => {
    // What a child of Node has at "pipe" is one of a pair of sockets.
    const child = spawn(process.execPath, ['--import', 'tsx', script, 'copy'], {
      env: { ...process.env, XFER_NATIVE: native },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const content = pattern(5 * 2 ** 20 + 1);
    child.stdin.end(content);
    const parts: Buffer[] = [];
    for await (const part of child.stdout) parts.push(part as Buffer);
    expect(Buffer.concat(parts).equals(content)).toBe(true);
  });

  it.runIf(native === '').each(['pipe', 'socket'])(
    'is told that the reader of a %s has gone although it waits for its producer',
    async (kind) => {
      const [input, output] = [pipe(), pipe()];
      const child = spawn(process.execPath, ['--import', 'tsx', script, 'watch'], {
        env: { ...process.env, XFER_NATIVE: native },
        stdio: [input.reading, kind === 'pipe' ? output.writing : 'pipe', 'pipe'],
      });
      await new Promise((resolve) => child.stderr?.once('data', resolve));
      closeSync(output.writing);
      closeSync(output.reading);
      child.stdout?.destroy();
      expect(await once(child, 'exit')).toEqual([9, null]);
    },
  );

  it.each([
    ['process.exit', 'exit', 7, null],
    ['SIGTERM', 'wait', null, 'SIGTERM'],
  ] as const)(
    'ends by %s with a read that waits and a write that is blocked',
    async (__, way, status, signal) => {
      const [input, output] = [pipe(), pipe()];
      const child = spawn(process.execPath, ['--import', 'tsx', script, way], {
        env: { ...process.env, XFER_NATIVE: native },
        stdio: [input.reading, output.writing, 'pipe'],
      });
      await new Promise((resolve) => child.stderr?.once('data', resolve));
      if (way === 'wait') child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([status, signal]);
    },
  );
});
