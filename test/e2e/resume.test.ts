import { readdir } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { MiB, ResumeBed, sentOf } from './resume-kit.js';

let bed: ResumeBed;

afterEach(() => bed.recv.kill());

/** So much has passed when it happens: more than a window, so that the part that is there must be of use. */
const happensAt = 48 * MiB;

describe('a transfer that was stopped in the middle goes on where it was', () => {
  it('when the receiver is killed and started again, with the sender that stayed', async () => {
    bed = await ResumeBed.open();
    const send = await bed.send();
    await bed.proxy.passed(happensAt);
    await bed.recv.kill();
    await bed.receiveAgain();
    const ended = await send.ended;
    expect(ended).toMatchObject({ status: 0, timedOut: false });
    expect(sentOf(ended)).toBeLessThan(bed.mostSent(bed.size));
    await bed.expectWhole();
  }, 60_000);

  it('when the sender is killed and its command is given again', async () => {
    bed = await ResumeBed.open();
    const first = await bed.send();
    await bed.proxy.passed(happensAt);
    await first.kill();
    const again = await (await bed.send()).ended;
    expect(again).toMatchObject({ status: 0, timedOut: false });
    expect(sentOf(again)).toBeLessThan(bed.mostSent(bed.size - happensAt));
    expect(sentOf(again)).toBeGreaterThan(0);
    await bed.expectWhole();
  }, 60_000);

  it('when both are killed and started again', async () => {
    bed = await ResumeBed.open();
    const first = await bed.send();
    await bed.proxy.passed(happensAt);
    await Promise.all([first.kill(), bed.recv.kill()]);
    expect(await readdir(bed.out)).not.toContain('file');
    await bed.receiveAgain();
    const again = await (await bed.send()).ended;
    expect(again).toMatchObject({ status: 0, timedOut: false });
    expect(sentOf(again)).toBeLessThan(bed.mostSent(bed.size - happensAt));
    await bed.expectWhole();
  }, 60_000);

  it('when the connection is cut, and cut again, with both staying', async () => {
    bed = await ResumeBed.open();
    const send = await bed.send();
    for (const at of [16 * MiB, 40 * MiB]) {
      await bed.proxy.passed(at);
      bed.proxy.cut();
    }
    const ended = await send.ended;
    expect(ended).toMatchObject({ status: 0, timedOut: false });
    expect(sentOf(ended)).toBeLessThan(bed.size + 2 * bed.mostSent(0));
    await bed.expectWhole();
  }, 60_000);
});
