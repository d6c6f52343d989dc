import { Flags } from '@oclif/core';
import type { PipeOptions } from '../app/pipe-options.js';
import type { PipePlaces } from '../app/pipe-places.js';
import { pipeDefaults } from '../config/index.js';
import { parseSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';
import { laneOption, sendFlags, useOption } from './send-flags.js';

/** What only `pipe` has, and what it has of `send`. */
export const pipeFlags = {
  listen: Flags.string({
    description:
      'whoever comes here is a place of the pipe: scheme://host:port, port 0 is any free one; room: or room:ROOM waits at the relay of --via',
    helpValue: 'URL',
    multiple: true,
    multipleNonGreedy: true,
  }),
  via: Flags.string({
    description:
      'go over this relay, or wait at it; several are passed in their order, the first is the nearest; a,b are alternatives for one',
    helpValue: 'RELAY',
    multiple: true,
    multipleNonGreedy: true,
  }),
  duplex: Flags.boolean({ default: false, description: 'content goes back as well; give it on both sides' }),
  fork: Flags.boolean({
    default: false,
    description: 'whoever comes, to a listening endpoint or to --listen, gets a stream of its own, until ^C',
  }),
  frame: Flags.option({
    description:
      'what is never torn where streams are split or joined: bytes (nothing), lines, or frames behind a length of 32 bits (default: bytes, and len32 with messages at an end)',
    options: ['bytes', 'lines', 'len32'] as const,
  })(),
  balance: Flags.boolean({
    default: false,
    description: 'each frame or block goes to one destination, the least loaded, not to all',
  }),
  slow: Flags.option({
    description: 'where one of several destinations does not keep up: all wait for it (default), or drop it',
    options: ['wait', 'drop'] as const,
  })(),
  window: Flags.string({
    description: `what is kept to be sent again, and waits to be read: ${inMiB(pipeDefaults.minWindowBytes)} to ${inMiB(pipeDefaults.maxWindowBytes)}`,
    helpValue: 'SIZE',
    default: inMiB(pipeDefaults.windowBytes),
  }),
  'no-delay': Flags.boolean({
    default: false,
    description: 'send every write at once, instead of waiting a millisecond for more',
  }),
  name: Flags.string({
    description: 'what the content is called; xfer recv writes it to a file of this name',
    helpValue: 'NAME',
  }),
  pv: Flags.boolean({
    default: false,
    description: 'show total, rate, time and how full the window is, on stderr',
  }),
  allow: Flags.string({
    description: 'listening: let only this known peer come, and make no code',
    helpValue: 'PEER',
    multiple: true,
    multipleNonGreedy: true,
  }),
  peer: sendFlags.peer,
  limit: Flags.string({
    description: 'send no faster than this; @FILE reads it from a file, again at every SIGUSR2',
    helpValue: 'RATE',
  }),
  transport: sendFlags.transport,
  explain: sendFlags.explain,
  lanes: sendFlags.lanes,
  compress: sendFlags.compress,
};

interface PipeFlagValues {
  readonly duplex: boolean;
  readonly fork: boolean;
  readonly frame: PipeOptions['framing'] | undefined;
  readonly balance: boolean;
  readonly slow: PipeOptions['slow'] | undefined;
  readonly window: string;
  readonly 'no-delay': boolean;
  readonly name: string | undefined;
  readonly allow: readonly string[] | undefined;
  readonly via: readonly string[] | undefined;
  readonly peer: string | undefined;
  readonly transport: readonly string[];
  readonly explain: boolean;
  readonly lanes: string;
  readonly compress: NonNullable<PipeOptions['compress']>;
}

function inMiB(bytes: number): string {
  return `${bytes / 2 ** 20}MiB`;
}

/** Their values as options of the application, held against the places. Throws ERR_XFER_USAGE. */
export function pipeFlagOptions(flags: PipeFlagValues, { from, to }: PipePlaces) {
  const { duplex, fork, balance, slow, explain, compress, frame, name, allow, peer } = flags;
  const split = balance ? '--balance' : slow === undefined ? undefined : '--slow';
  if (split !== undefined && to.length < 2)
    throw usage(`${split} is for several destinations`, 'name them: xfer pipe - TARGET TARGET...');
  const accepts = [...from, ...to].some(({ kind }) => kind === 'listen' || kind === 'endpoint');
  if (fork && !accepts)
    throw usage(
      '--fork is for a place that others come to',
      'write tcp-listen:PORT as the source, or --listen',
    );
  return {
    ...{ from, to, duplex, fork, balance, explain, compress },
    windowBytes: windowBytes(flags.window),
    noDelay: flags['no-delay'],
    via: flags.via ?? [],
    ...(slow === undefined ? {} : { slow }),
    ...(frame === undefined ? {} : { framing: frame }),
    ...(name === undefined ? {} : { name }),
    ...(allow === undefined ? {} : { allow }),
    ...(peer === undefined ? {} : { peer }),
    ...laneOption(flags.lanes),
    ...useOption(flags.transport),
  } satisfies Partial<PipeOptions>;
}

function windowBytes(text: string): number {
  const bytes = parseSize(text);
  const { minWindowBytes, maxWindowBytes } = pipeDefaults;
  if (bytes >= minWindowBytes && bytes <= maxWindowBytes) return bytes;
  throw usage(
    `a window has ${inMiB(minWindowBytes)} to ${inMiB(maxWindowBytes)}, not ${text}`,
    `write --window ${inMiB(pipeDefaults.windowBytes)}`,
  );
}

function usage(message: string, remedy: string): XferError {
  return new XferError('ERR_XFER_USAGE', message, { remedy });
}
