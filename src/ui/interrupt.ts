import { exitStatus, XferError } from '../errors/index.js';

/** After the first signal everything has this long to end in order. */
export const graceMs = 5_000;

/**
 * Aborts with ERR_XFER_INTERRUPTED on the first of these signals. A second one, or an end that does not
 * come within five seconds, exits at once. The receiver of a `local:` target ends with the process that started it, by the
 * channel to it, and the other end of a bench, by its stdin.
 * Where `endInOrder` says that it has begun to, the first signal only does that, and it has the same five seconds.
 */
export function interruptSignal(
  names: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'],
  endInOrder: () => boolean = () => false,
): AbortSignal {
  const controller = new AbortController();
  let isEnding = false;
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitStatus.interrupted);
    if (!isEnding && endInOrder()) {
      isEnding = true;
      setTimeout(onSignal, graceMs).unref();
      return;
    }
    setTimeout(() => process.exit(exitStatus.interrupted), graceMs).unref();
    controller.abort(new XferError('ERR_XFER_INTERRUPTED', 'interrupted'));
  };
  for (const name of names) process.on(name, onSignal);
  if (process.env['XFER_ENDS_WITH_PARENT'] === '1') {
    process.once('disconnect', onSignal);
    if (!process.connected) onSignal();
  }
  // It is listened to, and by itself keeps nothing running.
  if (process.env['XFER_ENDS_WITH_PARENT'] === 'stdin')
    process.stdin.once('close', onSignal).resume().unref();
  return controller.signal;
}
