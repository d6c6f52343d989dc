import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeIdentities, schemeMissing } from './link-runs.mjs';
import { warmMemory, writeRandom } from './memory-files.mjs';
import { compare } from './processes.mjs';
import { ngtcp2, quinn } from './quic-peers.mjs';
import { lacksRoom } from './room.mjs';
import { ratioOf, spread } from './stats.mjs';
import { transferOnce } from './xfer.mjs';

const code = '7-benchmark-of-datagrams';
/** How many times as fast as each udp has to be. */
const goals = { 'xfer over tcp': 0.8, 'ngtcp2, file to file': 2, 'quinn, memory to memory': 2 };

/** One large file over loopback by udp in datagrams of Ethernet's size, beside our own tcp and QUIC: whole commands. */
export const quicPeersRow = {
  name: 'quic-peers',
  title: 'udp, --mtu 1500',
  async measure(context) {
    const { directory, size } = context;
    const lacking = lacksRoom(2 * size + 2 ** 30);
    if (lacking) return [{ skipped: lacking }];
    const source = { name: 'datagrams', path: join(directory, 'datagrams'), bytes: size };
    writeRandom(source.path, size);
    await makeIdentities(context);
    const noUdp = await schemeMissing(context, 'udp');
    const contestants = {
      ...(!noUdp && { udp: xferBy(context, source, { scheme: 'udp', flags: ['--mtu', '1500'] }) }),
      'xfer over tcp': xferBy(context, source, { scheme: 'tcp' }),
      'ngtcp2, file to file': ngtcp2(context, source),
      'quinn, memory to memory': quinn(source),
    };
    const times = await measureAll(context, contestants);
    rmSync(source.path);
    return Object.entries(goals).map(([peerName, atLeast]) => {
      const row = { part: `beside ${peerName}`, unit: 's', ...(times.udp && { ours: spread(times.udp) }) };
      const theirs = times[peerName];
      if (!theirs) return { ...row, skipped: contestants[peerName].missing };
      const peer = { peerName, peer: spread(theirs) };
      if (noUdp) return { ...row, ...peer, skipped: noUdp };
      return { ...row, ...peer, ...ratioOf(theirs, times.udp), goal: { atLeast } };
    });
  },
};

/** In turns, the first round not counted. */
async function measureAll({ directory, size, runs, smoke, say }, contestants) {
  const times = {};
  for (let round = smoke ? 1 : 0; round <= runs; round++)
    for (const [name, { once, missing }] of Object.entries(contestants)) {
      if (missing) continue;
      warmMemory(directory, size);
      const { seconds } = await once();
      say(`${round === 0 ? 'warm-up' : `round ${round}`}: ${name} ${seconds.toFixed(3)} s`);
      if (round > 0) (times[name] ??= []).push(seconds);
    }
  return times;
}

function xferBy(context, source, { scheme, flags }) {
  const directory = join(context.directory, 'datagrams-target');
  return {
    async once() {
      mkdirSync(directory);
      const listen = `${scheme}://127.0.0.1:0`;
      const { seconds } = await transferOnce(context, { path: source.path, directory, code, listen, flags });
      await compare(source.path, join(directory, source.name));
      rmSync(directory, { recursive: true });
      return { seconds };
    },
  };
}
