import { closeSync, mkdirSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { compare } from './processes.mjs';
import { lacksRoom } from './room.mjs';
import { ratioOf, spread } from './stats.mjs';
import { transferOnce } from './xfer.mjs';

const code = '7-benchmark-of-sparse-files';
const gib = 2 ** 30;

/**
 * A file of 20 GiB with 64 MiB of data in 16 places, beside a plain one of 64 MiB. A file of 1 GiB goes first: where its
 * holes are filled on the way, 20 GiB would fill the memory of the machine, and 2 GiB have to do.
 */
export const sparseRow = {
  name: 'sparse',
  title: 'a sparse file',
  async measure(context) {
    const { directory, runs, smoke, say } = context;
    const lacking = lacksRoom(4 * gib);
    if (lacking) return [{ skipped: lacking }];
    const dataBytes = (smoke ? 4 : 64) * 2 ** 20;
    const paths = { sparse: join(directory, 'sparse'), plain: join(directory, 'plain') };
    writeSparse(paths.sparse, smoke ? gib / 16 : gib, dataBytes);
    writeSparse(paths.plain, dataBytes, dataBytes);
    const once = (path) => sparseOnce(context, path);
    const first = await once(paths.sparse);
    const keeps = first.blocks <= 1.1 * statSync(paths.sparse).blocks;
    const size = smoke ? gib / 16 : (keeps ? 20 : 2) * gib;
    if (!keeps)
      say('sparse: holes are filled; a smaller file is measured, since 20 GiB of zeros would not fit');
    rmSync(paths.sparse);
    writeSparse(paths.sparse, size, dataBytes);
    const times = { sparse: [], plain: [] };
    let worst = 0;
    for (let round = 0; round < runs; round++)
      for (const [name, path] of Object.entries(paths)) {
        const { seconds, blocks } = await once(path);
        times[name].push(seconds);
        if (name === 'sparse') worst = Math.max(worst, blocks);
      }
    const { blocks } = statSync(paths.sparse);
    for (const path of Object.values(paths)) rmSync(path);
    const part = `${size / gib} GiB with ${dataBytes / 2 ** 20} MiB of data`;
    const peer = { peer: spread(times.plain), peerName: 'a plain file of the data' };
    const megabytes = (count) => spread([(count * 512) / 1e6]);
    return [
      {
        ...{ part, unit: 's', ours: spread(times.sparse), ...peer },
        ...{ ...ratioOf(times.sparse, times.plain), goal: { atMost: 1.2 } },
      },
      {
        ...{ part: `${part}, blocks`, unit: 'MB', ours: megabytes(worst), peer: megabytes(blocks) },
        ...{ peerName: 'the source', ratio: worst / blocks, goal: { atMost: 1 } },
      },
    ];
  },
};

async function sparseOnce(context, path) {
  const directory = join(context.directory, 'sparse-target');
  mkdirSync(directory);
  const { seconds } = await transferOnce(context, { path, directory, code });
  const arrived = join(directory, path.split('/').at(-1));
  await compare(path, arrived);
  const { blocks } = statSync(arrived);
  rmSync(directory, { recursive: true });
  return { seconds, blocks };
}

function writeSparse(path, size, dataBytes) {
  const pieces = 16;
  const fd = openSync(path, 'wx', 0o600);
  for (let piece = 0; piece < pieces; piece++)
    writeSync(fd, randomBytes(dataBytes / pieces), 0, dataBytes / pieces, (size / pieces) * piece);
  closeSync(fd);
  truncateSync(path, size);
}
