import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { runUsually } from '../support/run-hosted.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { refusedFlags, transferred } from '../support/transfer.js';

const MiB = 2 ** 20;

let work: string;
let out: string;
let tree: string;

/** Lines as of a log: they shrink, and no two are the same. */
const text = (bytes: number) =>
  Array.from({ length: Math.ceil(bytes / 40) }, (_, i) => `line ${i} of what a server wrote in its log\n`)
    .join('')
    .slice(0, bytes);

beforeEach(async () => {
  work = await temporaryDirectory();
  [out, tree] = [join(work, 'out'), join(work, 'tree')];
  await mkdir(tree);
});

async function put(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(tree, name), content);
}

async function sent(...sendFlags: string[]) {
  return transferred({ paths: [tree], out, sendFlags, start: runUsually });
}

async function expectEqual(...names: string[]): Promise<void> {
  for (const name of names) {
    const [here, there] = [await readFile(join(tree, name)), await readFile(join(out, 'tree', name))];
    expect(there.equals(here), name).toBe(true);
  }
}

const large = text(5 * MiB + 17);
const small = text(3000);

describe('send --compress', () => {
  it('lz4: sends less than there is of what shrinks, and it arrives as it was', async () => {
    await put({ large, small, empty: '' });
    const { done, sentBytes } = await sent('--compress', 'lz4');
    expect(done).toMatchObject({ files: 3, bytes: large.length + small.length });
    expect(sentBytes).toBeGreaterThan(0);
    expect(sentBytes).toBeLessThan(done.bytes / 2);
    await expectEqual('large', 'small', 'empty');
  });

  it('lz4: sends what does not shrink as it is', async () => {
    await put({ noise: randomBytes(3 * MiB + 1) });
    const { done, sentBytes } = await sent('--compress', 'lz4');
    expect(sentBytes).toBe(done.bytes);
    await expectEqual('noise');
  });

  it('lz4: takes file by file what shrinks of a mixture, over more than one lane', async () => {
    const noise = randomBytes(2 * MiB);
    await put({ noise, large, mixed: Buffer.concat([noise, Buffer.from(large)]), small });
    const { done, sentBytes } = await sent('--compress', 'lz4', '--lanes', '3');
    expect(sentBytes).toBeGreaterThanOrEqual(2 * noise.length);
    expect(sentBytes).toBeLessThan(2 * noise.length + (done.bytes - 2 * noise.length) / 2);
    await expectEqual('noise', 'large', 'mixed', 'small');
  });

  it('lz4: shrinks many small files', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `log-${i}`);
    await put(Object.fromEntries(names.map((name) => [name, text(2000)])));
    const { done, sentBytes } = await sent('--compress', 'lz4');
    expect(sentBytes).toBeLessThan(done.bytes / 2);
    await expectEqual(...names);
  });

  it('off: sends as much as there is', async () => {
    await put({ large, small });
    const { done, sentBytes } = await sent('--compress', 'off', '--limit', '40MB/s');
    expect(sentBytes).toBe(done.bytes);
    await expectEqual('large', 'small');
  });

  it('auto: compresses where a limit is what the transfer waits for', async () => {
    await put({ large });
    const { done, sentBytes } = await sent('--limit', '2MB/s');
    expect(sentBytes).toBeLessThan(done.bytes * 0.9);
    await expectEqual('large');
  });

  it('auto: leaves alone what goes fast enough', async () => {
    await put({ small });
    const { done, sentBytes } = await sent('--compress', 'auto');
    expect(sentBytes).toBe(done.bytes);
    await expectEqual('small');
  });

  it('takes no other word', async () => {
    for (const word of ['zstd', ''])
      expect(await refusedFlags(tree, [`--compress=${word}`], runUsually)).toMatchObject({
        code: 'ERR_XFER_USAGE',
        status: 2,
      });
  });
});
