import { exitStatus, XferError } from '../errors/index.js';

/** After the first signal everything has this long to end in order. */
const graceMs = 5_000;

/**
 * Aborts with ERR_XFER_INTERRUPTED on the first of these signals. A second one, or an end that does not
 * come within five seconds, exits at once. The receiver of a `local:` target ends with the process that started it.
 */
export function interruptSignal(
  names: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'],
): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitStatus.interrupted);
    setTimeout(() => process.exit(exitStatus.interrupted), graceMs).unref();
    controller.abort(new XferError('ERR_XFER_INTERRUPTED', 'interrupted'));
  };
  for (const name of names) process.on(name, onSignal);
  if (process.env['XFER_ENDS_WITH_PARENT'] === '1') {
    process.once('disconnect', onSignal);
    if (!process.connected) onSignal();
  }
  return controller.signal;
}
