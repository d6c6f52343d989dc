import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { labMissing, makeIdentities, measureInLab, schemeMissing } from './lab-runs.mjs';
import { writeRandom } from './memory-files.mjs';
import { lacksRoom } from './room.mjs';
import { ratioOf, spread } from './stats.mjs';

const mbit = 1e6;
const transports = ['tcp', 'udp', 'quic'];
/** What the choice may cost beside the best single transport, and beside tcp. */
const bestFactor = 1.1;
const bestSlackSeconds = 0.3;
const tcpFactor = 1.05;

/**
 * Each so long that the best transport takes 3 to 6 s. `changes` comes so long after `connected`; what is `blocked` from
 * the start is not tried by itself.
 */
const links = [
  { name: 'clean LAN', bytes: 2 * 2 ** 30, wire: 'veth' },
  {
    ...{ name: '200 Mbit/s, 100 ms, 1 % loss', bytes: 60e6 },
    wire: { rateBitsPerSecond: 200 * mbit, delayMs: 50, loss: 0.01 },
  },
  {
    ...{ name: '200 Mbit/s, 10 ms, UDP blocked', bytes: 80e6, wire: lan(200) },
    ...{ blocks: [{ protocol: 'udp' }], blocked: ['udp', 'quic'] },
  },
  {
    ...{ name: '200 Mbit/s, 10 ms, TCP throttled to 40', bytes: 80e6, wire: lan(200) },
    throttled: { tcp: 40 * mbit },
  },
  {
    ...{ name: '200 Mbit/s, 10 ms, after 2 s 100 ms and 1 % loss', bytes: 90e6, wire: lan(200) },
    changes: { afterMs: 2000, to: { delayMs: 50, loss: 0.01 } },
  },
];
const smokeLink = { name: '200 Mbit/s, 10 ms', bytes: 2e6, wire: lan(200) };

/** One file over links that suit different transports: each of them by itself, and the choice left to xfer. */
export const autoRow = {
  name: 'auto',
  title: 'transport chosen by xfer',
  /** Minutes. */
  rare: true,
  smoked: true,
  async measure(context) {
    const missing = labMissing();
    if (missing) return [{ skipped: missing }];
    await makeIdentities(context);
    const here = [];
    for (const scheme of transports) if (!(await schemeMissing(context, scheme))) here.push(scheme);
    const rows = [];
    for (const [i, link] of (context.smoke ? [smokeLink] : links).entries())
      rows.push(...(await measureLink(context, link, { here, seed: 1000 * (i + 1) })));
    return rows;
  },
};

async function measureLink(context, link, { here, seed }) {
  const { directory, smoke } = context;
  const lacking = lacksRoom(2 * link.bytes + 2 ** 29);
  if (lacking) return [{ part: link.name, skipped: lacking }];
  const source = { name: 'over-a-link', path: join(directory, 'over-a-link') };
  writeRandom(source.path, link.bytes);
  const limitSeconds = smoke ? 20 : 60;
  const tried = here.filter((scheme) => !link.blocked?.includes(scheme));
  const samples = Object.fromEntries([...tried, 'auto'].map((name) => [name, []]));
  for (let round = 0; round < context.runs; round++)
    for (const [name, found] of Object.entries(samples)) {
      // Who was too slow is so the next time; but auto is what is judged.
      if (name !== 'auto' && found.some(({ late }) => late)) continue;
      const what = { source, link, scheme: name === 'auto' ? undefined : name, limitSeconds };
      found.push(await measureInLab(context, { ...what, seed: seed + round }));
      const { late, seconds, transport } = found.at(-1);
      context.say(`${link.name}: ${name} ${late ? 'too slow' : `${seconds.toFixed(2)} s by ${transport}`}`);
    }
  rmSync(source.path);
  return rowsOf(link, samples, limitSeconds);
}

/** What was too slow counts as what it was allowed, so that a late `auto` misses its goal. */
function rowsOf({ name }, samples, limitSeconds) {
  const seconds = (which) => samples[which].map(({ late, seconds: took }) => (late ? limitSeconds : took));
  const singles = Object.keys(samples).filter((which) => which !== 'auto');
  const medianOf = (which) => spread(seconds(which)).median;
  const best = singles.reduce((one, other) => (medianOf(other) < medianOf(one) ? other : one));
  const auto = { unit: 's', ours: spread(seconds('auto')) };
  const allowed = bestFactor * medianOf(best) + bestSlackSeconds;
  return [
    {
      ...{ ...auto, part: `${name}: beside ${bestFactor} × the best, ${best}, and ${bestSlackSeconds} s` },
      ...{ peer: spread([allowed]), peerName: 'allowed' },
      ...{ ratio: auto.ours.median / allowed, goal: { atMost: 1 } },
    },
    ...singles.map((which) => {
      const row = { ...auto, part: `${name}: beside ${which}`, peerName: which };
      const goal = which === 'tcp' ? { goal: { atMost: tcpFactor } } : {};
      if (!samples[which].some(({ late }) => late))
        return { ...row, ...goal, peer: spread(seconds(which)), ...ratioOf(seconds('auto'), seconds(which)) };
      return {
        ...{ ...row, ...goal, peer: { median: `> ${limitSeconds}` } },
        ratio: auto.ours.median / limitSeconds,
      };
    }),
  ];
}

function lan(megabits) {
  return { rateBitsPerSecond: megabits * mbit, delayMs: 5 };
}
