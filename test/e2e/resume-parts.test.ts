import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/run-xfer.js';
import { hashOf, MiB, ResumeBed, sentOf } from './resume-kit.js';

let bed: ResumeBed;

afterEach(() => bed.recv.kill());

const bytes = 24 * MiB;
const happensAt = 16 * MiB;
/** Of a journal. */
const headerBytes = 8 + 32 + 16 + 16 + 4;

/** Both are killed in the middle, when the journal has told of some of the part. */
async function stopped(): Promise<void> {
  bed = await ResumeBed.open({ bytes, bytesPerSecond: 20 * MiB });
  const first = await bed.send();
  await bed.proxy.passed(happensAt);
  await Promise.all([first.kill(), bed.recv.kill()]);
  expect((await stat((await bed.leftOver()).journal)).size).toBeGreaterThan(headerBytes);
}

/** Everything is sent anew, and it is whole. */
async function expectAnew(code = bed.code): Promise<void> {
  // Nothing is to lag: copies of it would be counted too.
  bed.proxy.bytesPerSecond = Infinity;
  const again = await (await bed.send({ code })).ended;
  expect(again).toMatchObject({ status: 0, timedOut: false });
  expect(sentOf(again)).toBe(bed.size);
  await bed.expectWhole();
}

describe('what an earlier try has left is not used', () => {
  it('when the file is another one by now', async () => {
    await stopped();
    const before = await hashOf(bed.file);
    await writeFile(bed.file, randomBytes(bed.size));
    await bed.receiveAgain();
    await expectAnew();
    expect(await hashOf(join(bed.out, 'file'))).not.toBe(before);
  }, 60_000);

  it('when a link lies in its place, and what that names stays as it is', async () => {
    await stopped();
    const { part } = await bed.leftOver();
    const victim = join(await temporaryDirectory(), 'victim');
    await rename(part, victim);
    const before = await hashOf(victim);
    await symlink(victim, part);
    await bed.receiveAgain();
    await expectAnew();
    expect(await hashOf(victim)).toBe(before);
  }, 60_000);

  it('when another file lies in its place', async () => {
    await stopped();
    const { part } = await bed.leftOver();
    const other = `${bed.file}-other`;
    await writeFile(other, randomBytes((await stat(part)).size));
    await rm(part);
    await rename(other, part);
    await bed.receiveAgain();
    await expectAnew();
  }, 60_000);

  it('when it was cut short', async () => {
    await stopped();
    const { part } = await bed.leftOver();
    const handle = await open(part, 'r+');
    await handle.truncate(MiB);
    await handle.close();
    await bed.receiveAgain();
    await expectAnew();
  }, 60_000);

  it('when the journal holds garbage behind its header', async () => {
    await stopped();
    const { journal } = await bed.leftOver();
    const journalled = await readFile(journal);
    const header = journalled.subarray(0, headerBytes);
    await writeFile(journal, Buffer.concat([header, randomBytes(journalled.length)]));
    await bed.receiveAgain();
    await expectAnew();
  }, 60_000);

  it('when the journal is garbage, and then nobody is known by it', async () => {
    await stopped();
    const { journal } = await bed.leftOver();
    await writeFile(journal, randomBytes(4_000));
    const code = await bed.receiveAgain();
    const known = await (await bed.send()).ended;
    expect(known).toMatchObject({ status: 4, timedOut: false });
    expect(code).not.toBe(bed.code);
    const made = bed.recv.events.findIndex(({ event }) => event === 'listening');
    await expectAnew((await bed.recv.event('listening', made + 1)).code);
  }, 60_000);
});
