import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { labMissing, openLab } from '../support/net-lab.mjs';
import { pipeCuts } from '../support/pipe-cuts.mjs';
import { spread } from './stats.mjs';

/**
 * 10 GiB of a seeded generator with 20 random cuts: connections, the relay, the link for three seconds. Not a speed but
 * whether the digest is the generator's. BENCH_SEED chooses another run.
 */
export const pipeCutsRow = {
  name: 'pipe-cuts',
  title: 'pipe that is cut',
  rare: true,
  smoked: true,
  async measure(context) {
    const { smoke, size, say } = context;
    const missing = labMissing();
    const lab = missing === undefined ? await openLab({ wire: 'veth' }) : undefined;
    if (missing !== undefined) say(`pipe-cuts: a proxy stands in for the network: ${missing}`);
    const directory = join(context.directory, 'pipe-cuts');
    mkdirSync(directory);
    const [bytes, cuts] = smoke ? [4 * size, 3] : [10 * size, 20];
    const seed = Number(process.env['BENCH_SEED'] ?? 1);
    try {
      const began = performance.now();
      const found = await pipeCuts({ bytes, cuts, seed, directory, ...(lab ? { lab } : {}) });
      const seconds = (performance.now() - began) / 1000;
      if (found.arrived !== found.expected || found.statuses.some((status) => status !== 0))
        throw new Error(
          `seed ${seed}: ${found.bytes} of ${bytes} bytes, ended ${found.statuses}: ${found.said.join('')}`,
        );
      say(`pipe-cuts: ${found.cuts.map(({ kind }) => kind).join(', ')}`);
      const part = `${bytes / 2 ** 20} MiB, ${found.cuts.length} cuts, seed ${seed}, digest equal`;
      return [{ part, unit: 's', ours: spread([seconds]) }];
    } finally {
      await lab?.close();
    }
  },
};
