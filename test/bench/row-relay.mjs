import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.mjs';
import { compare, finish, start } from './processes.mjs';
import { dialOver, endpoint, settled, startRelay, stopRelays } from './relays.mjs';
import { lacksRoom } from './room.mjs';
import { ratioOf, spread } from './stats.mjs';
import { receiver, send } from './xfer.mjs';

const code = '7-benchmark-of-relays';
const hops = 3;
const mib = 2 ** 20;

/**
 * One file over three relays in a row, tcp and ws mixed, beside unencrypted socat with its default blocks chained over as
 * many; what the relays' memory grew by, and what a hop adds to the time to the first byte.
 */
export const relayRow = {
  name: 'relay',
  title: `over ${hops} relays`,
  async measure(context) {
    const { directory, size, runs, smoke } = context;
    const lacking = lacksRoom(3 * size + 2 ** 30);
    if (lacking) return [{ skipped: lacking }];
    const path = join(directory, 'relayed');
    writeRandom(path, size);
    const schemes = ['tcp', 'ws', 'tcp'];
    const relays = [];
    for (const scheme of schemes)
      relays.push(await startRelay(context, { listen: `${scheme}://127.0.0.1:0`, limitMs: 900_000 }));
    const idle = await Promise.all(relays.map(settled));
    const times = { xfer: [], socat: [] };
    const grown = () => relays.map(({ run }, i) => (Math.max(...run.residentBytes()) - idle[i]) / 1e6);
    let first;
    for (let round = 0; round < runs; round++) {
      times.xfer.push(await xferOnce(context, path, relays));
      first ??= grown();
      times.socat.push(await socatOnce(context, path));
    }
    const all = grown();
    const bytes = await firstBytes(relays, smoke ? 20 : 200);
    await stopRelays(relays);
    rmSync(path);
    const rate = (seconds) => size / seconds / 1e9;
    const [ours, theirs] = [times.xfer.map(rate), times.socat.map(rate)];
    const allowed = { peer: spread([(16 * mib) / 1e6]), peerName: 'allowed' };
    return [
      {
        ...{ part: `${size / mib} MiB`, unit: 'GB/s', ours: spread(ours), peer: spread(theirs) },
        ...{ peerName: 'socat, chained', ...ratioOf(ours, theirs), goal: { atLeast: 0.6 } },
      },
      ...[
        [first, 'with the first file'],
        [all, `with ${runs} files`],
      ].map(([sizes, when]) => ({
        ...{ part: `memory that a relay grew by ${when}`, unit: 'MB', ours: spread(sizes), ...allowed },
        ...{ ratio: Math.max(...sizes) / ((16 * mib) / 1e6), goal: { atMost: 1 } },
      })),
      {
        ...{ part: 'added to the first byte, a hop, there and back', unit: 'ms2', ours: spread(bytes) },
        ...{ peer: spread([1]), peerName: 'allowed', ratio: spread(bytes).median, goal: { atMost: 1 } },
      },
    ];
  },
};

async function xferOnce(context, path, relays) {
  const directory = join(context.directory, 'relay-target');
  mkdirSync(directory);
  const { run, url } = await receiver(context, { directory, flags: ['--once'], code, limitMs: 300_000 });
  const flags = relays.flatMap((relay) => ['--via', relay.url]);
  const { seconds } = await send(context, { path, url, code, flags, limitMs: 300_000 });
  await finish(run, 'xfer recv');
  await compare(path, join(directory, 'relayed'));
  rmSync(directory, { recursive: true });
  return seconds;
}

/** As the bench of one socat does, with others in between that listen and dial. */
async function socatOnce({ directory }, path) {
  const target = join(directory, 'socat-chained');
  const ports = [];
  const running = [];
  for (let hop = 0; hop <= hops; hop++) ports.push(await freePort());
  for (let hop = hops; hop >= 0; hop--) {
    const listen = `TCP-LISTEN:${ports[hop]},bind=127.0.0.1,reuseaddr`;
    const onward = hop === hops ? `CREATE:${target}` : `TCP:127.0.0.1:${ports[hop + 1]}`;
    const run = start('socat', ['-d', '-d', '-u', listen, onward], {}, 300_000);
    for (let tries = 0; tries < 400 && !/listening on/.test(run.stderr); tries++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    running.push(run);
  }
  const began = process.hrtime.bigint();
  await finish(
    start('socat', ['-u', `OPEN:${path},rdonly`, `TCP:127.0.0.1:${ports[0]}`], {}, 300_000),
    'socat',
  );
  for (const run of running) await finish(run, 'socat, in between');
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  rmSync(target);
  return seconds;
}

/** Milliseconds that one hop adds to opening a stream and getting its first byte back, over connections that are there. */
async function firstBytes(relays, rounds) {
  const echo = await endpoint((stream) => stream.onData((bytes) => stream.send(bytes.slice())));
  const ways = [await dialOver([], echo.url), await dialOver(relays, echo.url)];
  const times = ways.map(() => []);
  for (let round = -5; round < rounds; round++)
    for (const [i, connection] of ways.entries()) {
      const began = performance.now();
      const stream = connection.openStream();
      const back = new Promise((resolve) => stream.onData(resolve));
      stream.send(new Uint8Array(64));
      await back;
      if (round >= 0) times[i].push(performance.now() - began);
      stream.reset(4);
    }
  for (const connection of ways) connection.abort(new Error('done'));
  await echo.close();
  return times[1].map((time, round) => (time - times[0][round]) / relays.length);
}

function writeRandom(path, size) {
  if (size <= 64 * mib) return writeFileSync(path, randomBytes(size));
  const fd = openSync(path, 'wx', 0o600);
  const block = randomBytes(16 * mib);
  for (let at = 0; at < size; at += block.length) {
    block.writeBigUInt64LE(BigInt(at), 0);
    writeSync(fd, block, 0, Math.min(block.length, size - at));
  }
  closeSync(fd);
}
