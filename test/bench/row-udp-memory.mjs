import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { finish, line, start } from './processes.mjs';
import { ratioOf, spread } from './stats.mjs';
import { flood } from './udp-senders.mjs';

const program = join(import.meta.dirname, 'memory-transport.mjs');
const mtuBytes = 1500;
const datagramBytes = 1472;
const wantedGigabytes = 3;

/** The protocol alone: one stream of the transport, memory to memory, unsealed, beside what nothing but datagrams reach. */
export const udpMemoryRow = {
  name: 'udp-memory',
  title: 'udp alone, memory to memory, MTU 1500',
  async measure({ directory, smoke, runs, size, say }) {
    const bare = join(directory, 'udp-blast');
    const source = join(import.meta.dirname, 'udp-blast.cc');
    const compiled = spawnSync('g++', ['-O2', '-std=c++17', '-o', bare, source], { encoding: 'utf8' });
    const canBlast = compiled.status === 0;
    const bytes = smoke ? size : 8 * size;
    const rates = { udp: [], tcp: [], blast: [], gathered: [] };
    for (let round = smoke ? 1 : 0; round <= runs; round++) {
      const blast = canBlast ? await blastOnce(bare, smoke ? 0.2 : 2) : undefined;
      const gathered = canBlast ? await blastOnce(bare, smoke ? 0.2 : 2, ['gathered']) : undefined;
      const udp = await transportOnce('udp', bytes);
      const tcp = await transportOnce('tcp', bytes);
      say(`round ${round}: udp ${udp.toFixed(2)} GB/s, tcp ${tcp.toFixed(2)}, blast ${blast?.toFixed(2)}`);
      if (round === 0) continue;
      rates.udp.push(udp);
      rates.tcp.push(tcp);
      if (blast !== undefined) rates.blast.push(blast);
      if (gathered !== undefined) rates.gathered.push(gathered);
    }
    const row = { unit: 'GB/s', ours: spread(rates.udp) };
    const wanted = spread([wantedGigabytes]);
    return [
      {
        ...{ ...row, part: 'one stream', peer: wanted, peerName: 'wanted' },
        ...{ ratio: row.ours.median / wantedGigabytes, goal: { atLeast: 1 } },
      },
      canBlast
        ? {
            ...{ ...row, part: 'beside datagrams alone', peer: spread(rates.blast), peerName: 'bare C++' },
            ...{ ...ratioOf(rates.udp, rates.blast), goal: { atLeast: 0.6 } },
          }
        : { part: 'beside datagrams alone', skipped: compiled.error ? 'no g++' : 'g++ failed' },
      ...(canBlast
        ? [
            {
              ...{ ...row, part: 'beside datagrams gathered from 24 MiB' },
              ...{
                peer: spread(rates.gathered),
                peerName: 'bare C++',
                ...ratioOf(rates.udp, rates.gathered),
              },
            },
          ]
        : []),
      {
        ...{ ...row, part: 'beside one stream on our own tcp', peer: spread(rates.tcp), peerName: 'tcp' },
        ...ratioOf(rates.udp, rates.tcp),
      },
    ];
  },
};

async function blastOnce(bare, seconds, how = []) {
  const { bytes, seconds: took } = await flood([bare], { senders: 1, datagramBytes, seconds, how });
  return bytes / took / 1e9;
}

async function transportOnce(scheme, bytes) {
  const what = [scheme, String(mtuBytes)];
  const receiver = start(process.execPath, [program, 'recv', ...what]);
  const port = await line(receiver, (text) => JSON.parse(text).port);
  await finish(
    start(process.execPath, [program, 'send', ...what, String(port), String(bytes)]),
    'the sender',
  );
  const { stdout } = await finish(receiver, 'the receiver');
  const { bytes: got, seconds } = JSON.parse(stdout.trim().split('\n').at(-1));
  if (got !== bytes) throw new Error(`${got} of ${bytes} bytes have arrived`);
  return got / seconds / 1e9;
}
