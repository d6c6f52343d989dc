import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.mjs';
import { writeRandom } from './memory-files.mjs';
import { listeningPipe, pipeProcess } from './pipes.mjs';
import { finish, start } from './processes.mjs';
import { lacksRoom } from './room.mjs';
import { ratioOf, spread } from './stats.mjs';

const mib = 2 ** 20;
const window = 64 * mib;
const sink = '>(cat > /dev/null)';

/**
 * A stream through a loopback pipe, whole commands, beside `ssh host cat` one way and socat with its default blocks and no
 * encryption. Four times the size of other rows, zeros and random bytes; every round has all three.
 */
export const pipeRow = {
  name: 'pipe',
  title: 'pipe',
  async measure(context) {
    const { directory, size, smoke } = context;
    const bytes = smoke ? size : 4 * size;
    const path = join(directory, 'piped');
    const lacking = lacksRoom(bytes + 2 ** 30);
    const rows = await measureOne(context, 'zeros', bytes, `<(head -c ${bytes} /dev/zero)`);
    if (lacking) return [...rows, { part: 'random', skipped: lacking }];
    writeRandom(path, bytes);
    rows.push(...(await measureOne(context, 'random', bytes, `<(cat ${path})`)));
    rmSync(path);
    return rows;
  },
};

async function measureOne(context, what, bytes, from) {
  const server = await context.sshd();
  const times = { xfer: [], socat: [], ssh: [] };
  const peaks = [];
  for (let round = 0; round < context.runs; round++) {
    const ours = await xferOnce(context, from);
    times.xfer.push(ours.seconds);
    peaks.push(ours.peakBytes);
    times.socat.push(await socatOnce(from));
    if (!server.missing) times.ssh.push(await sshOnce(server, from));
  }
  const rates = (seconds) => seconds.map((value) => bytes / value / 1e9);
  const part = (name) => `${bytes / mib} MiB, ${what}, beside ${name}`;
  const beside = (name, seconds, atLeast) => ({
    ...{ part: part(name), unit: 'GB/s', ours: spread(rates(times.xfer)), peer: spread(rates(seconds)) },
    ...{ peerName: name, ...ratioOf(rates(times.xfer), rates(seconds)), goal: { atLeast } },
  });
  const allowed = (window + 100e6) / 1e6;
  return [
    server.missing ? { part: part('ssh'), skipped: server.missing } : beside('ssh host cat', times.ssh, 1.5),
    beside('socat, not encrypted', times.socat, 0.7),
    {
      ...{
        part: `${what}, peak memory of the larger side`,
        unit: 'MB',
        ours: spread(peaks.map((peak) => peak / 1e6)),
      },
      ...{ peer: spread([allowed]), peerName: 'window + 100 MB' },
      ...{ ratio: spread(peaks).median / 1e6 / allowed, goal: { atMost: 1 } },
    },
  ];
}

async function xferOnce(context, from) {
  const { run, url } = await listeningPipe(context, [], { to: sink });
  const giver = pipeProcess(context, 'sender', [url], { from });
  const { seconds } = await finish(giver, 'xfer pipe, giving');
  await finish(run, 'xfer pipe, taking');
  return { seconds, peakBytes: Math.max(giver.peakBytes(), run.peakBytes()) };
}

async function sshOnce(server, from) {
  const args = [...server.sshArguments(), server.login, 'cat > /dev/null'];
  const giver = start('bash', ['-c', `exec ssh "$@" < ${from}`, 'ssh', ...args], {}, 600_000);
  return (await finish(giver, 'ssh')).seconds;
}

async function socatOnce(from) {
  const port = await freePort();
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`;
  const taker = start('bash', ['-c', `exec socat -d -d -u ${listen} - > ${sink}`], {}, 600_000);
  for (let tries = 0; tries < 400 && !/listening on/.test(taker.stderr); tries++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const giver = start('bash', ['-c', `exec socat -u - TCP:127.0.0.1:${port} < ${from}`], {}, 600_000);
  const { seconds } = await finish(giver, 'socat, giving');
  await finish(taker, 'socat, taking');
  return seconds;
}
