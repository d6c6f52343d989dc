import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { linkMissing, makeIdentities, onLink, schemeMissing, xferFlow } from './link-runs.mjs';
import { writeRandom } from './memory-files.mjs';
import { finish, startAt } from './processes.mjs';
import { hasProgram } from './ssh-peers.mjs';
import { spread } from './stats.mjs';

const rateBitsPerSecond = 100e6;
const roundTripMs = 40;
const firstPort = 4900;
const tcpPort = 5201;
/** LEDBAT keeps 60 ms in the queue: where that does not fit it never learns that it is in the way (RFC 6817, section 2). */
const deepQueueBytes = (rateBitsPerSecond / 8) * 0.2;

/** Who runs at once, and what share of the link's rate the one that is judged has to get; of two alike, the larger at most. */
const cases = [
  { part: 'two udp bbr, the larger share', flows: ['bbr', 'bbr'], judged: 'larger', goal: { atMost: 60 } },
  { part: 'TCP cubic beside udp bbr', flows: ['bbr', 'tcp'], judged: 'tcp', goal: { atLeast: 25 } },
  {
    ...{ part: 'TCP cubic beside udp ledbat', flows: ['ledbat', 'tcp'], judged: 'tcp' },
    ...{ goal: { atLeast: 85 }, queueBytes: deepQueueBytes },
  },
  {
    ...{ part: 'udp ledbat alone', flows: ['ledbat'], judged: 'larger' },
    ...{ goal: { atLeast: 80 }, queueBytes: deepQueueBytes },
  },
];

/** Shares of a link over 30 s, by its own counters of what it delivered. TCP is iperf3's. */
export const linkFairnessRow = {
  name: 'link-fairness',
  title: `emulated link, ${rateBitsPerSecond / 1e6} Mbit/s, ${roundTripMs} ms`,
  rare: true,
  smoked: true,
  async measure(context) {
    const missing = linkMissing() ?? (await schemeMissing(context, 'udp'));
    if (missing) return [{ skipped: missing }];
    const seconds = context.smoke ? 1 : 30;
    const source = { name: 'flow', path: join(context.directory, 'flow') };
    // More than the link can carry until the end.
    writeRandom(source.path, ((rateBitsPerSecond / 8) * (seconds + 10)) | 0);
    await makeIdentities(context);
    const rows = [];
    for (const one of context.smoke ? cases.slice(0, 2) : cases)
      rows.push(await measureCase(context, source, one, seconds));
    rmSync(source.path);
    return rows;
  },
};

async function measureCase(context, source, { part, flows, judged, goal, queueBytes }, seconds) {
  if (flows.includes('tcp') && !hasProgram('iperf3')) return { part, skipped: 'no iperf3 (Debian: iperf3)' };
  const runs = [];
  for (let round = 0; round < Math.min(context.runs, 3); round++) {
    const parameters = {
      ...{ rateBitsPerSecond, delayMs: roundTripMs / 2, seed: round + 1, limitSeconds: 2 * seconds + 30 },
      ...(queueBytes && { queueBytes }),
    };
    const shares = await onLink(context, parameters, (...on) =>
      sharesOnce(context, source, flows, seconds, on),
    );
    if (shares.late) return { part, skipped: 'the flows did not start' };
    context.say(`${part}: ${shares.map((share) => share.toFixed(1)).join(', ')} % of the link`);
    runs.push(judged === 'tcp' ? shares[flows.indexOf('tcp')] : larger(shares));
  }
  const [bound] = Object.values(goal);
  return {
    ...{ part, unit: '%', ours: spread(runs), peer: spread([bound]), peerName: 'bound' },
    ...{ ratio: spread(runs).median / bound, goal: { [Object.keys(goal)[0]]: 1 } },
  };
}

/** Of one flow its share of the link, of two the larger one's part of both. */
function larger(shares) {
  return shares.length === 1
    ? shares[0]
    : (100 * Math.max(...shares)) / shares.reduce((sum, one) => sum + one);
}

/** Percent of the link's rate for each flow, from when all of them have begun. */
async function sharesOnce(context, source, flows, seconds, [link, directory, impair]) {
  await impair();
  const ports = flows.map((flow, i) => (flow === 'tcp' ? tcpPort : firstPort + i));
  const running = [];
  for (const [i, flow] of flows.entries())
    running.push(
      flow === 'tcp'
        ? await cubicFlow(link, 2 * seconds + 20)
        : await xferFlow(context, link, {
            ...{ directory: join(directory, `target-${i}`), scheme: 'udp', port: ports[i] },
            ...{ flags: ['--cc', flow], source },
          }),
    );
  await link.resetStatistics();
  const before = await link.statistics();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = await link.statistics();
  const early = running.find(({ over }) => over);
  if (early) throw new Error(`a flow ended early: ${(early.stderr + early.stdout).slice(-1000)}`);
  const lasted = (after.atMs - before.atMs) / 1000;
  return ports.map((port) => {
    const bytes = after.toServer.flows
      .filter((flow) => flow.port === port)
      .reduce((sum, flow) => sum + flow.bytes, 0);
    return (100 * bytes * 8) / lasted / rateBitsPerSecond;
  });
}

/** Goes when the link is closed. */
async function cubicFlow(link, seconds) {
  const server = startAt(link.server, 'iperf3', ['-s', '-1', '-p', String(tcpPort), '--forceflush']);
  await printed(server, /listening/);
  const args = ['-c', link.server.address, '-p', String(tcpPort), '-C', 'cubic', '-t', String(seconds)];
  const run = startAt(link.client, 'iperf3', [...args, '--forceflush']);
  await printed(run, /connected to/);
  return run;
}

/** Looks every 10 ms, for 5 s. */
async function printed(run, wanted) {
  for (let tries = 0; tries < 500 && !wanted.test(run.stdout); tries++) {
    if (run.over) await finish(run, 'iperf3');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
