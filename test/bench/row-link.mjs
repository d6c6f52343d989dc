import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { linkMissing, makeIdentities, onLink, schemeMissing, sshOver, xferOver } from './link-runs.mjs';
import { writeRandom } from './memory-files.mjs';
import { hasProgram } from './ssh-peers.mjs';
import { ratioOf, spread } from './stats.mjs';

const rateBitsPerSecond = 200e6;
/** Round trip, random loss each way, and what 50 MB may take from `connected` on: at the line's rate they take 2.0 s. */
const links = [
  { roundTripMs: 100, loss: 0.01, goalSeconds: 2.9 },
  { roundTripMs: 100, loss: 0.05, goalSeconds: 3.6 },
  { roundTripMs: 300, loss: 0.02, goalSeconds: 5.5 },
];
const smokeLink = { roundTripMs: 10, loss: 0.01, goalSeconds: 1 };

/** One file over a long and lossy link, by each program and each TCP that this kernel has. */
export const linkRow = {
  name: 'link',
  title: 'emulated link',
  /** What TCP does on such links takes minutes. */
  rare: true,
  smoked: true,
  async measure(context) {
    const missing = linkMissing();
    if (missing) return [{ skipped: missing }];
    const { directory, smoke } = context;
    const source = {
      name: 'over-the-link',
      path: join(directory, 'over-the-link'),
      bytes: smoke ? 2e5 : 50e6,
    };
    writeRandom(source.path, source.bytes);
    await makeIdentities(context);
    const noUdp = await schemeMissing(context, 'udp');
    const rows = [];
    for (const [i, link] of (smoke ? [smokeLink] : links).entries())
      rows.push(...(await measureLink(context, source, link, { seed: 1000 * (i + 1), noUdp })));
    rmSync(source.path);
    return rows;
  },
};

async function measureLink(context, source, { roundTripMs, loss, goalSeconds }, { seed, noUdp }) {
  const { say, smoke } = context;
  const runs = Math.min(context.runs, 3);
  const name = `${source.bytes / 1e6} MB, ${rateBitsPerSecond / 1e6} Mbit/s, ${roundTripMs} ms, ${loss * 100} %`;
  const limitSeconds = smoke ? 20 : 60;
  const all = contestants(context, source, noUdp);
  const samples = Object.fromEntries(Object.keys(all).map((one) => [one, []]));
  for (let round = 0; round < runs; round++)
    for (const [one, once] of Object.entries(all)) {
      // Who was too slow, or is not here, is so the next time.
      if (samples[one].some(({ late, missing }) => late || missing)) continue;
      const parameters = { rateBitsPerSecond, delayMs: roundTripMs / 2, loss, seed: seed + round };
      const result = await onLink(context, { ...parameters, limitSeconds }, once);
      say(
        `${name}: ${one} ${result.missing ?? (result.late ? 'too slow' : `${result.seconds.toFixed(2)} s`)}`,
      );
      samples[one].push(result);
    }
  const ours = samples.udp?.some(({ late }) => late) ? undefined : samples.udp;
  const lacking = noUdp ?? (ours === undefined ? `not done in ${limitSeconds} s` : undefined);
  const judged = { part: `${name}, from connected`, unit: 's', goal: { atMost: 1 } };
  const inside = ours?.map((run) => run.inside);
  const allowed = { peer: spread([goalSeconds]), peerName: 'allowed' };
  return [
    ours === undefined
      ? { ...judged, ...allowed, skipped: lacking }
      : { ...judged, ...allowed, ours: spread(inside), ratio: spread(inside).median / goalSeconds },
    ...Object.entries(samples)
      .filter(([one]) => one !== 'udp')
      .map(([one, theirs]) => beside(`${name}, whole commands`, one, { ours, theirs, limitSeconds })),
  ];
}

/** Ours is udp by bbr, the default; xfer over TCP is a peer here. */
function contestants(context, source, noUdp) {
  const found = noUdp ? {} : { udp: xferOver(context, source, { scheme: 'udp', flags: ['--cc', 'bbr'] }) };
  for (const tcp of ['cubic', 'bbr']) {
    found[`xfer on tcp ${tcp}`] = xferOver(context, source, { scheme: 'tcp', tcp });
    found[`scp on ${tcp}`] = sshOver('scp', source, { tcp });
    if (hasProgram('rsync')) found[`rsync on ${tcp}`] = sshOver('rsync', source, { tcp });
  }
  return found;
}

function beside(part, peerName, { ours, theirs, limitSeconds }) {
  const row = { part, unit: 's', ...(ours && { ours: spread(ours.map(({ seconds }) => seconds)) }) };
  const { missing } = theirs[0];
  if (missing) return { ...row, skipped: `${peerName}: ${missing}` };
  if (theirs.some(({ late }) => late)) return { ...row, peerName, peer: { median: `> ${limitSeconds}` } };
  const seconds = theirs.map((run) => run.seconds);
  const ratio =
    ours &&
    ratioOf(
      seconds,
      ours.map((run) => run.seconds),
    );
  return { ...row, peerName, peer: spread(seconds), ...ratio };
}
