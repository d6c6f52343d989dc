import { Flags } from '@oclif/core';
import type { CommonOptions, SendOptions } from '../app/options.js';
import { readBenchEnd } from '../app/bench-end.js';
import { sessionDefaults } from '../config/index.js';
import { parseDuration, parseSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';

/** The flags of all that has a session: whom to trust, and how much to put up with. */
export const sessionFlags = {
  code: Flags.string({
    description:
      'the code that both sides share; it shows in the list of processes, so rather set XFER_CODE or wait to be asked',
    helpValue: 'CODE',
  }),
  remember: Flags.boolean({
    description: 'trust the other side from now on: later transfers need no code',
  }),
  as: Flags.string({
    description: 'the name under which to remember the other side (default: what it calls itself)',
    helpValue: 'NAME',
    dependsOn: ['remember'],
  }),
  'trust-fabric': Flags.boolean({
    description:
      'do not seal content that goes over an RDMA fabric which nobody else can reach; only where both sides say so, and never over a relay',
  }),
  retry: Flags.string({
    description:
      'how long to try to connect again, or wait for the other side to, after a connection is lost; 0 turns it off',
    helpValue: 'DURATION',
    default: '30s',
  }),
};

/** The flags that both sides of a transfer have. */
export const transferFlags = {
  ...sessionFlags,
  'streaming-threshold': Flags.string({
    description:
      'files up to this size go together in one record, as far as the other side agrees; 1MiB at most',
    helpValue: 'SIZE',
    default: '64KiB',
  }),
  direct: Flags.boolean({
    default: false,
    description:
      'read and write files past the page cache (O_DIRECT), for fast disks; what cannot go that way goes through it',
  }),
};

interface SessionFlags {
  readonly code: string | undefined;
  // oclif leaves it out where it was not given; a default would count as given for `--as`.
  readonly remember: boolean | undefined;
  readonly as: string | undefined;
  readonly 'trust-fabric': boolean | undefined;
  readonly retry: string;
}

/** Their values as options of the application; `--code` wins over XFER_CODE. */
export function sessionOptions(
  flags: SessionFlags,
): Pick<CommonOptions, 'code' | 'remember' | 'rememberAs' | 'retryMs' | 'trustFabric' | 'bench'> {
  const bench = readBenchEnd(process.env['XFER_BENCH_END'], process.connected);
  const code = flags.code ?? (process.env['XFER_CODE'] || undefined);
  return {
    remember: flags.remember ?? false,
    trustFabric: flags['trust-fabric'] ?? false,
    retryMs: parseDuration(flags.retry),
    ...(bench ? { bench } : {}),
    ...(code === undefined ? {} : { code }),
    ...(flags.as === undefined ? {} : { rememberAs: flags.as }),
  };
}

export function transferOptions(
  flags: SessionFlags & { 'streaming-threshold': string; direct: boolean },
): ReturnType<typeof sessionOptions> & Pick<SendOptions, 'direct' | 'streamingThresholdBytes'> {
  return {
    ...sessionOptions(flags),
    streamingThresholdBytes: threshold(flags['streaming-threshold']),
    direct: flags.direct,
  };
}

function threshold(text: string): number {
  const bytes = parseSize(text);
  if (bytes <= sessionDefaults.recordBytes) return bytes;
  throw new XferError('ERR_XFER_USAGE', '--streaming-threshold takes a size of at most 1MiB');
}
