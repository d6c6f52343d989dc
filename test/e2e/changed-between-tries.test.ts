import { randomBytes } from 'node:crypto';
import { open, rm, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { MiB, ResumeBed } from './resume-kit.js';

/** A try that was killed in the middle, with part of the file journalled over there. */
async function killedTry(): Promise<ResumeBed> {
  const bed = await ResumeBed.open({ bytes: 48 * MiB });
  const send = await bed.send();
  await bed.proxy.passed(30 * MiB);
  await send.kill();
  return bed;
}

async function expectGoesOn(bed: ResumeBed): Promise<void> {
  expect((await (await bed.send()).ended).status).toBe(0);
  await bed.expectWhole();
}

describe('what a killed try has received is never mixed with a file', () => {
  it('that is shorter by now', async () => {
    const bed = await killedTry();
    await writeFile(bed.file, randomBytes(5 * MiB));
    await expectGoesOn(bed);
  }, 60_000);

  it('that is of the same size, and has holes where content was', async () => {
    const bed = await killedTry();
    await rm(bed.file);
    await truncateTo(bed, 48 * MiB);
    await expectGoesOn(bed);
  }, 60_000);

  it('that has half of its content and a hole in the middle', async () => {
    const bed = await killedTry();
    const handle = await open(bed.file, 'r');
    const kept = Buffer.alloc(48 * MiB);
    await handle.read(kept, 0, kept.length, 0);
    await handle.close();
    await rm(bed.file);
    await truncateTo(bed, 48 * MiB);
    const again = await open(bed.file, 'r+');
    await again.write(kept, 0, 6 * MiB, 0);
    await again.write(kept, 40 * MiB, 8 * MiB, 40 * MiB);
    await again.close();
    await expectGoesOn(bed);
  }, 60_000);
});

async function truncateTo(bed: ResumeBed, bytes: number): Promise<void> {
  await writeFile(bed.file, '');
  await truncate(bed.file, bytes);
}
