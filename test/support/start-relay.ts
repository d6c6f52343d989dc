import { runXfer, type RunOptions, type XferRun } from './run-xfer.js';

export interface RunningRelay {
  readonly run: XferRun;
  /** For `--via`. */
  readonly url: string;
  /** Its own, as peers pin it. */
  readonly key: string;
}

/** A relay on a free port of loopback (or where `listen` says), under `--json`, that listens already. */
export async function startRelay(
  options: RunOptions & { readonly flags?: readonly string[]; readonly listen?: string } = {},
): Promise<RunningRelay> {
  const { flags = [], listen = 'tcp://127.0.0.1:0', ...rest } = options;
  const run = await runXfer(['relay', '--listen', listen, '--json', ...flags], {
    timeoutMs: 60_000,
    ...rest,
  });
  const { addresses, key = '' } = await run.event('listening');
  return { run, url: addresses[0] ?? '', key };
}
