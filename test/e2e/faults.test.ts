import { execFile } from 'node:child_process';
import { chmod, mkdir, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { HoldingProxy } from '../support/holding-proxy.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { runUsually } from '../support/run-hosted.js';
import { runXfer, temporaryDirectory, type Ended, type XferRun } from '../support/run-xfer.js';
import { canMountTmpfs, holdDirectoryOf, runOnSmallTmpfs } from '../support/small-tmpfs.js';
import { permissionsHold, runUnprivileged } from '../support/unprivileged.js';

const MiB = 2 ** 20;

let work: string;
let out: string;
/** Of both sides. */
let environment: Readonly<Record<string, string>>;

beforeEach(async () => {
  work = await temporaryDirectory();
  out = join(work, 'out');
  environment = {};
});

/** A path below the test's directory, with content. */
async function file(name: string, content = 'content'): Promise<string> {
  const path = join(work, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** With content in it, for holes are not sent. */
async function large(name: string, bytes: number): Promise<string> {
  return file(name, 'x'.repeat(bytes));
}

/** In the middle of the file: past the first records, and with more left than may be under way. */
async function inTheMiddle(path: string, start = runUsually) {
  const { recv, ...at } = await startReceiver(out, { env: environment, start });
  const proxy = await HoldingProxy.open(at.address, 8 * MiB);
  const send = await sendTo({ ...at, address: proxy.address }, path, start);
  await proxy.held;
  return { recv, send, proxy };
}

async function fifo(name: string): Promise<string> {
  const path = join(work, name);
  await promisify(execFile)('mkfifo', [path]);
  return path;
}

function sendTo({ address, code }: Pick<Receiver, 'address' | 'code'>, path: string, start = runUsually) {
  // Where no name server answers, that is found out soon.
  const env = { ...environment, XFER_CODE: code, RES_OPTIONS: 'timeout:1 attempts:1' };
  return start(['send', path, address, '--json'], { env });
}

/** The one error with which a side ended, and that it is told of like one. */
function failure({ events, stdout, stderr, timedOut, status }: Ended) {
  const errors = events.filter((event) => event.event === 'error');
  expect(timedOut).toBe(false);
  expect(errors).toHaveLength(1);
  expect(events.at(-1)).toBe(errors[0]);
  expect(stdout + stderr).not.toMatch(/^\s+at /m);
  const { code, message, exit } = errors[0] ?? { code: '', message: '', exit: -1 };
  expect(status).toBe(exit);
  return { code, message, status };
}

async function bothEnd({ send, recv }: { send: XferRun; recv: XferRun }): Promise<[Ended, Ended]> {
  return Promise.all([send.ended, recv.ended]);
}

/** The receiver could not write: both say so and end with 6. */
async function expectBoth(both: { send: XferRun; recv: XferRun }, code: string, words: string | RegExp) {
  const [sent, received] = (await bothEnd(both)).map(failure);
  const message = received?.message ?? '';
  expect(message).toMatch(words);
  expect(received).toEqual({ code, message, status: 6 });
  expect(sent).toEqual({ code, message: `the receiver: ${message}`, status: 6 });
}

function notesOf({ events }: Ended) {
  return events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
}

describe('before anything is connected', () => {
  it.each([
    ['a host that does not exist', 'tcp://nowhere.invalid:4840', 'ERR_XFER_UNKNOWN_HOST', /nowhere\.invalid/],
    [
      'a closed port',
      'tcp://127.0.0.1:9',
      'ERR_XFER_CONNECTION_REFUSED',
      /127\.0\.0\.1:9: connection refused/,
    ],
  ])('%s ends the sender with 3', async (_, target, code, message) => {
    const send = await sendTo({ address: target, code: '4821-crossover-clockwork' }, await file('name'));
    expect(failure(await send.ended)).toEqual({
      code,
      message: expect.stringMatching(message) as string,
      status: 3,
    });
  });

  it('a path that does not exist ends the sender with 6, and the receiver goes on listening', async () => {
    const receiver = await startReceiver(out, { start: runUsually });
    const absent = await sendTo(receiver, join(work, 'absent'));
    expect(failure(await absent.ended)).toEqual({
      code: 'ERR_XFER_NOT_FOUND',
      message: `cannot send ${join(work, 'absent')}: no such file or directory`,
      status: 6,
    });
    const present = await sendTo(receiver, await file('present'));
    expect((await present.ended).status).toBe(0);
    expect((await receiver.recv.ended).status).toBe(0);
  });

  it('what is neither a file nor a directory ends the sender with 6', async () => {
    const path = await fifo('pipe');
    const send = await sendTo({ address: 'tcp://127.0.0.1:9', code: '4821-crossover-clockwork' }, path);
    expect(failure(await send.ended)).toEqual({
      code: 'ERR_XFER_UNSUPPORTED_FILE',
      message: `${path} is neither a file, a directory nor a link`,
      status: 6,
    });
  });

  it('a port that is taken ends the receiver with 3', async () => {
    const { address, recv: first } = await startReceiver(out, { start: runUsually });
    const second = await runUsually(['recv', out, '--listen', address, '--json']);
    expect(failure(await second.ended)).toEqual({
      code: 'ERR_XFER_ADDRESS_IN_USE',
      message: expect.stringContaining('address already in use') as string,
      status: 3,
    });
    expect((await first.kill('SIGTERM')).status).toBe(130);
  });

  it('a target directory that is a file ends the receiver with 6', async () => {
    const path = await file('in the way');
    const recv = await runUsually(['recv', path, '--listen', 'tcp://127.0.0.1:0', '--json']);
    expect(failure(await recv.ended)).toMatchObject({
      code: 'ERR_XFER_NOT_DIRECTORY',
      message: expect.stringContaining(path) as string,
      status: 6,
    });
    expect(await readFile(path, 'utf8')).toBe('content');
  });

  it('a local: target that is a file ends the sender with 6', async () => {
    const path = await file('in the way');
    const send = await runXfer(['send', await file('name'), `local:${path}`, '--json']);
    expect(failure(await send.ended)).toMatchObject({ code: 'ERR_XFER_NOT_DIRECTORY', status: 6 });
  });
});

describe.each([
  ['with the addon', {}],
  ['without it', { XFER_NATIVE: 'off' }],
])('%s,', (_, native) => {
  beforeEach(() => {
    environment = native;
  });

  describe.skipIf(!permissionsHold)('where permissions hold (as root: only with setpriv)', () => {
    it('an unreadable file ends the sender with 6, and the receiver writes nothing', async () => {
      const path = await file('secret');
      await chmod(path, 0);
      const { recv, ...at } = await startReceiver(out, { env: environment, start: runUsually });
      const send = await sendTo(at, path, runUnprivileged);
      const [sent, received] = await bothEnd({ send, recv });
      expect(failure(sent)).toEqual({
        code: 'ERR_XFER_PERMISSION',
        message: `cannot read ${path}: permission denied`,
        status: 6,
      });
      expect(notesOf(received)).toEqual(['secret was not received: the sender could not send all of it']);
      expect(await readdir(out)).toEqual([]);
    });

    it('of a directory with an unreadable file the rest is committed, and the sender ends with 6', async () => {
      await file('tree/one');
      await file('tree/two', 'other');
      const secret = await file('tree/secret');
      await chmod(secret, 0);
      const { recv, ...at } = await startReceiver(out, { env: environment, start: runUsually });
      const send = await sendTo(at, join(work, 'tree'), runUnprivileged);
      const [sent, received] = await bothEnd({ send, recv });
      expect(failure(sent)).toMatchObject({ code: 'ERR_XFER_PERMISSION', status: 6 });
      expect(received.status).toBe(0);
      expect(received.events.at(-1)).toMatchObject({ event: 'done', files: 2, bytes: 12 });
      expect(notesOf(received)).toEqual([
        'tree/secret was not received: the sender could not send all of it',
      ]);
      expect(await readdir(join(out, 'tree'))).toEqual(['one', 'two']);
      expect(await readFile(join(out, 'tree/two'), 'utf8')).toBe('other');
    });

    it('of a directory with what cannot be sent the rest is committed, and the sender ends with 6', async () => {
      await file('tree/one');
      await fifo('tree/pipe');
      await file('tree/closed/two');
      await chmod(join(work, 'tree/closed'), 0);
      const { recv, ...at } = await startReceiver(out, { env: environment, start: runUsually });
      const send = await sendTo(at, join(work, 'tree'), runUnprivileged);
      const [sent, received] = await bothEnd({ send, recv });
      await chmod(join(work, 'tree/closed'), 0o700);
      expect(failure(sent)).toEqual({
        code: 'ERR_XFER_UNSUPPORTED_FILE',
        message: `${join(work, 'tree/pipe')} is neither a file, a directory nor a link (and 1 more; everything else is committed)`,
        status: 6,
      });
      expect(notesOf(sent)).toEqual([
        `${join(work, 'tree/pipe')} is neither a file, a directory nor a link`,
        `cannot list ${join(work, 'tree/closed')}: permission denied`,
      ]);
      expect(received.status).toBe(0);
      expect(await readdir(join(out, 'tree'))).toEqual(['closed', 'one']);
      expect((await stat(join(out, 'tree/closed'))).mode & 0o777).toBe(0);
    });

    it('a target directory that cannot be written to ends the receiver with 6 before it listens', async () => {
      await mkdir(out, { mode: 0o555 });
      const recv = await runUnprivileged(['recv', out, '--listen', 'tcp://127.0.0.1:0', '--json'], {
        env: environment,
      });
      expect(failure(await recv.ended)).toEqual({
        code: 'ERR_XFER_PERMISSION',
        message: `cannot write to ${out}: permission denied`,
        status: 6,
      });
      const send = await runUnprivileged(['send', await file('name'), `local:${out}`, '--json'], {
        env: environment,
      });
      expect(failure(await send.ended)).toMatchObject({ code: 'ERR_XFER_PERMISSION', status: 6 });
      expect(await readdir(out)).toEqual([]);
    });

    it('a directory below it that cannot be written to ends both with 6', async () => {
      await file('tree/name');
      await mkdir(join(out, 'tree'), { recursive: true });
      await chmod(join(out, 'tree'), 0o555);
      const { recv, ...at } = await startReceiver(out, { env: environment, start: runUnprivileged });
      const send = await sendTo(at, join(work, 'tree'));
      await expectBoth({ send, recv }, 'ERR_XFER_PERMISSION', 'cannot write tree/name: permission denied');
      expect(await readdir(join(out, 'tree'))).toEqual([]);
      expect(await readdir(out)).toEqual(['tree']);
    });
  });

  describe('where names are taken', () => {
    it('a directory in the place of a file ends both with 6, and is left as it is', async () => {
      await mkdir(join(out, 'name/inside'), { recursive: true });
      const { recv, ...at } = await startReceiver(out, { env: environment, start: runUsually });
      const send = await sendTo(at, await file('name'));
      await expectBoth({ send, recv }, 'ERR_XFER_IS_DIRECTORY', 'cannot write name: is a directory');
      expect(await readdir(out)).toEqual(['name']);
      expect(await readdir(join(out, 'name'))).toEqual(['inside']);
    });

    it('a file in the place of a directory ends both with 6, and is left as it is', async () => {
      await file('tree/name');
      await file('out/tree', 'mine');
      const { recv, ...at } = await startReceiver(out, { env: environment, start: runUsually });
      const send = await sendTo(at, join(work, 'tree'));
      await expectBoth({ send, recv }, 'ERR_XFER_NOT_DIRECTORY', 'cannot write tree: not a directory');
      expect(await readdir(out)).toEqual(['tree']);
      expect(await readFile(join(out, 'tree'), 'utf8')).toBe('mine');
    });
  });

  describe.skipIf(!canMountTmpfs)('where the disk is full (needs a namespace of mounts)', () => {
    it('both end with 6, and no part of the file is left', async () => {
      const path = await large('large', 64 * MiB);
      await mkdir(out);
      const { recv, ...at } = await startReceiver(out, {
        env: environment,
        start: (args, options) => runOnSmallTmpfs(out, 8 * MiB, args, options),
      });
      const held = await holdDirectoryOf(recv, out);
      const send = await sendTo(at, path);
      await expectBoth(
        { send, recv },
        'ERR_XFER_NO_SPACE',
        // Less what the journal has taken by then.
        /^there is room for 8\.3[89] MB, and 67\.1 MB are to come$/,
      );
      expect(await held.list()).toEqual([]);
      await held.close();
    });
  });

  describe('a file that changes while it is sent', () => {
    it('and shrinks: the sender ends with 5, and nothing of it has its name', async () => {
      const path = await large('large', 64 * MiB);
      const { proxy, ...both } = await inTheMiddle(path);
      await truncate(path, 48 * MiB);
      proxy.release();
      const [sent, received] = await bothEnd(both);
      expect(failure(sent)).toEqual({
        code: 'ERR_XFER_FILE_CHANGED',
        message: `${path} became shorter while it was sent`,
        status: 5,
      });
      expect(received.status).toBe(0);
      expect(notesOf(received)).toEqual(['large was not received: the sender could not send all of it']);
      expect(await readdir(out)).toEqual([]);
    });

    it('and grows: the sender ends with 5, and nothing of it has its name', async () => {
      const path = await large('large', 64 * MiB);
      const { proxy, ...both } = await inTheMiddle(path);
      const handle = await open(path, 'a');
      await handle.write('more');
      await handle.close();
      proxy.release();
      const [sent, received] = await bothEnd(both);
      expect(failure(sent)).toEqual({
        code: 'ERR_XFER_FILE_CHANGED',
        message: `${path} changed while it was sent`,
        status: 5,
      });
      expect(received.status).toBe(0);
      expect(notesOf(received)).toEqual(['large was not received: the sender could not send all of it']);
      expect(await readdir(out)).toEqual([]);
      expect((await stat(path)).size).toBe(64 * MiB + 4);
    });
  });
});

describe('interrupted', () => {
  it('recv ends with 130 while it listens, and leaves nothing behind', async () => {
    const { recv } = await startReceiver(out);
    recv.child.kill('SIGINT');
    expect(failure(await recv.ended)).toEqual({
      code: 'ERR_XFER_INTERRUPTED',
      message: 'interrupted',
      status: 130,
    });
    expect(await readdir(out)).toEqual([]);
  });

  it.each(['send', 'recv'] as const)(
    '%s ends with 130, and the other side with its own error',
    async (which) => {
      const path = await large('large', 64 * MiB);
      const { recv, send, proxy } = await inTheMiddle(path, runXfer);
      await recv.event('progress');
      (which === 'send' ? send : recv).child.kill('SIGINT');
      proxy.release();
      const [sent, received] = (await bothEnd({ send, recv })).map(failure);
      const [mine, others] = which === 'send' ? [sent, received] : [received, sent];
      expect(mine).toEqual({ code: 'ERR_XFER_INTERRUPTED', message: 'interrupted', status: 130 });
      expect(others).toEqual({
        code: 'ERR_XFER_PEER_INTERRUPTED',
        message: `the ${which === 'send' ? 'sender' : 'receiver'} was interrupted`,
        status: 3,
      });
      // What was received stays for another try, and under no real name.
      expect((await readdir(out)).filter((name) => !name.startsWith('.xfer-'))).toEqual([]);
    },
  );
});
