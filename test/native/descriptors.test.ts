import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasDescriptors, loadAddon, type DescriptorAddon } from '../../src/native/addon.js';
import { descriptorKind, ownDescription } from '../../src/native/own-description.js';
import { closedAfter, isNonblocking, pipe } from '../unit/pipe/descriptor-kit.js';
import { notOpen } from './held-tree.js';

const addon = load();
const never = (): void => {
  throw new Error('a refused call completed');
};

/** EAGAIN and EBADF of Linux, and what is left to the pool. */
const [nothingThere, badDescriptor, much] = [-11, -9, -4096];

describe.runIf(addon)('calls on descriptors', () => {
  const calls = addon ?? ({} as DescriptorAddon);
  const own = (fd: number, use: 'read' | 'write') => closedAfter(ownDescription(fd, use).fd);

  it('never wait: nothing is there, or no room', () => {
    const { reading, writing } = pipe();
    const [from, to] = [own(reading, 'read'), own(writing, 'write')];
    expect(calls.readNow(from, descriptorKind.pipe, new Uint8Array(10))).toBe(nothingThere);
    expect(calls.readNow(reading, descriptorKind.shared, new Uint8Array(10))).toBe(nothingThere);
    const piece = new Uint8Array(65_536);
    let taken = 0;
    for (let n = 1; n > 0; taken += Math.max(n, 0)) n = calls.writeNow(to, descriptorKind.pipe, piece);
    expect(taken).toBeGreaterThanOrEqual(65_536);
    expect(calls.writeNow(to, descriptorKind.pipe, piece)).toBe(nothingThere);
    expect(calls.writeNow(writing, descriptorKind.shared, piece)).toBe(nothingThere);
  });

  it('on the loop leave to the pool what takes long', async () => {
    const { reading, writing } = pipe();
    const [from, to] = [own(reading, 'read'), own(writing, 'write')];
    expect(calls.growPipe(to, 2 ** 18)).toBe(true);
    const content = new Uint8Array(200_000).fill(7);
    expect(calls.writeNow(to, descriptorKind.pipe, content)).toBe(much);
    const job = (call: (done: (error: Error | null, bytes: number) => void) => void) =>
      new Promise<number>((resolve, reject) => {
        call((error, bytes) => (error ? reject(error) : resolve(bytes)));
      });
    expect(await job((done) => calls.writeDescriptor(to, descriptorKind.pipe, content, done))).toBe(200_000);
    const into = new Uint8Array(300_000);
    expect(calls.readNow(from, descriptorKind.pipe, into)).toBe(much);
    expect(calls.readNow(from, descriptorKind.pipe, into.subarray(0, 1000))).toBe(1000);
    expect(await job((done) => calls.readDescriptor(from, descriptorKind.pipe, into, done))).toBe(199_000);
    expect(into.subarray(0, 199_000).every((byte) => byte === 7)).toBe(true);
    const empty = job((done) => calls.readDescriptor(from, descriptorKind.pipe, into, done));
    await expect(empty).rejects.toMatchObject({ code: 'EAGAIN', syscall: 'read' });
  });

  it('say what is wrong with a descriptor', () => {
    expect(calls.readNow(notOpen, descriptorKind.pipe, new Uint8Array(1))).toBe(badDescriptor);
    expect(calls.writeNow(notOpen, descriptorKind.pipe, new Uint8Array(1))).toBe(badDescriptor);
    expect(calls.growPipe(notOpen, 2 ** 20)).toBe(false);
    const missing = expect.objectContaining({ code: 'EBADF' }) as Error;
    expect(() => new calls.DescriptorWatch(notOpen, never)).toThrow(missing);
    const file = closedAfter(openSync(new URL(import.meta.url), 'r'));
    const ready = expect.objectContaining({ code: 'EPERM' }) as Error;
    expect(() => new calls.DescriptorWatch(file, never)).toThrow(ready);
  });

  it('are refused for wrong arguments', () => {
    const bytes = new Uint8Array(1);
    const wrong = expect.objectContaining({ name: expect.stringMatching(/^(Type|Range)Error$/) as string });
    for (const [fd, kind, into] of [
      [-1, 0, bytes],
      ['0', 0, bytes],
      [0, 5, bytes],
      [0, 0.5, bytes],
      [0, 0, null],
      [0, 0, 'x'],
      [0, 0, new Uint16Array(1)],
    ] as [number, number, Uint8Array][]) {
      expect(() => calls.readNow(fd, kind, into)).toThrow(wrong as Error);
      expect(() => calls.writeNow(fd, kind, into)).toThrow(wrong as Error);
      expect(() => calls.readDescriptor(fd, kind, into, never)).toThrow(wrong as Error);
      expect(() => calls.writeDescriptor(fd, kind, into, never)).toThrow(wrong as Error);
    }
    expect(() => calls.readDescriptor(0, 0, bytes, undefined as never)).toThrow(TypeError);
    expect(() => new calls.DescriptorWatch(0, undefined as never)).toThrow(TypeError);
    expect(() => calls.growPipe(0, -1)).toThrow(RangeError);
    expect(() => calls.replaceByNull(-1)).toThrow(RangeError);
  });

  it('watch a descriptor without changing its description, and tell each wish once', async () => {
    const { reading, writing } = pipe();
    const told: number[] = [];
    let tell: () => void = () => undefined;
    const watch = new calls.DescriptorWatch(reading, (events) => {
      told.push(events);
      tell();
    });
    const next = () => new Promise<void>((resolve) => (tell = resolve));
    expect(isNonblocking(reading)).toBe(false);
    watch.want(1);
    writeSync(writing, 'x');
    await next();
    watch.want(1);
    await next();
    expect(told).toEqual([1, 1]);
    readSync(reading, Buffer.alloc(1));
    watch.want(0);
    closeSync(writing);
    await next();
    expect(told).toEqual([1, 1, 4]);
    watch.close();
    watch.close();
    watch.want(1);
  });

  it('put /dev/null in the place of a descriptor', () => {
    const { reading, writing } = pipe();
    expect(calls.replaceByNull(reading)).toBe(true);
    expect(readFileSync(reading)).toHaveLength(0);
    expect(fstatSync(reading).rdev).toBe(fstatSync(closedAfter(openSync('/dev/null', 'r'))).rdev);
    expect(() => writeSync(writing, 'x')).toThrow(expect.objectContaining({ code: 'EPIPE' }) as Error);
    closeSync(reading);
  });
});

