import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { nativeDescriptors } from '../../../src/native/addon-descriptors.js';
import { hasDescriptors, loadAddon } from '../../../src/native/addon.js';
import type { DescriptorsApi } from '../../../src/native/api.js';
import { descriptorsTwin } from '../../../src/native/descriptors-twin.js';
import type { ByteSource } from '../../../src/pipe/endpoint.js';

export interface DescriptorsImplementation {
  readonly name: 'addon' | 'twin';
  readonly native: { readonly descriptors: DescriptorsApi };
}

const addon = load();

/** Runs a suite on the twin and, where it was built, on the addon. */
export function describeDescriptors(title: string, suite: (use: DescriptorsImplementation) => void): void {
  const twin: DescriptorsImplementation = { name: 'twin', native: { descriptors: descriptorsTwin() } };
  describe(`${title} (twin)`, () => suite(twin));
  describe.runIf(addon)(`${title} (addon)`, () => suite(addon ?? twin));
}

/** A directory that is removed after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'xfer-pipe-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function fifo(): string {
  const path = join(temporaryDirectory(), 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

export interface PipeEnds {
  readonly path: string;
  /** Blocking, as a shell's; closed after the test where the test did not. */
  readonly reading: number;
  readonly writing: number;
}

/** Both ends of a pipe, which no child process has. */
export function pipe(): PipeEnds {
  const path = fifo();
  const both = openSync(path, 'r+');
  const reading = openSync(path, 'r');
  const writing = openSync(path, 'w');
  closeSync(both);
  for (const fd of [reading, writing]) closedAfter(fd);
  return { path, reading, writing };
}

/** Unless the number stands for something else by then, or for nothing. */
export function closedAfter(fd: number): number {
  const { ino } = fstatSync(fd);
  onTestFinished(() => {
    if (isOpen(fd) && fstatSync(fd).ino === ino) closeSync(fd);
  });
  return fd;
}

export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** Whether O_NONBLOCK is set, as `/proc` tells it. */
export function flagsOf(fd: number): number {
  const text = execFileSync('cat', [`/proc/${process.pid}/fdinfo/${fd}`], { encoding: 'utf8' });
  return parseInt(/^flags:\s+([0-7]+)$/m.exec(text)?.[1] ?? '0', 8);
}

export const isNonblocking = (fd: number): boolean => (flagsOf(fd) & constants.O_NONBLOCK) !== 0;

/** All that a source gives, read into memory of so many bytes at a time. */
export async function allOf(source: ByteSource, into = 65_536): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const memory = Buffer.alloc(into);
    const bytes = await source.read(memory);
    if (bytes === 0) return Buffer.concat(parts);
    parts.push(memory.subarray(0, bytes));
  }
}

/** Bytes that differ from place to place. */
export function pattern(bytes: number): Buffer {
  const result = Buffer.alloc(bytes);
  for (let at = 0, state = 1; at < bytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result[at] = state >>> 24;
  }
  return result;
}

function load(): DescriptorsImplementation | undefined {
  try {
    const binding = loadAddon();
    if (hasDescriptors(binding))
      return { name: 'addon', native: { descriptors: nativeDescriptors(binding) } };
  } catch (error) {
    process.stderr.write(`NOT TESTED: the native addon does not load: ${String(error)}\n`);
  }
  return undefined;
}
