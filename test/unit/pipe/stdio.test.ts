import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { stdinSource } from '../../../src/pipe/stdio-source.js';
import { stdoutSink } from '../../../src/pipe/stdio-sink.js';
import {
  allOf,
  closedAfter,
  describeDescriptors,
  isNonblocking,
  isOpen,
  pattern,
  pipe,
  temporaryDirectory,
} from './descriptor-kit.js';

const MiB = 2 ** 20;
const notOpen = 2 ** 20;

describeDescriptors('standard input', ({ native }) => {
  const source = (fd: number) => stdinSource({ fd, native });

  it('gives what is in a pipe at once, whatever the size of the memory', async () => {
    const { reading, writing } = pipe();
    writeSync(writing, 'abcdef');
    const from = source(reading);
    const into = Buffer.alloc(4);
    expect([await from.read(into), into.toString()]).toEqual([4, 'abcd']);
    expect([await from.read(into), into.toString()]).toEqual([2, 'efcd']);
    from.stop();
  });

  it('waits until something is there, and ends where the last writer has closed', async () => {
    const { reading, writing } = pipe();
    const from = source(reading);
    const into = Buffer.alloc(10);
    const waiting = from.read(into);
    writeSync(writing, 'x');
    expect([await waiting, into.toString('utf8', 0, 1)]).toEqual([1, 'x']);
    const end = from.read(into);
    closeSync(writing);
    expect(await end).toBe(0);
    expect(await from.read(into)).toBe(0);
    from.stop();
  });

  it('gives 20 MiB of a program in order', async () => {
    const { path, reading, writing } = pipe();
    const content = pattern(20 * MiB);
    const file = join(temporaryDirectory(), 'content');
    writeFileSync(file, content);
    const child = spawn('sh', ['-c', `cat '${file}' > '${path}'`], { stdio: 'ignore' });
    const from = source(reading);
    // The program's end must be the last one.
    const first = Buffer.alloc(1);
    await from.read(first);
    closeSync(writing);
    const rest = await allOf(from, MiB);
    expect(Buffer.concat([first, rest]).equals(content)).toBe(true);
    if (child.exitCode === null) await once(child, 'exit');
    from.stop();
  });

  it('ends the program that writes to it by SIGPIPE, and a read that waits with nothing, once it is stopped', async () => {
    const { path, reading, writing } = pipe();
    const child = spawn('sh', ['-c', `exec cat /dev/zero > '${path}'`], { stdio: 'ignore' });
    const from = source(reading);
    expect(await from.read(Buffer.alloc(100))).toBe(100);
    closeSync(writing);
    from.stop();
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGPIPE');
    expect(await from.read(Buffer.alloc(100))).toBe(0);
    expect(isOpen(reading)).toBe(false);
  });

  it('ends a read that waits when it is stopped, and may be stopped again', async () => {
    const { reading } = pipe();
    const from = source(reading);
    const waiting = from.read(Buffer.alloc(100));
    from.stop();
    expect(await waiting).toBe(0);
    from.stop();
  });

  it('leaves the description of a pipe that others share as it was', async () => {
    const { reading, writing } = pipe();
    const from = source(reading);
    writeSync(writing, 'x');
    await from.read(Buffer.alloc(1));
    const waiting = from.read(Buffer.alloc(1));
    expect(isNonblocking(reading)).toBe(false);
    from.stop();
    await waiting;
  });

  it('is a file from where it stands, and the next that reads it goes on behind', async () => {
    const path = join(temporaryDirectory(), 'file');
    const content = pattern(300_000);
    writeFileSync(path, content);
    const fd = closedAfter(openSync(path, 'r'));
    readSync(fd, Buffer.alloc(1000));
    const from = source(fd);
    const into = Buffer.alloc(100_000);
    expect(await from.read(into)).toBe(100_000);
    expect(into.equals(content.subarray(1000, 101_000))).toBe(true);
    const next = Buffer.alloc(10);
    readSync(fd, next);
    expect(next.equals(content.subarray(101_000, 101_010))).toBe(true);
    expect((await allOf(from)).equals(content.subarray(101_010))).toBe(true);
    from.stop();
  });

  it('may be a device that is always ready', async () => {
    const from = source(openSync('/dev/zero', 'r'));
    const into = Buffer.alloc(MiB, 1);
    expect(await from.read(into)).toBe(MiB);
    expect(into.equals(Buffer.alloc(MiB))).toBe(true);
    from.stop();
    const nothing = source(openSync('/dev/null', 'r'));
    expect(await nothing.read(into)).toBe(0);
    nothing.stop();
  });

  it('is refused where it is not open', () => {
    expect(() => source(notOpen)).toThrow('standard input is not open');
  });

  it('that cannot be read says so', async () => {
    const fd = closedAfter(openSync('/dev/null', 'w'));
    const from = source(fd);
    await expect(from.read(Buffer.alloc(1))).rejects.toMatchObject({ code: 'ERR_XFER_LOCAL_IO' });
    from.stop();
  });
});

