import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeRandom } from './memory-files.mjs';
import { compare, finish } from './processes.mjs';
import { lacksRoom } from './room.mjs';
import { spread } from './stats.mjs';
import { receiver, sending, timedEvents } from './xfer.mjs';

const code = '7-benchmark-of-the-resume';
const goals = { firstMs: 300, share: 0.15 };

/** The receiver killed at about nine tenths, started again, the same send again: what is sent, and how soon. */
export const resumeRow = {
  name: 'resume',
  title: 'resumed at nine tenths',
  async measure(context) {
    const { directory, size, runs } = context;
    const lacking = lacksRoom(3 * size);
    if (lacking) return [{ skipped: lacking }];
    const source = join(directory, 'resumed');
    writeRandom(source, size);
    const found = [];
    // A small file may have arrived whole before the receiver is killed: that try does not count.
    for (let tries = 0; found.length < runs && tries < runs + 10; tries++) {
      const one = await resumeOnce(context, source, size);
      if (one) found.push(one);
    }
    rmSync(source);
    if (found.length === 0) return [{ skipped: 'the receiver could not be killed in time' }];
    const limit = (value) => ({ peer: spread([value]), peerName: 'limit' });
    const row = (part, unit, values, most) => {
      const ours = spread(values);
      return { part, unit, ours, ...limit(most), ratio: ours.median / most, goal: { atMost: 1 } };
    };
    const sent = found.map(({ sent: bytes }) => bytes / 1e6);
    return [
      row(
        'connected to the first new bytes',
        'ms',
        found.map(({ firstMs }) => firstMs),
        goals.firstMs,
      ),
      row('sent by the second run', 'MB', sent, (size / 1e6) * goals.share),
    ];
  },
};

async function resumeOnce(context, path, size) {
  const directory = join(context.directory, 'resume-target');
  mkdirSync(directory);
  const first = await receiver(context, { directory, flags: ['--once'], code });
  const cut = sending(context, { path, url: first.url, code });
  while (!cut.over && bytesBelow(directory) < 0.9 * size)
    await new Promise((resolve) => setTimeout(resolve, 2));
  first.run.child.kill('SIGKILL');
  await first.run.ended;
  // It may wait for the receiver to come back; the same command is to be given again.
  cut.child.kill('SIGINT');
  if ((await cut.ended).status === 0) {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  const again = await receiver(context, { directory, flags: ['--once'], code });
  const run = sending(context, { path, url: again.url, code });
  const events = timedEvents(run);
  await finish(run, 'xfer send, again');
  await finish(again.run, 'xfer recv, again');
  await compare(path, join(directory, 'resumed'));
  rmSync(directory, { recursive: true });
  const connected = events.find(({ event }) => event.event === 'connected');
  const progress = events.filter(({ event }) => event.event === 'progress' && event.sent > 0);
  if (!connected || progress.length === 0) throw new Error('no events of the resumed transfer');
  return { firstMs: progress[0].atMs - connected.atMs, sent: progress.at(-1).event.sent };
}

/** What is written so far, whatever the partial file is called and wherever it lies. */
function bytesBelow(directory) {
  let bytes = 0;
  for (const name of readdirSync(directory, { recursive: true })) {
    const found = statSync(join(directory, name), { throwIfNoEntry: false });
    if (found?.isFile()) bytes += found.blocks * 512;
  }
  return bytes;
}
