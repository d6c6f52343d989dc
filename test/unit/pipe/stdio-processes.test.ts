import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pipe } from './descriptor-kit.js';

const script = fileURLToPath(new URL('fixtures/copy.ts', import.meta.url));
const copy = `'${process.execPath}' --import tsx '${script}'`;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a shell makes of a line in which `$COPY` copies its input to its output. */
async function shell(line: string, native: string): Promise<Ended> {
  const child = spawn('bash', ['-c', line.replaceAll('$COPY', copy)], {
    env: { ...process.env, XFER_NATIVE: native },
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
