import { exitStatus } from '../errors/index.js';
import { interruptSignal } from './interrupt.js';

export interface RelaySignals {
  /** Aborted with ERR_XFER_INTERRUPTED: the relay ends at once. */
  readonly signal: AbortSignal;
  /** Aborted by SIGTERM: it ends in order. */
  readonly drain: AbortSignal;
  /** Takes what SIGHUP calls. */
  onReload(reload: () => Promise<void>): void;
}

/**
 * What signals mean to a relay. SIGTERM ends it in order, and SIGINT at once, as does a second signal. Where there is a
 * configuration, SIGHUP has it read again.
 */
export function relaySignals({ rereads }: { readonly rereads: boolean }): RelaySignals {
  const signal = interruptSignal(rereads ? ['SIGINT'] : ['SIGINT', 'SIGHUP']);
  const drain = new AbortController();
  const leave = (): void => process.exit(exitStatus.interrupted);
  process.on('SIGTERM', () => {
    if (drain.signal.aborted || signal.aborted) leave();
    process.prependListener('SIGINT', leave);
    drain.abort();
  });
  let isWanted = false;
  let reread = (): void => void (isWanted = true);
  if (rereads) process.on('SIGHUP', () => reread());
  return {
    signal,
    drain: drain.signal,
    onReload: (reload) => {
      reread = () => void reload();
      if (isWanted) reread();
    },
  };
}
