import { Flags } from '@oclif/core';
import type { BenchOptions } from '../bench/engine.js';
import { parseLink } from '../bench/links.js';
import { benchPatterns, type BenchPattern } from '../bench/work.js';
import { parseDuration, parseSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';
import { tuningFlags } from './tuning-flags.js';

/** What is measured, and how. */
export const benchFlags = {
  transport: Flags.string({
    description: 'transports or schemes, with commas between them (default: all, or that of the target)',
    helpValue: 'LIST|all',
  }),
  pattern: Flags.string({
    description: `some of ${benchPatterns.join(', ')} (default: file,memory,latency, with --peers pipe too)`,
    helpValue: 'LIST',
  }),
  size: Flags.string({
    description:
      'of a file, of what goes through a pipe, or of a message, several with commas (default: 256MiB, 1MiB of memory, 64 of latency)',
    helpValue: 'LIST',
  }),
  time: Flags.string({
    description: 'how long a run takes, of memory, latency, and pipe without a size (default: 1s, 200ms)',
    helpValue: 'DURATION',
    exclusive: ['iterations'],
  }),
  iterations: Flags.integer({ description: 'messages of a run, instead of a time', helpValue: 'N' }),
  count: Flags.integer({ description: 'how many small files (2000), or streams (10000)', helpValue: 'N' }),
  repeat: Flags.integer({
    description: 'rounds, in which all run once, by turns; the median is told (default: 5)',
    helpValue: 'N',
  }),
  lanes: Flags.integer({
    description: 'connections at once (default: as xfer chooses, of memory one)',
    helpValue: 'N',
  }),
  hops: Flags.integer({
    description: 'relays between both ends, which are started here (default: 0)',
    helpValue: 'N',
  }),
  bidir: Flags.boolean({ default: false, description: 'both ways at once' }),
  record: Flags.string({ description: 'how much is sealed at once, 1MiB at most', helpValue: 'SIZE' }),
  'no-seal': Flags.boolean({ default: false, description: 'do not seal content, to see what sealing costs' }),
  peers: Flags.string({
    description: 'other tools to run beside xfer, or those that are found: scp,rsync,socat,iperf3,…',
    helpValue: 'LIST|found',
  }),
  link: Flags.string({
    description:
      'both ends on the sides of an emulated link: lan, metro, transatlantic, lte, satellite, lossy, or as 100mbit,20ms,0.1%,256KiB',
    helpValue: 'RATE,DELAY,LOSS[,QUEUE]',
  }),
  seed: Flags.integer({
    description: 'which packets the link loses (default: 1)',
    helpValue: 'N',
    dependsOn: ['link'],
  }),
  cpu: Flags.boolean({ default: false, description: 'count processor seconds a GiB of each process' }),
  ...tuningFlags,
};

interface BenchFlags {
  readonly transport?: string | undefined;
  readonly pattern?: string | undefined;
  readonly size?: string | undefined;
  readonly time?: string | undefined;
  readonly iterations?: number | undefined;
  readonly count?: number | undefined;
  readonly repeat?: number | undefined;
  readonly lanes?: number | undefined;
  readonly hops?: number | undefined;
  readonly bidir: boolean;
  readonly record?: string | undefined;
  readonly 'no-seal': boolean;
  readonly peers?: string | undefined;
  readonly link?: string | undefined;
  readonly seed?: number | undefined;
  readonly cpu: boolean;
}

type FlagOptions = Pick<
  BenchOptions,
  | ('use' | 'patterns' | 'sizes' | 'timeMs' | 'iterations' | 'count' | 'repeats' | 'isBothWays')
  | ('lanes' | 'hops' | 'recordBytes' | 'isSealed' | 'peers' | 'countsCpu' | 'link')
>;

/** Their values as options of the bench, which checks them further. Throws ERR_XFER_USAGE. */
export function benchOptions(flags: BenchFlags): FlagOptions {
  const { iterations, count, lanes, hops } = flags;
  const as = <Value, Name extends string>(name: Name, value: Value | undefined): { [Key in Name]?: Value } =>
    value === undefined ? {} : ({ [name]: value } as { [Key in Name]: Value });
  return {
    ...as('use', namesOr('all', '--transport', flags.transport)),
    ...as('patterns', flags.pattern === undefined ? undefined : listOf(flags.pattern).map(patternOf)),
    ...as('sizes', flags.size === undefined ? undefined : listOf(flags.size).map(parseSize)),
    ...as('timeMs', flags.time === undefined ? undefined : parseDuration(flags.time)),
    ...as('recordBytes', flags.record === undefined ? undefined : parseSize(flags.record)),
    ...as('peers', flags.peers === 'found' ? 'found' : namesOr('found', '--peers', flags.peers)),
    ...{ ...as('iterations', iterations), ...as('count', count), ...as('repeats', flags.repeat) },
    ...as('link', flags.link === undefined ? undefined : parseLink(flags.link, flags.seed)),
    ...{ ...as('lanes', lanes), ...as('hops', hops) },
    ...{ isBothWays: flags.bidir, isSealed: !flags['no-seal'], countsCpu: flags.cpu },
  };
}

function patternOf(word: string): BenchPattern {
  const found = benchPatterns.find((pattern) => pattern === word);
  if (found !== undefined) return found;
  const remedy = `--pattern takes ${benchPatterns.join(', ')}`;
  throw new XferError('ERR_XFER_USAGE', `no pattern is called ${JSON.stringify(word)}`, { remedy });
}

/** undefined: nothing was said, or the word that stands for all of them, which goes with no other. */
function namesOr(all: string, flag: string, text: string | undefined): string[] | undefined {
  if (text === undefined || text === all) return undefined;
  const names = listOf(text);
  if (!names.includes(all)) return names;
  const remedy = `${flag} ${all}, or the names alone`;
  throw new XferError('ERR_XFER_USAGE', `${flag} ${all} goes with no other name`, { remedy });
}

/** Each once. */
function listOf(text: string): string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new XferError('ERR_XFER_USAGE', `an empty word in ${JSON.stringify(text)}`);
  return [...new Set(words)];
}
