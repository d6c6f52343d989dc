import { XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { resetCode, type Stream } from '../transport/contract.js';
import { equalBytes } from './bytes.js';
import { groupKeys, type GroupKey } from './group-keys.js';
import { GroupLane } from './group-lane.js';
import type { SealedContent } from './lane.js';
import type { GroupHeader } from './stream-headers.js';

/** What a sender tells a receiver of the group that it is in. */
export interface GroupOffer extends GroupKey {
  /** The number of the stream's lane in this session. */
  readonly lane: number;
}

export interface GroupMembershipHandlers {
  /** Key and stream are both there. */
  onJoined(): void;
  /** The group is over for this receiver, although the sender did not say so. */
  onLost(error: XferError): void;
}

/** A receiver's part in a group, at most one in a session: the stream may come before the sender tells of it, or behind. */
export class GroupMembership {
  readonly #native: NativeApi;
  readonly #onContent: (content: SealedContent) => void;
  #waiting: { readonly stream: Stream; readonly header: GroupHeader } | undefined;
  #offer: GroupOffer | undefined;
  #handlers: GroupMembershipHandlers | undefined;
  #lane: GroupLane | undefined;
  #over = false;

  constructor(native: NativeApi, onContent: (content: SealedContent) => void) {
    this.#native = native;
    this.#onContent = onContent;
  }

  /** Whether a stream may come: there was none before. */
  get isOpen(): boolean {
    return !this.#over && !this.#waiting && !this.#lane;
  }

  get hasJoined(): boolean {
    return this.#lane !== undefined;
  }

  /** A stream whose header was proved. Paused until the sender tells of it. */
  take(stream: Stream, header: GroupHeader): void {
    stream.pause();
    stream.accept();
    this.#waiting = { stream, header };
    stream.onReset(() => (this.#waiting = undefined));
    this.#join();
  }

  /** False where the sender has told of a group before. */
  offer(offer: GroupOffer, handlers: GroupMembershipHandlers): boolean {
    if (this.#offer) return false;
    this.#offer = offer;
    this.#handlers = handlers;
    this.#join();
    return true;
  }

  /** False where the sender breaks the protocol. */
  handleDigests(from: number, digests: Uint8Array): boolean {
    return this.#lane?.handleDigests(from, digests) ?? this.#over;
  }

  /** The sender, or the session, ends it. */
  close(): void {
    this.#over = true;
    this.#waiting?.stream.reset(resetCode.cancelled);
    this.#waiting = undefined;
    this.#lane?.close();
  }

  #join(): void {
    const [waiting, offer, handlers] = [this.#waiting, this.#offer, this.#handlers];
    if (this.#over || !waiting || !offer || !handlers) return;
    const { stream, header } = waiting;
    this.#waiting = undefined;
    if (header.lane !== offer.lane || !equalBytes(header.epoch, offer.epoch)) {
      this.#over = true;
      stream.reset(resetCode.protocol);
      return handlers.onLost(new XferError('ERR_XFER_PROTOCOL', 'a stream came for another group'));
    }
    this.#lane = new GroupLane({
      number: offer.lane,
      stream,
      keys: groupKeys(offer),
      native: this.#native,
      onContent: this.#onContent,
      onLost: (error) => {
        this.#over = true;
        handlers.onLost(error);
      },
    });
    handlers.onJoined();
    this.#lane.start();
  }
}
