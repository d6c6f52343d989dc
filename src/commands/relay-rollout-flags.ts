import { Flags } from '@oclif/core';
import { parseDuration, parseSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';
import type { ForwardingOptions } from '../relay/forwarder.js';

/** How `relay` forwards, and how long it puts up with who does nothing. */
export const relayRolloutFlags = {
  rollout: Flags.option({
    options: ['off', 'shadow', 'on'] as const,
    description:
      'on (default): pipe what comes as it comes; off: store each record and forward it then; shadow: pipe, and compare with what storing would have delivered',
  })(),
  'store-limit': Flags.string({
    description: 'what is stored of a stream at most, each way, with --rollout off or shadow (default: 8MiB)',
    helpValue: 'SIZE',
  }),
  inactivity: Flags.string({
    description:
      'reset a stream when the rest of a record that is stored does not come for so long, or one branch of several takes nothing (default: 5s)',
    helpValue: 'DURATION',
  }),
  orphan: Flags.string({
    description:
      'reset a stream that nobody answers for so long, or of which only one side is left and silent (default: 60s)',
    helpValue: 'DURATION',
  }),
};

const leastStoreBytes = 64 * 1024;

/** Their values, of those that were given. Throws ERR_XFER_USAGE. */
export function forwardingOptions(flags: {
  readonly rollout?: 'off' | 'shadow' | 'on' | undefined;
  readonly 'store-limit'?: string | undefined;
  readonly inactivity?: string | undefined;
  readonly orphan?: string | undefined;
}): ForwardingOptions {
  return {
    rollout: flags.rollout,
    storeLimitBytes: storeLimit(flags['store-limit']),
    inactivityMs: duration('--inactivity', flags.inactivity),
    orphanMs: duration('--orphan', flags.orphan),
  };
}

function storeLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes >= leastStoreBytes) return bytes;
  throw new XferError('ERR_XFER_USAGE', '--store-limit takes a size of 64KiB or more');
}

function duration(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw new XferError('ERR_XFER_USAGE', `${flag} takes a time above 0`);
}
