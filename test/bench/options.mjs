import { parseArgs } from 'node:util';
import { parseSize } from './stats.mjs';
import { transportNames } from './transports.mjs';

export const usage = `usage: node test/bench/run.mjs [--smoke] [--runs N] [--size SIZE] [--only NAME] [--all] [--json]
                             [--transport NAME] [--shard K/N]
  --smoke      16 MiB, one run each, no goals: only whether everything runs and arrives equal
  --runs N     counted runs of the large file, 1 to 99 (5); startup takes 3 N, the small file 1.8 N
  --size SIZE  of the large file (1GiB)
  --only NAME  one row, or several with commas; may be repeated
  --transport NAME  of the row strangers: ${transportNames.join(', ')} (tcp,udp,quic; udp with --smoke); may be repeated
  --all        also the rows that take long: many-files, pipe-cuts, link, link-rate, link-fairness, auto
  --shard K/N  the Kth of N parts of the rows, for runs side by side that judge nothing
  --json       one object instead of the table`;

/** Throws an Error with a sentence for whoever typed it. */
export function parseOptions(args, names) {
  const { values } = parseArgs({
    args,
    options: {
      smoke: { type: 'boolean', default: false },
      runs: { type: 'string' },
      size: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      transport: { type: 'string', multiple: true },
      all: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      shard: { type: 'string', default: '1/1' },
      help: { type: 'boolean', default: false },
    },
  });
  const { smoke, json, help, all } = values;
  const only = values.only.flatMap((text) => text.split(','));
  const runs = Number(values.runs ?? (smoke ? 1 : 5));
  if (!Number.isInteger(runs) || runs < 1 || runs > 99) throw new Error('--runs is a number from 1 to 99');
  const size = parseSize(values.size ?? (smoke ? '16MiB' : '1GiB'));
  if (!size) throw new Error('--size is bytes, or such as 256MiB');
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only is one of ${names.join(', ')}; not ${unknown}`);
  const transports = (values.transport ?? [smoke ? 'udp' : 'tcp,udp,quic']).flatMap((text) =>
    text.split(','),
  );
  const strange = transports.find((name) => !transportNames.includes(name));
  if (strange !== undefined)
    throw new Error(`--transport is one of ${transportNames.join(', ')}; not ${strange}`);
  const [, part, parts] = /^([1-9])\/([1-9])$/.exec(values.shard)?.map(Number) ?? [];
  if (!(part <= parts)) throw new Error('--shard is such as 1/2');
  return {
    smoke,
    transports,
    json,
    help,
    runs,
    size,
    // A rare row that is short in a smoke test is in it.
    wants: ({ name, rare, smoked }) =>
      names.indexOf(name) % parts === part - 1 &&
      (only.length === 0 ? all || !rare || (smoke && smoked === true) : only.includes(name)),
  };
}
