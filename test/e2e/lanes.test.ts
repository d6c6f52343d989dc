import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type Ended } from '../support/run-xfer.js';
import { SlowProxy } from '../support/slow-proxy.js';
import { refusedFlags, transferred } from '../support/transfer.js';
import { refusedFlagsHere, transferredHere } from '../support/commands-here.js';

const MB = 1_000_000;

let work: string;
let out: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  [out, file] = [join(work, 'out'), join(work, 'file')];
});

const expectWhole = async () =>
  expect((await readFile(join(out, 'file'))).equals(await readFile(file))).toBe(true);

const lanesUp = ({ events }: Ended) =>
  events.flatMap((event) => (event.event === 'lane' && event.state === 'up' ? [event.lane] : []));

describe('send --lanes', () => {
  it('4: opens as many, and tells of each', async () => {
    await writeFile(file, randomBytes(2 * MB));
    const sendFlags = ['--lanes', '4', '--limit', '2MB/s'];
    const { done, sent, received } = await transferred({ paths: [file], out, sendFlags });
    expect(done.lanes).toBe(4);
    expect(lanesUp(sent).sort()).toEqual([0, 1, 2, 3]);
    expect(received.events.at(-1)).toMatchObject({ event: 'done', lanes: 4 });
    await expectWhole();
  });

  it('16: is the most', async () => {
    await writeFile(file, randomBytes(MB));
    const sendFlags = ['--lanes', '16', '--limit', '1MB/s'];
    const { done } = await transferred({ paths: [file], out, sendFlags });
    expect(done.lanes).toBe(16);
    await expectWhole();
  });

  it('1: opens no other', async () => {
    await writeFile(file, randomBytes(MB));
    const sendFlags = ['--lanes', '1', '--limit', '1MB/s'];
    const { done, sent } = await transferredHere({ paths: [file], out, sendFlags });
    expect(done.lanes).toBe(1);
    expect(lanesUp(sent)).toEqual([0]);
  });

  it('4: carries more at once than one, where each is slow', async () => {
    await writeFile(file, randomBytes(8 * MB));
    const sent = await overSlowLanes(2 * MB, ['--lanes', '4']);
    expect(sent.events.at(-1)).toMatchObject({ event: 'done', lanes: 4, bottleneck: 'network' });
    expect(lanesUp(sent).sort()).toEqual([0, 1, 2, 3]);
    await expectWhole();
  });

  it('auto: is what holds where nothing is said, and opens others where each is slow', async () => {
    await writeFile(file, randomBytes(16 * MB));
    const sent = await overSlowLanes(3 * MB, []);
    expect(lanesUp(sent).length).toBeGreaterThan(1);
    await expectWhole();
  });

  it('auto: stays with one for what is over soon', async () => {
    await writeFile(file, randomBytes(MB));
    const { done, sent } = await transferredHere({ paths: [file], out, sendFlags: ['--lanes', 'auto'] });
    expect(done.lanes).toBe(1);
    expect(lanesUp(sent)).toEqual([0]);
    await expectWhole();
  });

  it.each(['0', '17', '-1', '2.5', 'many', '', '4x'])('takes no %j', async (lanes) => {
    await writeFile(file, 'content');
    const refused = lanes === '0' ? refusedFlags : refusedFlagsHere;
    expect(await refused(file, [`--lanes=${lanes}`])).toEqual({
      code: 'ERR_XFER_USAGE',
      message: '--lanes takes auto or a number from 1 to 16',
      status: 2,
    });
  });
});

/**
 * Each connection carries so many bytes a second. Both sides end well and at once: a receiver whose sender leaves before
 * its last words have gone would wait for it to come back, and be killed here.
 */
async function overSlowLanes(bytesPerSecond: number, flags: readonly string[]): Promise<Ended> {
  const { recv, address, code } = await startReceiver(out);
  const proxy = await SlowProxy.open(address, bytesPerSecond);
  const send = await runXfer(['send', file, proxy.address, '--json', ...flags], { env: { XFER_CODE: code } });
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
  return sent;
}
