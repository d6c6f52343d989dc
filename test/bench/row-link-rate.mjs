import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { linkMissing, makeIdentities, onLink, schemeMissing, xferFlow } from './link-runs.mjs';
import { writeRandom } from './memory-files.mjs';
import { spread } from './stats.mjs';

const rateBitsPerSecond = 1e9;
const roundTripMs = 20;
/** Between two looks at the link's counters. */
const lookMs = 50;
/** Rates are those of so long. */
const windowMs = 500;
const startMs = 3000;
/** A queue of one round trip that is full doubles the round trip. */
const fullRoundTripMs = 2 * roundTripMs;

/**
 * A fast link without losses: the share of its rate (of IP packets, as the link counts) that half a second within the
 * first three reaches, and how long the queue, of one round trip, dropped packets in five seconds, all overruns together
 * (drops within 100 ms are one). Slow start may do that: until nine tenths of the rate are there, and three round trips
 * more, in which it finds out that there is no more.
 */
export const linkRateRow = {
  name: 'link-rate',
  title: `emulated link, ${rateBitsPerSecond / 1e9} Gbit/s, ${roundTripMs} ms`,
  rare: true,
  smoked: true,
  async measure(context) {
    const missing = linkMissing() ?? (await schemeMissing(context, 'udp'));
    if (missing) return [{ skipped: missing }];
    const { directory, smoke } = context;
    const source = { name: 'fast', path: join(directory, 'fast'), bytes: smoke ? 20e6 : 1e9 };
    writeRandom(source.path, source.bytes);
    await makeIdentities(context);
    const runs = [];
    for (let round = 0; round < Math.min(context.runs, 3); round++) {
      const parameters = { rateBitsPerSecond, delayMs: roundTripMs / 2, seed: round + 1, limitSeconds: 60 };
      runs.push(await onLink(context, parameters, (...on) => rateOnce(context, source, on)));
      context.say(`link-rate: ${JSON.stringify(runs.at(-1))}`);
    }
    rmSync(source.path);
    return runs.some(({ late }) => late) ? [{ skipped: 'not done in 60 s' }] : rows(runs);
  },
};

function rows(runs) {
  const shares = runs.map(({ share }) => share * 100);
  const overruns = runs.map(({ overrunMs }) => overrunMs);
  const slowStarts = runs.map(({ slowStartMs }) => slowStartMs);
  return [
    {
      ...{ part: 'share of the rate within 3 s', unit: '%', ours: spread(shares), peer: spread([90]) },
      ...{ peerName: 'wanted', ratio: spread(shares).median / 90, goal: { atLeast: 1 } },
    },
    {
      ...{ part: 'queue overrun within 5 s, in all', unit: 'ms', ours: spread(overruns) },
      ...{ peer: spread(slowStarts), peerName: 'slow start' },
      ...{
        ratio: Math.max(...runs.map(({ overrunMs, slowStartMs }) => overrunMs / slowStartMs)),
        goal: { atMost: 1 },
      },
    },
  ];
}

async function rateOnce(context, source, [link, directory, impair]) {
  await impair();
  const run = await xferFlow(context, link, {
    ...{ directory: join(directory, 'target'), scheme: 'udp', flags: ['--cc', 'bbr'], source },
  });
  await link.resetStatistics();
  const looks = [await link.statistics()];
  while (!run.over && looks.at(-1).atMs - looks[0].atMs < startMs + 2000) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    looks.push(await link.statistics());
  }
  run.child.kill('SIGKILL');
  return judged(looks);
}

function judged(looks) {
  const [{ atMs: beganMs }] = looks;
  const shareBetween = (from, to) =>
    ((to.toServer.deliveredBytes - from.toServer.deliveredBytes) * 8000) /
    (to.atMs - from.atMs) /
    rateBitsPerSecond;
  const windows = looks.flatMap((to, i) => {
    const from = looks.slice(0, i).findLast(({ atMs }) => atMs <= to.atMs - windowMs);
    return from === undefined ? [] : [{ endMs: to.atMs - beganMs, share: shareBetween(from, to) }];
  });
  const early = windows.filter(({ endMs }) => endMs <= startMs).map(({ share }) => share);
  const fast = looks.findIndex((to, i) => i > 0 && shareBetween(looks[i - 1], to) >= 0.9);
  return {
    share: Math.max(0, ...early),
    overrunMs: looks.at(-1).toServer.overrunMs,
    slowStartMs: (fast < 0 ? startMs : looks[fast].atMs - beganMs) + 3 * fullRoundTripMs,
  };
}
