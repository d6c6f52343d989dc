import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { runUsually } from '../support/run-hosted.js';
import { temporaryDirectory, type Ended } from '../support/run-xfer.js';
import { canMountTmpfs, holdDirectoryOf, runOnSmallTmpfs } from '../support/small-tmpfs.js';
import { permissionsHold, runUnprivileged } from '../support/unprivileged.js';
import { hashOf, MiB } from './resume-kit.js';

let tree: string;
let out: string;

beforeEach(async () => {
  const work = await temporaryDirectory();
  [tree, out] = [join(work, 'tree'), join(work, 'out')];
  await mkdir(join(tree, 'place'), { recursive: true });
});

async function sendTo({ recv, address, code }: Receiver): Promise<[Ended, Ended]> {
  const send = await runUsually(['send', tree, address, '--json'], { env: { XFER_CODE: code } });
  return Promise.all([send.ended, recv.ended]);
}

function expectFailure(both: readonly Ended[], code: string): void {
  for (const { status, events, timedOut } of both) {
    expect(timedOut).toBe(false);
    expect(status).toBe(6);
    expect(events.filter(({ event }) => event === 'error')).toEqual([expect.objectContaining({ code })]);
  }
}

/** The same transfer once the fault is gone. */
async function expectWhole(): Promise<void> {
  const [sent, received] = await sendTo(await startReceiver(out, { start: runUsually }));
  expect([sent.status, received.status]).toEqual([0, 0]);
  const names = (await readdir(join(tree, 'place'))).sort();
  expect((await readdir(join(out, 'tree/place'))).sort()).toEqual(names);
  for (const name of names)
    expect(await hashOf(join(out, 'tree/place', name))).toBe(await hashOf(join(tree, 'place', name)));
  expect((await readdir(out)).sort()).toEqual(['tree']);
}

const small = async (count: number, bytes: number) => {
  for (let i = 0; i < count; i++) await writeFile(join(tree, 'place', `small-${i}`), randomBytes(bytes));
};
/** Content at both ends of a hole. */
const sparse = async (bytes: number, size: number) => {
  const path = join(tree, 'place/sparse');
  await writeFile(path, randomBytes(bytes));
  await truncate(path, size);
  const handle = await open(path, 'r+');
  await handle.write('end', size - 3);
  await handle.close();
};
const secondNames = async () => {
  await writeFile(join(tree, 'place/first'), 'content');
  await link(join(tree, 'place/first'), join(tree, 'place/second'));
};

const contents: readonly (readonly [string, () => Promise<void>])[] = [
  ['packed files', () => small(40, 1000)],
  ['a sparse file', () => sparse(100_000, 8 * MiB)],
  ['second names', secondNames],
];

if (!permissionsHold) process.stderr.write('NOT TESTED: directories that cannot be written to\n');

describe.skipIf(!permissionsHold)('a directory that cannot be written to', () => {
  it.each(contents)('takes none of %s, and the same transfer succeeds when it can', async (_, make) => {
    await make();
    await mkdir(join(out, 'tree/place'), { recursive: true });
    await chmod(join(out, 'tree/place'), 0o555);
    const both = await sendTo(await startReceiver(out, { start: runUnprivileged }));
    expectFailure(both, 'ERR_XFER_PERMISSION');
    expect(await readdir(join(out, 'tree/place'))).toEqual([]);
    await chmod(join(out, 'tree/place'), 0o755);
    await expectWhole();
  });
});

if (!canMountTmpfs) process.stderr.write('NOT TESTED: full disks, for none can be mounted here\n');

describe.skipIf(!canMountTmpfs)('a disk that becomes full', () => {
  it.each<[string, number, () => Promise<void>]>([
    // Each is too little to be asked for beforehand: it shows when it is written.
    ['packed files', 256 * 1024, () => small(300, 3000)],
    ['a sparse file', 256 * 1024, () => sparse(900_000, 2 * MiB)],
    ['a sparse file that is too large to be tried', 2 * MiB, () => sparse(4 * MiB, 64 * MiB)],
    ['more packed files than are tried', 2 * MiB, () => small(100, 60_000)],
  ])(
    'ends both sides with 6 for %s, and the same transfer succeeds on a larger one',
    async (_, room, make) => {
      await make();
      await mkdir(out);
      const receiver = await startReceiver(out, {
        start: (args, options) => runOnSmallTmpfs(out, room, args, options),
      });
      const held = await holdDirectoryOf(receiver.recv, out);
      const both = await sendTo(receiver);
      expectFailure(both, 'ERR_XFER_NO_SPACE');
      // What stands is whole files in their directory; nothing temporary is left.
      expect((await held.list()).filter((name) => name !== 'tree')).toEqual([]);
      await held.close();
      await expectWhole();
    },
  );
});