describe('a description of our own', () => {
  it('is one of pipes, and nothing else that a file or device may mind', () => {
    const { reading, writing } = pipe();
    for (const [fd, use] of [
      [reading, 'read'],
      [writing, 'write'],
    ] as const) {
      const of = ownDescription(fd, use);
      closedAfter(of.fd);
      expect(of).toMatchObject({ kind: descriptorKind.pipe, given: fd });
      expect([of.fd === fd, isNonblocking(of.fd), isNonblocking(fd)]).toEqual([false, true, false]);
    }
    const file = closedAfter(openSync(new URL(import.meta.url), 'r'));
    expect(ownDescription(file, 'read')).toEqual({ kind: descriptorKind.file, fd: file, given: file });
    const device = closedAfter(openSync('/dev/zero', 'r'));
    expect(ownDescription(device, 'read')).toEqual({
      kind: descriptorKind.shared,
      fd: device,
      given: device,
    });
  });

  it('is not made of the master of a terminal, which would become another', () => {
    const master = closedAfter(openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY));
    expect(ownDescription(master, 'read')).toEqual({
      kind: descriptorKind.shared,
      fd: master,
      given: master,
    });
  });
});

function load(): DescriptorAddon | undefined {
  try {
    const binding = loadAddon();
    return hasDescriptors(binding) ? binding : undefined;
  } catch (error) {
    process.stderr.write(`NOT TESTED: the native addon does not load: ${String(error)}\n`);
    return undefined;
  }
}
