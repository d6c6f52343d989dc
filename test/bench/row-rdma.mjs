import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeIdentities, schemeMissing } from './link-runs.mjs';
import { warmMemory, writeRandom } from './memory-files.mjs';
import { pingpong, pingpongMissing } from './pingpong.mjs';
import { compare, finish, line, program, start } from './processes.mjs';
import { lacksRoom } from './room.mjs';
import { ratioOf, spread } from './stats.mjs';
import { eventOf, receiver, send } from './xfer.mjs';

const code = '7-benchmark-of-fabrics';
const fabrics = [
  { scheme: 'rdma+tcp', provider: 'tcp;ofi_rxm', largeGoal: 0.8 },
  { scheme: 'rdma+shm', provider: 'shm', largeGoal: 0.5 },
];
const largeBytes = 2 ** 20;
const smallBytes = 64;
const allowedUs = 100;
const files = [
  { part: 'rdma+shm, file to file, sealed', flags: [], goal: 1 },
  { part: 'rdma+shm, file to file, --trust-fabric on both sides', flags: ['--trust-fabric'], goal: 1.5 },
];

/** Memory to memory between two processes over software fabrics, beside fi_pingpong with the same provider; and a file. */
export const rdmaRow = {
  name: 'rdma',
  title: 'rdma',
  async measure(context) {
    const rows = [];
    for (const fabric of fabrics) {
      const missing = pingpongMissing() ?? (await schemeMissing(context, fabric.scheme));
      if (missing) rows.push({ part: fabric.provider, skipped: missing });
      else rows.push(...(await besidePingpong(context, fabric)));
    }
    return [...rows, ...(await fileToFile(context))];
  },
};

/** In turns, the first round not counted. */
async function besidePingpong({ runs, smoke, say, directory }, { scheme, provider, largeGoal }) {
  const rounds = [];
  for (let round = smoke ? 1 : 0; round <= runs; round++) {
    const theirs = {
      large: largeBytes / (await pingpong(provider, largeBytes, smoke ? 20 : 1000)) / 1e3,
      small: await pingpong(provider, smallBytes, smoke ? 20 : 2000),
    };
    const ours = await benched(directory, scheme, smoke ? '20ms' : '1s');
    const name = round === 0 ? 'warm-up' : `round ${round}`;
    say(`${name}: ${provider}, fi_pingpong ${theirs.large.toFixed(2)} GB/s, ${theirs.small.toFixed(1)} us`);
    if (round > 0) rounds.push({ theirs, ours });
  }
  const peerOf = (size) => rounds.map(({ theirs }) => theirs[size]);
  const all = (loops, pattern, bytes) => {
    const found = rounds.map(({ ours }) =>
      ours.find((row) => row.loops === loops && row.pattern === pattern && row.bytes === bytes),
    );
    return found.includes(undefined) ? undefined : found;
  };
  const large = (loops, pattern, goal) => {
    const part = `${provider}, 1 MiB, ${loops}, ${pattern === 'memory' ? 'one way' : 'there and back'}`;
    const ours = all(loops, pattern, largeBytes)?.map(({ bytesPerSecond }) => bytesPerSecond / 1e9);
    if (!ours) return { part, skipped: `no ${loops} rows for ${scheme}` };
    const peer = { peer: spread(peerOf('large')), peerName: 'fi_pingpong' };
    return { part, unit: 'GB/s', ours: spread(ours), ...peer, ...ratioOf(ours, peerOf('large')), ...goal };
  };
  const small = (loops, of) => {
    const part = `${provider}, 64 B, ${loops}`;
    const ours = all(loops, 'latency', smallBytes)?.map(({ usPerTransfer }) => usPerTransfer);
    if (!ours) return { part, skipped: `no ${loops} rows for ${scheme}` };
    return { part, unit: 'us', ours: spread(ours), ...of(ours) };
  };
  const besideTheirs = (ours) => ({
    ...{ peer: spread(peerOf('small')), peerName: 'fi_pingpong' },
    ...ratioOf(ours, peerOf('small')),
  });
  return [
    large('javascript', 'memory', { goal: { atLeast: largeGoal } }),
    large('javascript', 'latency', {}),
    large('native', 'memory', {}),
    small('native', (ours) => ({ ...besideTheirs(ours), goal: { atMost: 3 } })),
    small('javascript', (ours) => ({
      ...{ peer: spread([allowedUs]), peerName: 'allowed' },
      ...{ ratio: spread(ours).median / allowedUs, goal: { atMost: 1 } },
    })),
  ];
}

/** Rows of one `xfer bench` of both sizes. */
async function benched(directory, scheme, time) {
  const sizes = `${smallBytes},${largeBytes}`;
  const args = ['bench', '--transport', scheme, '--size', sizes, '--time', time, '--repeat', '1', '--json'];
  const { PATH } = process.env;
  const env = { PATH, HOME: directory, XFER_HOME: join(directory, 'bench') };
  const run = start(process.execPath, [program, ...args], { env });
  await finish(run, 'xfer bench');
  return (await line(run, eventOf('bench'))).rows;
}

async function fileToFile(context) {
  const { directory, size, runs, smoke, say } = context;
  const missing = lacksRoom(2 * size + 2 ** 30) ?? (await schemeMissing(context, 'rdma+shm'));
  if (missing) return files.map(({ part }) => ({ part, skipped: missing }));
  const source = { name: 'by-rdma', path: join(directory, 'by-rdma') };
  writeRandom(source.path, size);
  await makeIdentities(context);
  const rates = files.map(() => []);
  for (let round = smoke ? 1 : 0; round <= runs; round++)
    for (const [at, { part, flags }] of files.entries()) {
      warmMemory(directory, size);
      const rate = size / (await sentOnce(context, source, flags)) / 1e9;
      say(`${round === 0 ? 'warm-up' : `round ${round}`}: ${part} ${rate.toFixed(3)} GB/s`);
      if (round > 0) rates[at].push(rate);
    }
  rmSync(source.path);
  return files.map(({ part, goal }, at) => ({
    ...{ part, unit: 'GB/s', ours: spread(rates[at]), peer: spread([goal]), peerName: 'wanted' },
    ...{ ratio: spread(rates[at]).median / goal, goal: { atLeast: 1 } },
  }));
}

/** Seconds from `connected` to the receiver's commit. */
async function sentOnce(context, source, flags) {
  const directory = join(context.directory, 'rdma-target');
  mkdirSync(directory);
  const listen = 'rdma+shm://127.0.0.1:0';
  const { run, url } = await receiver(context, { directory, flags: ['--once', ...flags], code, listen });
  const { done } = await send(context, { path: source.path, url, flags, code });
  await finish(run, 'xfer recv');
  await compare(source.path, join(directory, source.name));
  rmSync(directory, { recursive: true });
  return done.seconds;
}
