import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { listenPipe } from '../support/run-pipe.js';
import { program } from '../support/run-through.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

const MiB = 2 ** 20;
const env = { XFER_CODE: '4821-crossover-clockwork-melon' };

/** A receiver with these flags, and what else there is to send to it. */
async function receiver(...flags: readonly string[]) {
  const home = await temporaryDirectory();
  const out = join(home, 'out');
  await mkdir(out);
  const listen = ['--listen', 'tcp://127.0.0.1:0'];
  const run = await runXfer(['recv', ...listen, ...flags, ...(flags.includes('-') ? [] : [out, '--once'])], {
    env,
  });
  const address = await vi.waitFor(
    () =>
      /tcp:\/\/127\.0\.0\.1:\d+/.exec(run.stderr + run.stdout)?.[0] ?? Promise.reject(new Error('not yet')),
    10_000,
  );
  return { run, out, home, address };
}

/** `xfer send` whose stdin stays open. */
async function sending(...words: readonly string[]) {
  const { PATH } = process.env;
  const XFER_HOME = await temporaryDirectory();
  const child = spawn(process.execPath, [program, 'send', ...words], {
    env: { PATH, XFER_HOME, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: 30_000,
  });
  // Of what is written when it was killed.
  child.stdin.on('error', () => undefined);
  return child;
}

describe('a file that goes to the standard output of another machine', () => {
  it('comes out as it is', async () => {
    const { run, home, address } = await receiver('--output', '-');
    const content = randomBytes(3 * MiB).toString('base64');
    const path = join(home, 'content');
    await writeFile(path, content);
    const sent = await (await runXfer(['send', path, address], { env })).ended;
    expect(sent.status, sent.stderr).toBe(0);
    const taken = await run.ended;
    expect(taken.status, taken.stderr).toBe(0);
    expect(taken.stdout === content).toBe(true);
  });

  it('goes alone: directories and several files are refused on both sides, with what to do', async () => {
    for (const count of [1, 2]) {
      const { run, home, out, address } = await receiver('--output', '-');
      const paths = count === 1 ? [out] : [join(home, 'a'), join(home, 'b')];
      if (count === 2) for (const path of paths) await writeFile(path, 'x');
      const sent = await (await runXfer(['send', ...paths, address], { env })).ended;
      expect([sent.status, sent.stderr]).toEqual([4, expect.stringContaining('xfer send - --name')]);
      const taken = await run.ended;
      expect([taken.status, taken.stdout]).toEqual([4, '']);
    }
  });
});

it('files are refused by a pipe, on both sides and at once', async () => {
  for (let time = 0; time < 4; time++) {
    const { run, address } = await listenPipe([], { env, input: '' });
    const sent = await (await runXfer(['send', program, address], { env })).ended;
    const refusal = expect.stringContaining('this side has a pipe, and takes no files') as string;
    expect([sent.status, sent.stderr]).toEqual([4, refusal]);
    const { status, stdout } = await run.ended;
    expect([status, stdout.length]).toEqual([4, 0]);
  }
}, 60_000);

describe('stdin that is sent as a file', () => {
  it('has its name when all of it is there, and a sender that is killed leaves nothing behind', async () => {
    const { run, out, address } = await receiver('--retry', '1s');
    const sender = await sending('-', address, '--name', 'dump');
    sender.stdin.write(Buffer.alloc(MiB));
    await vi.waitFor(async () => expect(await readdir(out)).toHaveLength(1), 10_000);
    expect(await readdir(out)).not.toContain('dump');
    sender.kill('SIGKILL');
    expect((await run.ended).status).toBe(3);
    expect(await readdir(out)).toEqual([]);
  }, 60_000);

  it('is whole when it has its name', async () => {
    const { run, out, address } = await receiver();
    const sender = await sending('-', address, '--name', 'dump');
    sender.stdin.end('all of it');
    expect([(await once(sender, 'exit'))[0], (await run.ended).status]).toEqual([0, 0]);
    expect(await readFile(join(out, 'dump'), 'utf8')).toBe('all of it');
  });
});
