import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeTree } from './file-tree.mjs';
import { lacksRoom } from './room.mjs';
import { spread } from './stats.mjs';
import { transferOnce } from './xfer.mjs';

const mostMegabytes = 300;
/** Four quarters of a run are flat where the last is no more than this much above the second. */
const flatRatio = 1.25;
const code = '7-benchmark-of-many-files';

/** A million tiny files once: the peak of each side, and whether memory grows with the number of files. */
export const manyFilesRow = {
  name: 'many-files',
  title: 'tiny files',
  /** It takes minutes: only where it is asked for. */
  rare: true,
  async measure(context) {
    const wanted = context.smoke ? 2000 : 1_000_000;
    // A page for the content and about 1.5 KiB of kernel memory for a name, on each side.
    const bytesEach = 2 * 5632;
    const lacking = lacksRoom(wanted * bytesEach + 2 ** 30, 2 * wanted + 10_000);
    const files = lacking ? 200_000 : wanted;
    const stillLacking = lacking && lacksRoom(files * bytesEach + 2 ** 30, 2 * files + 10_000);
    if (stillLacking) return [{ skipped: stillLacking }];
    const source = join(context.directory, 'many');
    const directory = join(context.directory, 'many-target');
    mkdirSync(directory);
    writeTree(source, { files, directories: 1000, bytes: 10 });
    const run = await transferOnce(context, { path: source, directory, code, limitMs: 30 * 60_000 });
    for (const path of [source, directory]) rmSync(path, { recursive: true });
    context.say(`${files} files in ${run.seconds.toFixed(1)} s${lacking ? `, a million ${lacking}` : ''}`);
    return ['sender', 'receiver'].flatMap((side) => memoryRows(side, run[side], files));
  },
};

function memoryRows(side, run, files) {
  const peak = run.peakBytes() / 1e6;
  const limit = { median: mostMegabytes, min: mostMegabytes, max: mostMegabytes };
  const shown = { part: `${files} of them, ${side}`, unit: 'MB', peerName: 'limit' };
  const resident = run.residentBytes();
  const quarter = (index) => {
    const [from, to] = [index, index + 1].map((at) => Math.floor((resident.length * at) / 4));
    return spread(resident.slice(from, to).map((bytes) => bytes / 1e6));
  };
  const peaks = {
    ...{ ...shown, part: `${shown.part}, peak`, ours: spread([peak]), peer: limit },
    ...{ ratio: peak / mostMegabytes, goal: { atMost: 1 } },
  };
  if (resident.length < 8) return [peaks];
  const [second, last] = [quarter(1), quarter(3)];
  const beside = { peer: second, peerName: 'second quarter' };
  const flat = { ...shown, ...beside, part: `${shown.part}, last quarter`, ours: last };
  return [peaks, { ...flat, ratio: last.median / second.median, goal: { atMost: flatRatio } }];
}
