import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { MiB, ResumeBed, sentOf } from './resume-kit.js';

let bed: ResumeBed;

afterEach(() => bed.recv.kill());

const happensAt = 48 * MiB;

/** Both are killed in the middle, and the receiver is started again; its new code. */
async function stopped(): Promise<string> {
  bed = await ResumeBed.open();
  const first = await bed.send();
  await bed.proxy.passed(happensAt);
  await Promise.all([first.kill(), bed.recv.kill()]);
  return bed.receiveAgain();
}

describe('a receiver that was started again with another code', () => {
  it('lets the sender go on with what it began, and nobody else, and with nothing else', async () => {
    await stopped();
    const stranger = await (await bed.send({ home: await temporaryDirectory() })).ended;
    expect(stranger).toMatchObject({ status: 4, timedOut: false });
    const other = `${bed.file}-other`;
    await writeFile(other, 'other content');
    const env = { XFER_CODE: bed.code };
    const more = await runXfer(['send', other, bed.proxy.address], { home: bed.homes.sender, env });
    expect(await more.ended).toMatchObject({ status: 4, timedOut: false });
    const again = await (await bed.send()).ended;
    expect(again).toMatchObject({ status: 0, timedOut: false });
    expect(sentOf(again)).toBeLessThan(bed.mostSent(bed.size - happensAt));
    await bed.expectWhole();
  }, 60_000);

  it('gives another sender of the same paths nothing of the first one', async () => {
    const code = await stopped();
    const second = await (await bed.send({ home: await temporaryDirectory(), code })).ended;
    expect(second).toMatchObject({ status: 0, timedOut: false });
    // Copies of what lagged are counted too.
    expect(sentOf(second)).toBeGreaterThanOrEqual(bed.size);
    const again = await (await bed.send()).ended;
    expect(again).toMatchObject({ status: 0, timedOut: false });
    expect(sentOf(again)).toBeLessThan(bed.mostSent(bed.size - happensAt));
    await bed.expectWhole();
  }, 60_000);
});

describe('with --retry 0', () => {
  it('a connection that is cut ends the sender with 3, and its command again goes on', async () => {
    bed = await ResumeBed.open();
    const first = await bed.send({ flags: ['--retry', '0'] });
    await bed.proxy.passed(happensAt);
    bed.proxy.cut();
    const ended = await first.ended;
    expect(ended).toMatchObject({ status: 3, timedOut: false });
    expect(ended.events.at(-1)).toMatchObject({ event: 'error', code: 'ERR_XFER_CONNECTION_LOST' });
    const again = await (await bed.send({ flags: ['--retry', '0'] })).ended;
    expect(again).toMatchObject({ status: 0, timedOut: false });
    expect(sentOf(again)).toBeLessThan(bed.mostSent(bed.size - happensAt));
    await bed.expectWhole();
  }, 60_000);
});
