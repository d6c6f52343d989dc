import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/run-xfer.js';
import { canTrace, killTraced, readTrace, traced } from '../support/strace.js';
import { MiB, ResumeBed } from './resume-kit.js';

let bed: ResumeBed | undefined;

afterEach(() => bed?.recv.kill());

const happensAt = 48 * MiB;

describe('what is there already', () => {
  it.skipIf(!canTrace)(
    'is read by neither side (needs strace)',
    async () => {
      const opened = (bed = await ResumeBed.open());
      const first = await opened.send();
      await opened.proxy.passed(happensAt);
      await Promise.all([first.kill(), opened.recv.kill()]);
      const work = await temporaryDirectory();
      const reading = ['read', 'pread64', 'preadv', 'readv', 'copy_file_range', 'sendfile', 'mmap'];
      const [recvTrace, sendTrace] = [join(work, 'recv'), join(work, 'send')];
      await opened.receiveAgain(traced(recvTrace, reading));
      const again = await (await opened.send({ start: traced(sendTrace, reading) })).ended;
      expect(again).toMatchObject({ status: 0, timedOut: false });
      await opened.expectWhole();
      await killTraced(opened.recv);
      const { file } = bed;
      const ofReceiver = await readTrace(recvTrace);
      expect(ofReceiver.some(({ path }) => path.endsWith('.journal'))).toBe(true);
      const ofContent = ofReceiver.filter(({ path }) => /\.part$|\/file$/.test(path));
      expect(ofContent).toEqual([]);
      const ofSource = (await readTrace(sendTrace)).filter(({ path }) => path === file);
      const bytes = ofSource.reduce((sum, { result }) => sum + result, 0);
      expect(bytes).toBeGreaterThan(0);
      expect(bytes).toBeLessThan(opened.mostSent(opened.size - happensAt));
      // It lies behind: the first window is not read.
      const lowest = Math.min(
        ...ofSource.filter(({ name }) => name === 'pread64').map(({ position }) => position),
      );
      expect(lowest).toBeGreaterThan(happensAt - opened.mostSent(0));
    },
    60_000,
  );
});
