import { constants } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  truncate,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { tcp } from '@xfer/mux';
import { describe, expect, it } from 'vitest';
import { send, TransportRegistry, XferError, type SendOptions } from '../../src/index.js';
import { nativeApi } from '../../src/native/index.js';
import { tries } from '../support/campaign.js';
import { makeCanary, type Canary } from '../support/canary.js';
import { startReceiver } from '../support/receiver.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { startSwapping } from '../support/swapping.js';

const code = 'a-code-that-the-user-chose';
const rounds = tries(200, 30);
const smallFiles = 24;
const MiB = 2 ** 20;

/** Nothing but the race itself refuses: absent, or a link for a moment, or made by another. */
const expected = /^(?:committed|ERR_XFER_(?:NOT_FOUND|NOT_DIRECTORY|LOCAL_IO|EXISTS|IS_DIRECTORY))$/;
const natives = [
  ['native', undefined],
  ['the twin', 'off'],
] as const;

/** A receiver that lets a sender do all that one may, and whole transfers to it. */
async function meet(canary: Canary, tree: string, native: string | undefined) {
  const { recv, address } = await startReceiver(canary.root, {
    flags: ['--delete', '--owner', '--xattrs'],
    env: { XFER_CODE: code, XFER_NATIVE: native },
    timeoutMs: 110_000,
  });
  const transports = new TransportRegistry();
  transports.add(tcp(), '@xfer/mux');
  const home = await temporaryDirectory();
  const { signal } = new AbortController();
  const transfer = (options: Partial<SendOptions> = {}) =>
    send({
      ...{ paths: [tree], target: address, code, home, transports, signal, onEvent: () => undefined },
      ...{ owners: true, attributes: true, ...options },
    }).then(
      () => 'committed',
      (error: unknown) => (error instanceof XferError ? error.code : String(error)),
    );
  return { recv, transfer };
}

/** Sends `rounds` times while `place` is swapped, and gives how often each outcome was. */
async function race(
  canary: Canary,
  place: string,
  transfer: () => Promise<string>,
  prepare?: () => Promise<void>,
): Promise<Record<string, number>> {
  const swapping = await startSwapping(place, canary.outside);
  const start = swapping.count();
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    await prepare?.();
    const outcome = await transfer();
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  const swaps = swapping.count() - start;
  await swapping.stop();
  process.stderr.write(`${swaps} swaps in ${rounds} transfers: ${JSON.stringify(outcomes)}\n`);
  expect(swaps).toBeGreaterThanOrEqual(rounds);
  expect(Object.keys(outcomes).filter((outcome) => !expected.test(outcome))).toEqual([]);
  return outcomes;
}

/** An extended attribute that is told too, where this system has them. */
async function giveAttribute(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await nativeApi().files.setAttributes(handle.fd, [['user.xfer', Buffer.from('told')]]);
  } catch {
    process.stderr.write('NOT TESTED: no attributes are raced, for there are none here\n');
  } finally {
    await handle.close();
  }
}

/** The directory that stands there, when it is no link. */
async function openReal(path: string): Promise<FileHandle> {
  for (let tries = 0; tries < 10_000; tries++) {
    try {
      return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch {
      // A link, or nothing, for a moment.
    }
  }
  throw new Error(`${path} is never a directory`);
}

describe.each(natives)('a directory that is swapped for a link, %s,', (_, native) => {
  it('leads neither packs nor hard links nor sparse files nor owners nor attributes out', async () => {
    const canary = await makeCanary(await temporaryDirectory());
    const before = await canary.picture();
    const tree = join(await temporaryDirectory(), 'tree');
    await mkdir(join(tree, 'place/deep'), { recursive: true });
    // Names of the canary's among them: whoever follows the link would change something there.
    for (const name of [
      'file',
      'deep/file',
      ...Array.from({ length: smallFiles }, (_file, i) => `small-${i}`),
    ])
      await writeFile(join(tree, 'place', name), `content of ${name}`, { mode: 0o644 });
    await link(join(tree, 'place/file'), join(tree, 'place/second'));
    await link(join(tree, 'place/file'), join(tree, 'place/deep/second'));
    await writeFile(join(tree, 'place/sparse'), 'x');
    await truncate(join(tree, 'place/sparse'), MiB);
    await chmod(join(tree, 'place'), 0o711);
    await giveAttribute(join(tree, 'place/sparse'));
    const { recv, transfer } = await meet(canary, tree, native);
    await race(canary, join(canary.root, 'tree/place'), transfer);
    expect(await canary.picture()).toEqual(before);
    expect(await transfer()).toBe('committed');
    const place = join(canary.root, 'tree/place');
    expect((await lstat(join(place, 'file'))).nlink).toBe(3);
    expect((await lstat(join(place, 'sparse'))).size).toBe(MiB);
    expect(await readdir(place)).toHaveLength(smallFiles + 4);
    expect(await canary.picture()).toEqual(before);
    expect((await recv.kill('SIGINT')).status).toBe(130);
  }, 120_000);

  it('leads no deletion out', async () => {
    const canary = await makeCanary(await temporaryDirectory());
    const before = await canary.picture();
    const tree = join(await temporaryDirectory(), 'tree');
    await mkdir(join(tree, 'place'), { recursive: true });
    await writeFile(join(tree, 'place/kept'), 'kept');
    const place = join(canary.root, 'tree/place');
    const { recv, transfer } = await meet(canary, tree, native);
    const deleting = () => transfer({ update: 'stamp', remove: true });
    let deleted = 0;
    // What is surplus has the names of the canary's. It is made and looked at in the real directory alone.
    const prepare = async () => {
      const handle = await openReal(place);
      const real = `/proc/self/fd/${handle.fd}`;
      if (!(await readdir(real)).includes('file')) deleted++;
      await mkdir(join(real, 'deep'), { recursive: true });
      for (const name of ['file', 'deep/file', ...Array.from({ length: smallFiles }, (_file, i) => `x-${i}`)])
        await writeFile(join(real, name), 'surplus');
      await handle.close();
    };
    const outcomes = await race(canary, place, deleting, prepare);
    expect(await canary.picture()).toEqual(before);
    expect(outcomes['committed']).toBeGreaterThan(0);
    expect(deleted).toBeGreaterThan(1);
    await prepare();
    expect(await deleting()).toBe('committed');
    expect(await readdir(place)).toEqual(['kept']);
    expect(await canary.picture()).toEqual(before);
    expect((await recv.kill('SIGINT')).status).toBe(130);
  }, 120_000);
});