describeDescriptors('standard output', ({ name, native }) => {
  const sink = (fd: number) => stdoutSink({ fd, native });

  it('takes what is written to a pipe, and its reader comes to the end when it ends', async () => {
    const { path, reading, writing } = pipe();
    const content = pattern(20 * MiB);
    const file = join(temporaryDirectory(), 'content');
    const child = spawn('sh', ['-c', `echo > '${file}.ready'; cat '${path}' > '${file}'`], {
      stdio: 'ignore',
    });
    const to = sink(writing);
    for (let at = 0; at < content.length; at += 3 * MiB + 17) {
      const written = to.write(content.subarray(at, at + 3 * MiB + 17));
      // The pipe is the child's alone once it is full.
      await written;
      if (at === 0) closeSync(reading);
    }
    await to.end();
    if (child.exitCode === null) await once(child, 'exit');
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(isOpen(writing)).toBe(false);
  });

  it('settles a write only when all was taken', async () => {
    const { reading, writing } = pipe();
    const to = sink(writing);
    const content = pattern(3 * MiB);
    let isWritten = false;
    const written = to.write(content).then(() => (isWritten = true));
    const back = Buffer.alloc(3 * MiB);
    let have = 0;
    while (have < 2 * MiB - 65_536) {
      have += await new Promise<number>((resolve) =>
        setImmediate(() => resolve(readSome(reading, back, have))),
      );
      expect(isWritten).toBe(false);
    }
    while (have < back.length) {
      await new Promise((resolve) => setImmediate(resolve));
      have += readSome(reading, back, have);
    }
    await written;
    expect(back.equals(content)).toBe(true);
    await to.end();
  });

  it('whose reader has gone is a broken pipe', async () => {
    const { reading, writing } = pipe();
    const to = sink(writing);
    closeSync(reading);
    await expect(to.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await to.end();
  });

  it('whose reader goes while a write waits is a broken pipe', async () => {
    const { reading, writing } = pipe();
    const to = sink(writing);
    const written = expect(to.write(Buffer.alloc(4 * MiB))).rejects.toMatchObject({
      code: 'ERR_XFER_BROKEN_PIPE',
    });
    setImmediate(() => closeSync(reading));
    await written;
    await to.end();
  });

  it.runIf(name === 'addon')('tells that its reader has gone although nothing is written', async () => {
    const { reading, writing } = pipe();
    const to = sink(writing);
    await to.write(Buffer.from('x'));
    const told = new Promise<XferError>((resolve) => to.onBroken(resolve));
    closeSync(reading);
    expect(await told).toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    await to.end();
  });

  it.runIf(name === 'addon')('tells so after a write that had to wait, too', async () => {
    const { reading, writing } = pipe();
    const to = sink(writing);
    const told = new Promise<XferError>((resolve) => to.onBroken(resolve));
    const written = to.write(Buffer.alloc(2 * MiB));
    const into = Buffer.alloc(MiB);
    for (let have = 0; have < 2 * MiB; have += readSome(reading, into, 0))
      await new Promise((resolve) => setImmediate(resolve));
    await written;
    closeSync(reading);
    expect(await told).toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    to.abort(await told);
  });

  it('leaves the description of a pipe that others share as it was', async () => {
    const { reading, writing } = pipe();
    const to = sink(writing);
    await to.write(Buffer.from('x'));
    expect([isNonblocking(writing), isNonblocking(reading)]).toEqual([false, false]);
    await to.end();
  });

  it('ends a write that waits when it is let go', async () => {
    const { writing } = pipe();
    const to = sink(writing);
    const written = expect(to.write(Buffer.alloc(4 * MiB))).rejects.toMatchObject({
      code: 'ERR_XFER_BROKEN_PIPE',
    });
    const error = new XferError('ERR_XFER_INTERRUPTED', 'enough');
    setImmediate(() => to.abort(error));
    await written;
    to.abort(error);
  });

  it('may be a file, from where it stands, and a device', async () => {
    const path = join(temporaryDirectory(), 'file');
    writeFileSync(path, 'before:');
    const to = sink(openSync(path, 'a'));
    await to.write(Buffer.alloc(100_000, 'x'));
    await to.write(Buffer.from('y'));
    await to.end();
    expect(readFileSync(path, 'utf8')).toBe(`before:${'x'.repeat(100_000)}y`);
    const nothing = sink(openSync('/dev/null', 'w'));
    await nothing.write(Buffer.alloc(MiB));
    await nothing.end();
  });

  it('that is full says that there is no room', async () => {
    const to = sink(openSync('/dev/full', 'w'));
    await expect(to.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_XFER_NO_SPACE' });
    await to.end();
  });

  it('is refused where it is not open', () => {
    expect(() => sink(notOpen)).toThrow('standard output is not open');
  });
});

/** Of a blocking pipe, what is there: nothing where it would wait. */
function readSome(fd: number, into: Buffer, at: number): number {
  const own = openSync(`/proc/self/fd/${fd}`, 0o4000);
  try {
    return readSync(own, into, at, into.length - at, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    return 0;
  } finally {
    closeSync(own);
  }
}
