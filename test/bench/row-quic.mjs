import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeIdentities, schemeMissing } from './link-runs.mjs';
import { warmMemory, writeRandom } from './memory-files.mjs';
import { compare } from './processes.mjs';
import { quinn } from './quic-peers.mjs';
import { lacksRoom } from './room.mjs';
import { ratioOf, spread } from './stats.mjs';
import { transferOnce } from './xfer.mjs';

const code = '7-benchmark-of-quic';

/** One large file over loopback by quic, sealed and from file to file, beside what the binding carries by itself. */
export const quicRow = {
  name: 'quic',
  title: 'quic, inside the transfer',
  async measure(context) {
    const { directory, size } = context;
    const lacking = lacksRoom(2 * size + 2 ** 30);
    if (lacking) return [{ skipped: lacking }];
    const missing = await schemeMissing(context, 'quic');
    if (missing) return [{ skipped: missing }];
    const source = { name: 'by-quic', path: join(directory, 'by-quic'), bytes: size };
    const bare = quinn(source);
    if (bare.missing) return [{ skipped: bare.missing }];
    writeRandom(source.path, size);
    await makeIdentities(context);
    const rates = await measureAll(context, {
      bare: bare.once,
      quic: () => xferOnce(context, source, 'quic'),
      tcp: () => xferOnce(context, source, 'tcp'),
    });
    rmSync(source.path);
    const row = { unit: 'GB/s', ours: spread(rates.quic) };
    return [
      {
        ...{ ...row, part: 'beside its binding alone', peer: spread(rates.bare) },
        ...{ peerName: 'quinn, memory to memory', ...ratioOf(rates.quic, rates.bare) },
        goal: { atLeast: 0.75 },
      },
      {
        ...{ ...row, part: 'beside our own tcp', peer: spread(rates.tcp), peerName: 'xfer over tcp' },
        ...ratioOf(rates.quic, rates.tcp),
      },
    ];
  },
};

/** GB/s of each, in turns, the first round not counted. */
async function measureAll({ directory, size, runs, smoke, say }, contestants) {
  const rates = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = smoke ? 1 : 0; round <= runs; round++)
    for (const [name, once] of Object.entries(contestants)) {
      warmMemory(directory, size);
      const { inside } = await once();
      say(`${round === 0 ? 'warm-up' : `round ${round}`}: ${name} ${(size / inside / 1e9).toFixed(3)} GB/s`);
      if (round > 0) rates[name].push(size / inside / 1e9);
    }
  return rates;
}

async function xferOnce(context, source, scheme) {
  const directory = join(context.directory, 'quic-target');
  mkdirSync(directory);
  const listen = `${scheme}://127.0.0.1:0`;
  const { done } = await transferOnce(context, { path: source.path, directory, code, listen });
  await compare(source.path, join(directory, source.name));
  rmSync(directory, { recursive: true });
  return { inside: done.seconds };
}
