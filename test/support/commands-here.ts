import type { Receiver, ReceiverOptions } from './receiver.js';
import { runHere, type RunHere } from './run-here.js';
import { failureOf, transferred, type Leg, type Outcome } from './transfer.js';

export interface ReceiverHere extends Omit<Receiver, 'recv'> {
  readonly recv: RunHere;
}

/** A receiver within this process that listens already. */
export async function startReceiverHere(
  directory: string,
  { flags = ['--once'], listen = 'tcp://127.0.0.1:0', ...options }: Omit<ReceiverOptions, 'start'> = {},
): Promise<ReceiverHere> {
  const recv = await runHere(['recv', directory, '--listen', listen, ...flags], options);
  const { addresses, code = '' } = await recv.event('listening');
  return { recv, address: addresses[0] ?? '', code };
}

/** One transfer between two commands that run in this process; what `sender` and `receiver` say counts as in `runHere`. */
export async function transferHere(leg: Leg): Promise<Outcome> {
  const { paths, out, sendFlags = [], recvFlags = [], sender = {}, receiver = {} } = leg;
  const flags = ['--once', ...recvFlags];
  const { recv, address, code } = await startReceiverHere(out, { ...receiver, flags });
  const env = { XFER_CODE: code, ...sender.env };
  const send = await runHere(['send', ...paths, address, ...sendFlags], { ...sender, env });
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  return { sent, received };
}

/** As `transferred`, within this process. */
export const transferredHere = (leg: Leg) => transferred(leg, transferHere);

/** As `refusedFlags`, within this process. */
export async function refusedFlagsHere(path: string, flags: readonly string[]) {
  const target = 'tcp://127.0.0.1:9';
  const run = await runHere(['send', path, target, '--code', '4821-crossover-clockwork', ...flags]);
  return failureOf(await run.ended);
}
