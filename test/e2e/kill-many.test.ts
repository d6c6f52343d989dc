import { afterEach, expect, it } from 'vitest';
import { parseSize } from '../../src/config/quantity.js';
import { tries } from '../support/campaign.js';
import { FuzzRandom } from '../support/fuzz-random.js';
import { MiB, ResumeBed, windowBytes } from './resume-kit.js';

/** The longest run: XFER_KILLS=50 XFER_KILL_BYTES=2GiB. */
const { XFER_KILLS = `${tries(8, 5)}`, XFER_KILL_BYTES = '64MiB', XFER_KILL_SEED } = process.env;
const kills = Number(XFER_KILLS);
const size = parseSize(XFER_KILL_BYTES);
const seed = Number(XFER_KILL_SEED ?? Date.now() % 100_000);
/** So slow that there is time for all of them. */
const bytesPerSecond = Math.min(200 * MiB, Math.max(24 * MiB, size / 8));
const timeoutMs = 60_000 + 3_000 * kills + (4_000 * size) / bytesPerSecond;

let bed: ResumeBed | undefined;

afterEach(() => bed?.recv.kill());

it(
  `${kills} kills of the sender, the receiver or both cost no byte of ${XFER_KILL_BYTES} (seed ${seed})`,
  async () => {
    const random = new FuzzRandom(seed);
    bed = await ResumeBed.open({ bytes: size, bytesPerSecond, timeoutMs });
    let send = await bed.send();
    const done = { sender: 0, receiver: 0, both: 0 };
    for (let kill = 0; kill < kills; kill++) {
      // The first one when the sender has taken note of its transfer; together fewer bytes than there are.
      const least = kill === 0 ? bytesPerSecond / 4 : 0;
      const passed = bed.proxy.passed(bed.proxy.passedBytes + least + random.below((size - least) / kills));
      await Promise.race([passed, send.ended]);
      if (send.child.exitCode !== null) break;
      const victim = random.pick(['sender', 'receiver', 'both'] as const);
      done[victim]++;
      if (victim !== 'sender') await bed.recv.kill();
      if (victim !== 'receiver') expect((await send.kill()).signal).toBe('SIGKILL');
      if (victim !== 'sender') await bed.receiveAgain();
      if (victim !== 'receiver') send = await bed.send();
    }
    expect(await send.ended).toMatchObject({ status: 0, timedOut: false });
    await bed.expectWhole();
    // It may be over before the last of them, but not long before.
    expect(done.sender + done.receiver + done.both).toBeGreaterThanOrEqual(kills - 2);
    const { passedBytes } = bed.proxy;
    const most = 1.05 * size + kills * (windowBytes + 0.2 * bytesPerSecond);
    const inMiB = (bytes: number) => `${(bytes / MiB).toFixed(1)} MiB`;
    process.stderr.write(
      `kill-many: seed ${seed}, ${JSON.stringify(done)}, ${inMiB(size)}, sent ${inMiB(passedBytes)}, at most ${inMiB(most)}\n`,
    );
    expect(passedBytes).toBeLessThan(most);
  },
  timeoutMs,
);
