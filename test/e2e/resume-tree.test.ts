import { afterEach, describe, expect, it } from 'vitest';
import { MiB, ResumeBed, sentOf } from './resume-kit.js';

let bed: ResumeBed;

afterEach(() => bed.recv.kill());

describe('a directory of many files', () => {
  it('goes on after kills of both sides, one side and the connection, and sends no finished file again', async () => {
    bed = await ResumeBed.open({ bytes: 60 * MiB, files: 3_000, bytesPerSecond: 20 * MiB });
    const first = await bed.send();
    await bed.proxy.passed(20 * MiB);
    await Promise.all([first.kill(), bed.recv.kill()]);
    await bed.receiveAgain();
    const second = await bed.send();
    const before = bed.proxy.passedBytes;
    await bed.proxy.passed(before + 10 * MiB);
    await second.kill();
    const third = await bed.send();
    await bed.proxy.passed(before + 20 * MiB);
    bed.proxy.cut();
    const ended = await third.ended;
    expect(ended).toMatchObject({ status: 0, timedOut: false });
    // Twice 10 MiB and more were there, and of those 200 ms at most each may be sent again.
    expect(sentOf(ended)).toBeLessThan(bed.mostSent(bed.size - 30 * MiB));
    await bed.expectWhole();
  }, 60_000);
});
