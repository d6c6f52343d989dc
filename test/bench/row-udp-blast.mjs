import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ratioOf, spread } from './stats.mjs';
import { flood, ours } from './udp-senders.mjs';

/** What 1500 bytes of MTU leave. */
const datagramBytes = 1472;

/**
 * One sender, one receiver, memory to memory, nothing acknowledged: what a bare program in C++ gets through, which is the
 * most that a protocol on datagrams can reach here, and the batch socket beside it.
 */
export const udpBlastRow = {
  name: 'udp-blast',
  title: 'datagrams of 1472 bytes, one way',
  async measure({ directory, smoke, runs }) {
    const bare = join(directory, 'udp-blast');
    const source = join(import.meta.dirname, 'udp-blast.cc');
    const compiled = spawnSync('g++', ['-O2', '-std=c++17', '-o', bare, source], { encoding: 'utf8' });
    if (compiled.status !== 0)
      return [{ skipped: compiled.error ? 'no g++' : compiled.stderr.slice(0, 200) }];
    const options = { senders: 1, datagramBytes, seconds: smoke ? 0.2 : 2 };
    const rates = { ours: [], bare: [] };
    const rate = ({ bytes, seconds }) => bytes / seconds / 1e9;
    for (let run = 0; run < runs; run++) {
      rates.bare.push(rate(await flood([bare], options)));
      rates.ours.push(rate(await flood(ours, options)));
    }
    return [
      {
        ...{ part: 'batch socket', unit: 'GB/s', ours: spread(rates.ours) },
        ...{ peer: spread(rates.bare), peerName: 'bare C++', ...ratioOf(rates.ours, rates.bare) },
      },
    ];
  },
};
