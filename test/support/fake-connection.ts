import type { Address } from '../../src/transport/address.js';
import type { CloseReason, Connection } from '../../src/transport/contract.js';

/** A connection of which a test says how it goes. */
export interface FakeConnection {
  readonly connection: Connection;
  answer(): void;
  /** From the other side. */
  cut(error: Error): void;
  /** How this side ended it. */
  readonly ended: 'no' | 'closed' | 'aborted';
}

/** Carries no streams: for what only opens, watches and ends connections. */
export function fakeConnection(remote: Address): FakeConnection {
  let settleAnswered: (answered: boolean) => void = () => undefined;
  let settleClosed: (reason: CloseReason) => void = () => undefined;
  let ended: FakeConnection['ended'] = 'no';
  const answered = new Promise<boolean>((resolve) => (settleAnswered = resolve));
  const closed = new Promise<CloseReason>((resolve) => (settleClosed = resolve));
  const end = (reason: CloseReason): void => {
    settleClosed(reason);
    settleAnswered(false);
  };
  const connection = {
    ...{ remote, answered, closed },
    close: () => {
      if (ended === 'no') ended = 'closed';
      end({ by: 'local', clean: true });
      return Promise.resolve();
    },
    abort: (error: Error) => {
      if (ended === 'no') ended = 'aborted';
      end({ by: 'local', clean: false, error });
    },
  };
  return {
    // Whatever else a connection has is not asked for.
    connection: connection as unknown as Connection,
    answer: () => settleAnswered(true),
    cut: (error) => end({ by: 'remote', clean: false, error }),
    get ended() {
      return ended;
    },
  };
}
