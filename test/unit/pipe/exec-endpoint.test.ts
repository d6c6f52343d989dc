import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Endpoint, EndpointUse } from '../../../src/pipe/endpoint.js';
import { execEndpoint } from '../../../src/pipe/exec-endpoint.js';
import { optionsFor, readAll, sinkOf, sourceOf, writeUntilRefused } from './endpoint-kit.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xfer-exec-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function using<T>(
  command: string,
  use: EndpointUse,
  work: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  const endpoint = await execEndpoint.open(`exec:${command}`, optionsFor(use));
  try {
    return await work(endpoint);
  } finally {
    await endpoint.close();
  }
}

const failed = (how: string) => ({
  code: 'ERR_XFER_COMMAND_FAILED',
  message: expect.stringContaining(how) as string,
});

/** Whether the process is there, and no zombie that waits for an init. */
async function isRunning(id: number): Promise<boolean> {
  const stat = await readFile(`/proc/${id}/stat`, 'latin1').catch(() => undefined);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}

describe('exec: as a source', () => {
  it('gives what the program says, and has nothing for it to read', async () => {
    expect(await using('cat; echo out; echo more', 'source', readAll)).toBe('out\nmore\n');
  });

  it.each([
    ['exit 3', 'ended with status 3'],
    ['kill -9 $$', 'was ended by SIGKILL'],
    ['no-such-program-at-all 2>/dev/null', 'there is no such command'],
  ])('is not whole when the program fails: %s', async (command, how) => {
    await expect(using(`echo some; ${command}`, 'source', readAll)).rejects.toMatchObject(failed(how));
  });

  it('ends the program that goes on writing when nobody wants more, and that is no failure', async () => {
    const path = join(directory, 'status');
    await using(`yes; echo $? >${path}.new; mv ${path}.new ${path}`, 'source', async (endpoint) => {
      const into = Buffer.alloc(1000);
      expect(await sourceOf(endpoint).read(into)).toBe(1000);
      sourceOf(endpoint).stop();
      expect(await readAll(endpoint)).toBe('');
      // 128 and SIGPIPE, as in a pipeline.
      await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toBe('141\n'));
    });
  });

  it('waits for a program that has closed its stdout, and not once it is stopped', async () => {
    await using('exec >&-; read never </dev/null; exit 5', 'source', async (endpoint) => {
      await expect(readAll(endpoint)).rejects.toMatchObject(failed('status 5'));
    });
    await using('exec >&-; exec sleep 60', 'source', async (endpoint) => {
      const reading = readAll(endpoint);
      sourceOf(endpoint).stop();
      expect(await reading).toBe('');
    });
  });
});

describe('exec: as a sink', () => {
  it('has delivered when the program has ended well', async () => {
    const path = join(directory, 'sink');
    await using(`cat >${path}`, 'sink', async (endpoint) => {
      for (let i = 0; i < 20; i++) await sinkOf(endpoint).write(Buffer.alloc(100_000, 97 + i));
      await sinkOf(endpoint).end();
      expect((await readFile(path)).length).toBe(2_000_000);
    });
  });

  it('has not delivered when the program fails at the end', async () => {
    await using('cat >/dev/null; exit 4', 'sink', async (endpoint) => {
      await sinkOf(endpoint).write(Buffer.from('all of it'));
      await expect(sinkOf(endpoint).end()).rejects.toMatchObject(failed('status 4'));
    });
  });

  it('is a broken pipe when the program has read enough, while writing and while not', async () => {
    await using('head -c 1 >/dev/null', 'sink', async (endpoint) => {
      await expect(writeUntilRefused(endpoint)).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    });
    await using('head -c 1 >/dev/null', 'sink', async (endpoint) => {
      const broken = new Promise((resolve) => sinkOf(endpoint).onBroken(resolve));
      await sinkOf(endpoint).write(Buffer.from('x'));
      expect(await broken).toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    });
  });

  it('is well when the program has taken all and ended before it was told that it was all', async () => {
    await using('head -c 1 >/dev/null', 'sink', async (endpoint) => {
      const gone = new Promise((resolve) => sinkOf(endpoint).onBroken(resolve));
      await sinkOf(endpoint).write(Buffer.from('x'));
      await gone;
      await sinkOf(endpoint).end();
    });
  });

  it('says how the program failed rather than that it does not read', async () => {
    await using('exit 7', 'sink', async (endpoint) => {
      await expect(writeUntilRefused(endpoint)).rejects.toMatchObject(failed('status 7'));
    });
  });

  it('ends the program before it takes what is cut off for whole', async () => {
    const path = join(directory, 'aborted');
    await using(`cat >/dev/null && touch ${path}`, 'sink', async (endpoint) => {
      await sinkOf(endpoint).write(Buffer.from('half of'));
      sinkOf(endpoint).abort(new Error('cut off') as never);
    });
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('exec: both ways', () => {
  it('gives the answer to what it was told', async () => {
    const answer = await using('tr a-z A-Z', 'both', async (endpoint) => {
      const reading = readAll(endpoint);
      await sinkOf(endpoint).write(Buffer.from('some text'));
      await sinkOf(endpoint).end();
      return reading;
    });
    expect(answer).toBe('SOME TEXT');
  });
});

describe('exec: closed', () => {
  it('leaves nobody behind: not who minds SIGTERM, nor what they started', async () => {
    const script = 'trap "" TERM; sleep 60 & echo $!; echo $$; wait; sleep 60';
    const endpoint = await execEndpoint.open(`exec:${script}`, optionsFor('source'));
    const into = Buffer.alloc(100);
    let text = '';
    while (text.split('\n').length < 3)
      text += into.toString('latin1', 0, await sourceOf(endpoint).read(into));
    const ids = text.trim().split('\n').map(Number);
    expect(await Promise.all(ids.map(isRunning))).toEqual([true, true]);
    await endpoint.close();
    expect(await Promise.all(ids.map(isRunning))).toEqual([false, false]);
  });

  it.each(['SIGTERM', 'SIGINT', 'exit'])('leaves nobody behind when the process ends by %s', async (how) => {
    const kit = new URL('../../../src/pipe/exec-endpoint.ts', import.meta.url).pathname;
    const script = `
      const { execEndpoint } = await import(${JSON.stringify(kit)});
      const signal = new AbortController().signal;
      const endpoint = await execEndpoint.open('exec:sleep 60 & echo $!; echo $$; wait', { use: 'source', signal });
      const into = Buffer.alloc(100);
      let text = '';
      while (text.split('\\n').length < 3) text += into.toString('latin1', 0, await endpoint.source.read(into));
      process.stdout.write(text);
      process.stdin.once('data', () => process.exit(0)).resume();
    `;
    const xfer = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(xfer, 'exit');
    const [bytes] = (await once(xfer.stdout, 'data')) as [Buffer];
    const ids = bytes.toString().trim().split('\n').map(Number);
    if (how === 'exit') xfer.stdin.write('now');
    else xfer.kill(how as NodeJS.Signals);
    expect(await ended).toEqual(how === 'exit' ? [0, null] : [null, how]);
    // Who is killed may take a moment to be gone.
    await vi.waitFor(async () => expect(await Promise.all(ids.map(isRunning))).toEqual([false, false]));
  });
});
