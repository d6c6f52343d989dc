import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { nativeFiles } from '../../src/native/addon-files.js';
import { loadAddon } from '../../src/native/addon.js';
import type { FilesApi, WriteFilesJob } from '../../src/native/api.js';
import { codeOf, makeFifo } from './held-tree.js';
import { addon } from './implementations.js';
import { pattern } from './seal-jobs.js';

const most = 64 * 1024;
const room = (): Buffer => Buffer.alloc(most);
const memory = '/dev/shm';

function storageOf(directory: string): string {
  return spawnSync('stat', ['-f', '-c', '%T', directory], { encoding: 'utf8' }).stdout.trim();
}

const isMemory = addon !== undefined && storageOf(memory) === 'tmpfs';
const isDisk = addon !== undefined && ['ext2/ext3', 'xfs', 'btrfs', 'f2fs'].includes(storageOf(tmpdir()));

/** The addon's, where everything that waits for the pool fails. */
function withoutPool(): FilesApi {
  const refused = (): never => {
    throw Object.assign(new Error('by way of the pool'), { code: 'POOL' });
  };
  return nativeFiles({ ...loadAddon(), readSmall: refused, writeFiles: refused });
}

function directoryIn(parent: string): string {
  const directory = fs.mkdtempSync(join(parent, 'xfer-at-once-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true }));
  return directory;
}

let directory: string;
const inside = (name: string): string => join(directory, name);

const places: readonly [string, string, boolean][] = [
  ['in memory', memory, isMemory],
  ['on a disk', tmpdir(), isDisk],
];
for (const [where, parent, isThere] of places)
  describe.skipIf(!isThere)(`a small file ${where} (needs the addon and such storage)`, () => {
    beforeEach(() => {
      directory = directoryIn(parent);
    });

    it.each([0, 1, 4096, most])('is read at once, %i bytes of it', async (bytes) => {
      fs.writeFileSync(inside('small'), pattern(bytes));
      const { content, numbers } = await withoutPool().readSmall(inside('small'), room());
      expect(Buffer.from(content ?? 'nothing').equals(pattern(bytes))).toBe(true);
      const pooled = nativeFiles({ ...loadAddon(), readCached: () => undefined });
      expect(numbers).toEqual((await pooled.readSmall(inside('small'), room())).numbers);
    });

    it('is read where a link leads to it, and told of where it is larger than wanted', async () => {
      fs.writeFileSync(inside('large'), Buffer.alloc(most + 1));
      fs.symlinkSync('large', inside('link'));
      // A link that the kernel would have to date anew (relatime) is left to the pool.
      const { mtimeMs } = fs.lstatSync(inside('link'));
      fs.lutimesSync(inside('link'), new Date(mtimeMs + 3_600_000), new Date(mtimeMs));
      await setTimeout(20);
      const { content, numbers } = await withoutPool().readSmall(inside('link'), room());
      expect([content, numbers[1]]).toEqual([undefined, most + 1]);
    });

    it('is no fifo, and whoever waits to write to one still does', async () => {
      makeFifo(inside('fifo'));
      const writer = spawn('sh', ['-c', 'echo written > "$0"', inside('fifo')]);
      onTestFinished(() => void writer.kill());
      await setTimeout(200);
      expect((await withoutPool().readSmall(inside('fifo'), room())).content).toBeUndefined();
      await setTimeout(50);
      expect([writer.exitCode, writer.signalCode]).toEqual([null, null]);
      expect(fs.readFileSync(inside('fifo'), 'utf8')).toBe('written\n');
    });

    it.each(['nothing', 'a\0b'])('is left to the pool where it is %j', async (name) => {
      expect(await codeOf(withoutPool().readSmall(inside(name), room()))).toBe('POOL');
    });
  });

describe.skipIf(!isDisk)('a small file on a disk (needs the addon and such storage)', () => {
  it('is left to the pool where the disk would have to be waited for', async () => {
    directory = directoryIn(tmpdir());
    fs.writeFileSync(inside('cold'), pattern(most));
    const flags = ['oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'];
    expect(spawnSync('dd', [`of=${inside('cold')}`, ...flags]).status).toBe(0);
    expect(await codeOf(withoutPool().readSmall(inside('cold'), room()))).toBe('POOL');
    const { content } = await nativeFiles(loadAddon()).readSmall(inside('cold'), room());
    expect(Buffer.from(content ?? []).equals(pattern(most))).toBe(true);
  });
});

describe.skipIf(addon === undefined)('what another process answers for (needs the addon)', () => {
  it('is left to the pool', async () => {
    expect(await codeOf(withoutPool().readSmall('/proc/self/status', room()))).toBe('POOL');
  });
});

describe('a small file that is written (needs the addon, and storage of this kind)', () => {
  function job(overrides: Partial<WriteFilesJob> = {}): WriteFilesJob {
    const root = fs.openSync(directory, 'r');
    onTestFinished(() => fs.closeSync(root));
    return {
      buffer: pattern(most),
      names: ['new'],
      numbers: Float64Array.of(root, 0, most, 0o640, -1, -1, 1),
      mtimesNs: BigInt64Array.of(-1_500_000_001n),
      temporaryPrefix: '.temporary-',
      ...overrides,
    };
  }

  it.skipIf(!isMemory)('to memory stands there at once, as if written by the pool', async () => {
    directory = directoryIn(memory);
    const { errors, stamps } = await withoutPool().writeFiles(job());
    expect([...errors]).toEqual([0]);
    expect(fs.readdirSync(directory)).toEqual(['new']);
    expect(fs.readFileSync(inside('new')).equals(pattern(most))).toBe(true);
    const { mode, mtimeNs, ino } = fs.statSync(inside('new'), { bigint: true });
    expect([mode & 0o777n, mtimeNs, stamps[1]]).toEqual([0o640n, -1_500_000_001n, ino]);
  });

  it.skipIf(!isMemory)('to memory is told of where something stands there', async () => {
    directory = directoryIn(memory);
    fs.mkdirSync(inside('new'));
    const { errors } = await withoutPool().writeFiles(job());
    const [error = 0] = errors;
    expect(nativeFiles(loadAddon()).errnoName(error)).toMatch(/^(EISDIR|EEXIST)$/);
    expect(fs.readdirSync(directory)).toEqual(['new']);
  });

  it.skipIf(!isMemory)(
    'is left to the pool where the watched file is not known to be what it was',
    async () => {
      directory = directoryIn(memory);
      fs.writeFileSync(inside('watched'), 'old');
      const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(inside('watched'), { bigint: true });
      const state = BigInt64Array.of(dev, ino, size, mtimeNs, ctimeNs);
      const same = { path: inside('watched'), state };
      const other = { path: inside('watched'), state: state.map((part) => part + 1n) };
      expect(await codeOf(withoutPool().writeFiles(job({ watched: other })))).toBe('POOL');
      expect(fs.existsSync(inside('new'))).toBe(false);
      expect([...(await withoutPool().writeFiles(job({ watched: same }))).errors]).toEqual([0]);
    },
  );

  it.skipIf(!isMemory)('with another one is left to the pool', async () => {
    directory = directoryIn(memory);
    const { numbers } = job();
    const two = {
      names: ['a', 'b'],
      numbers: Float64Array.from([...numbers, ...numbers]),
      mtimesNs: BigInt64Array.of(0n, 0n),
    };
    expect(await codeOf(withoutPool().writeFiles(job(two)))).toBe('POOL');
  });

  it.skipIf(!isDisk)('to a disk is left to the pool', async () => {
    directory = directoryIn(tmpdir());
    expect(await codeOf(withoutPool().writeFiles(job()))).toBe('POOL');
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});
