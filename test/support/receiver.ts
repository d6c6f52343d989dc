import { runXfer, type RunOptions, type XferRun } from './run-xfer.js';

export interface Receiver {
  readonly recv: XferRun;
  /** Where `send` finds it. */
  readonly address: string;
  /** The code that it made; empty where one was given. */
  readonly code: string;
}

export interface ReceiverOptions extends RunOptions {
  /** Further flags. Default: `--once`. */
  readonly flags?: readonly string[];
  /** Where it listens. Default: tcp on a free port of loopback. */
  readonly listen?: string;
  /** Starts it. Default: `runXfer`. */
  readonly start?: (args: readonly string[], options: RunOptions) => Promise<XferRun>;
}

/** A receiver under `--json` that listens already. */
export async function startReceiver(directory: string, options: ReceiverOptions = {}): Promise<Receiver> {
  const { flags = ['--once'], listen = 'tcp://127.0.0.1:0', start = runXfer } = options;
  const recv = await start(['recv', directory, '--listen', listen, '--json', ...flags], options);
  const { addresses, code = '' } = await recv.event('listening');
  return { recv, address: addresses[0] ?? '', code };
}
