import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadAddon } from '../../src/native/addon.js';
import { fabricApi } from '../../src/native/load-fabric.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { describeAddon } from './implementations.js';

const loaded = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) =>
    loadAddon().loadLibrary(path, (error, isLoaded) => (error ? reject(error) : resolve(isLoaded))),
  );

describeAddon('a library that takes long to load', () => {
  it('is loaded beside the loop', async () => {
    const directory = await temporaryDirectory();
    const source = join(directory, 'slow.cc');
    const library = join(directory, 'slow.so');
    writeFileSync(
      source,
      '#include <unistd.h>\n__attribute__((constructor)) static void Wait() { usleep(300000); }\n',
    );
    execFileSync('g++', ['-shared', '-fPIC', '-o', library, source]);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const isLoaded = await loaded(library);
    clearInterval(timer);
    expect(isLoaded).toBe(true);
    expect(turns).toBeGreaterThan(5);
  });

  it('is told of where it is none', async () => {
    expect(await loaded('/nowhere.so')).toBe(false);
  });

  it('leaves nothing behind in the environment', async () => {
    const before = { ...process.env };
    await fabricApi();
    expect(process.env).toEqual(before);
  });
});
