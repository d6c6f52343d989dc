import { XferError } from '../errors/index.js';
import type { Identity } from '../session/identity.js';
import type { PeerStore } from '../session/peer-store.js';
import type { SendSession } from './send-session.js';
import type { UnfinishedTransfers } from './unfinished.js';

/** Where a transfer gets its sessions from, and who has them when it is through. */
export interface SendSessions {
  /** Whether another transfer may begin on a session: then the receiver is told. */
  readonly goesOn: boolean;
  /** Whom an earlier transfer to this place has met: he is expected there before anybody else. */
  readonly pinned?: Uint8Array | undefined;
  /** The known peers, where they are looked for often. */
  readonly peers?: PeerStore;
  /** As are transfers that are not finished. */
  unfinished?(identity: Identity): UnfinishedTransfers;
  /** What `open` gives, or a session that is there already: with one of `peers`, where there are any. Rejects with an XferError. */
  take(open: () => Promise<SendSession>, peers: readonly Uint8Array[]): Promise<SendSession>;
  /** To be called once for each that was taken. `nextRecord`: where another transfer may begin; undefined: the session is of no more use. */
  give(opened: SendSession, nextRecord: number | undefined): Promise<void>;
}

/** A session for each transfer, which ends with it. */
export const singleUse: SendSessions = Object.freeze({
  goesOn: false,
  take: (open: () => Promise<SendSession>) => open(),
  give: (opened: SendSession) => endSession(opened),
});

/** Ends its connections, and waits until what was said on them has gone. */
export async function endSession({ lanes, session }: SendSession): Promise<void> {
  // One that waits for another transfer is ended by nobody else, and its connection would wait for that.
  session.finish();
  await lanes.close();
  session.abort(new XferError('ERR_XFER_INTERRUPTED', 'the transfer is over'));
}
