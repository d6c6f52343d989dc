import type { NativeApi } from '../native/api.js';
import type { GroupKey } from '../session/group-keys.js';
import type { GroupOffer } from '../session/group-membership.js';
import { GroupSender } from '../session/group-sender.js';
import type { Stream } from '../transport/contract.js';
import type { CompressMode } from './compress-core.js';
import { ContentCompressor } from './content-compressor.js';
import { contentJob, sentBytes, type Sealed } from './content-jobs.js';
import type { Outgoing } from './content-supply.js';
import { commonPiece, type CommonPiece, type GroupHeads, type PieceKind } from './group-heads.js';
import { LaggardCore } from './laggard-core.js';
import { PaceCore } from './pace-core.js';
import type { Dispatch } from './scheduler-core.js';
import type { SendLimit } from './send-options.js';
import { StageWaits, type SendStage } from './stage-waits.js';

/** What the group sees of one receiver's transfer, and tells it. */
export interface GroupMember {
  /** The receiver has key and stream. */
  readonly isReady: boolean;
  /** There will be nothing more to send to it. */
  readonly isExhausted: boolean;
  /** Its window takes another record. */
  readonly hasWindow: boolean;
  /** Sent and not acknowledged. */
  readonly inFlightBytes: number;
  /** The largest record that its rate allows. */
  readonly recordBytes: number;
  readonly bytesPerSecond: number;
  readonly heads: GroupHeads;
  /** Numbers the next piece: it is on its way then. */
  take(kind: PieceKind, mostBytes: number): Dispatch<Outgoing> | undefined;
  /** `sent`: bytes that went on the network for all of them, told to one. */
  handleSealed(dispatch: Dispatch<Outgoing>, sealed: Sealed, sent: number): void;
  handleDigest(number: number, digest: Uint8Array): void;
  handleWaits(stage: SendStage | undefined): void;
  /** It gets nothing more from the group; the reason is for people. */
  handleLeft(reason: string): void;
}

export interface GroupContentOptions {
  readonly key: GroupKey;
  readonly native: NativeApi;
  /** `off` unless all receivers can open it. */
  readonly compress: CompressMode;
  /** Of each receiver. */
  readonly limit?: SendLimit | undefined;
  /** A receiver that holds the others up for so long without any progress is left out. */
  readonly patienceMs: number;
}

/** One receiver's place in a group, for the transfer to it. */
export interface GroupSeat {
  readonly offer: GroupOffer;
  /** Gives it to the transfer. False where the group has given it up. */
  take(member: GroupMember): boolean;
  /** Something of the member has changed. */
  handleChange(): void;
  /** It has got on: something was acknowledged. */
  handleProgress(): void;
  /** `isDone`: its receiver has all that was sent. */
  leave(isDone: boolean): void;
}

interface Seat {
  readonly stream: Stream;
  /** undefined until its transfer begins. */
  member: GroupMember | undefined;
}

/**
 * Content that goes to several receivers in the same records, sealed once (DESIGN §6). Each of them has a transfer of
 * its own, with its own manifest, window and numbers; the group sends a piece when it is the next one for all of them,
 * under the number that it has for all. Whose transfer goes another way, who is lost and who keeps the others waiting
 * leaves the group: what that one lacks goes to it alone, sealed anew.
 */
export class GroupContent {
  readonly #options: GroupContentOptions;
  readonly #sender: GroupSender;
  readonly #compressor: ContentCompressor<Outgoing> | undefined;
  readonly #pace = new PaceCore();
  readonly #leaveLimit: (() => void) | undefined;
  readonly #laggards: LaggardCore<Seat>;
  readonly #waits = new StageWaits();
  readonly #seats = new Set<Seat>();
  /** Who is to be told the digest of a record. */
  readonly #takers = new Map<number, readonly Seat[]>();
  #pumping = false;
  #again = false;
  /** As it was found when something was to be sent last. */
  #isPaused = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GroupContentOptions) {
    const { key, native, compress, limit, patienceMs } = options;
    this.#options = options;
    if (compress !== 'off') this.#compressor = new ContentCompressor(compress, native.seal);
    this.#leaveLimit = limit?.onChange(() => {
      this.#setPace();
      this.#pump();
    });
    this.#laggards = new LaggardCore(patienceMs);
    this.#sender = new GroupSender(key, native, {
      onRoom: () => this.#pump(),
      onDigest: (number, digest) => this.#handleDigest(number, digest),
      onStreamEnd: (stream, { message }) => {
        for (const seat of this.#seats) if (seat.stream === stream) this.#giveUp(seat, message);
      },
      onFailed: ({ message }) => {
        for (const seat of this.#seats) this.#giveUp(seat, message);
      },
    });
  }

  /** Another receiver, which hears the group on this stream. Nothing is sent before all seats are taken or given up. */
  seat(lane: number, stream: Stream): GroupSeat {
    const seat: Seat = { stream, member: undefined };
    this.#seats.add(seat);
    this.#setPace();
    if (!this.#sender.streams.has(stream)) this.#sender.add(stream);
    this.#pump();
    return {
      offer: { ...this.#options.key, lane },
      take: (member) => {
        if (!this.#seats.has(seat)) return false;
        seat.member = member;
        return true;
      },
      handleChange: () => this.#pump(),
      handleProgress: () => this.#laggards.handleProgress(seat, performance.now()),
      leave: (isDone) => {
        this.#remove(seat, isDone);
        this.#pump();
      },
    };
  }

  /** Whoever still has a seat gets nothing more. */
  close(): void {
    this.#seats.clear();
    this.#sender.abort();
    this.#leaveLimit?.();
    clearTimeout(this.#timer);
  }

  /** What is sent once may go as fast as what they would get one by one. */
  #setPace(): void {
    const { bytesPerSecond } = this.#options.limit ?? {};
    const rate = bytesPerSecond === undefined ? undefined : bytesPerSecond * this.#seats.size;
    this.#pace.setRate(rate, performance.now());
  }

  /** A stream that nobody hears any more ends: behind what was sent, or at once. */
  #remove(seat: Seat, isDone: boolean): void {
    if (!this.#seats.delete(seat)) return;
    this.#setPace();
    if ([...this.#seats].some(({ stream }) => stream === seat.stream)) return;
    if (isDone) this.#sender.end(seat.stream);
    else this.#sender.remove(seat.stream);
  }

  #giveUp(seat: Seat, reason: string): void {
    if (!this.#seats.has(seat)) return;
    this.#remove(seat, false);
    seat.member?.handleLeft(reason);
    this.#pump();
  }

  /** Sends as long as all of them can take more. */
  #pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#again) {
      this.#again = false;
      while (this.#sendNext());
      this.#look();
    }
    this.#pumping = false;
  }

  #sendNext(): boolean {
    const members = this.#active;
    this.#isPaused = this.#pace.waitMs(performance.now()) > 0;
    if (this.#isPaused || members.size === 0 || members.size < this.#open.length) return false;
    const isHeld = !this.#sender.hasRoom || [...members.values()].some(({ hasWindow }) => !hasWindow);
    if (isHeld) return false;
    const piece = commonPiece(new Map([...members].map(([seat, { heads }]) => [seat, heads])));
    if (!piece) return false;
    for (const seat of piece.differing) this.#giveUp(seat, differs);
    return this.#send(piece, members);
  }

  /** Those to whom something is left to be sent. */
  get #open(): readonly Seat[] {
    return [...this.#seats].filter(({ member }) => !member?.isExhausted);
  }

  /** Of those, the ones that can be sent to. */
  get #active(): ReadonlyMap<Seat, GroupMember> {
    const members = new Map<Seat, GroupMember>();
    for (const seat of this.#open) if (seat.member?.isReady) members.set(seat, seat.member);
    return members;
  }

  #send({ kind, agreeing }: CommonPiece<Seat>, members: ReadonlyMap<Seat, GroupMember>): boolean {
    const sizes = [...members.values()].map(({ recordBytes }) => recordBytes);
    const most = Math.floor(Math.min(this.#pace.recordBytes, ...sizes));
    const taken: { seat: Seat; member: GroupMember; dispatch: Dispatch<Outgoing> }[] = [];
    for (const seat of agreeing) {
      const member = members.get(seat);
      const dispatch = member?.take(kind, most);
      if (member && dispatch?.number === this.#sender.count) taken.push({ seat, member, dispatch });
      else this.#giveUp(seat, differs);
    }
    const [first] = taken;
    if (!first) return false;
    const { dispatch } = first;
    const { source, bytes } = dispatch.piece;
    this.#takers.set(
      dispatch.number,
      taken.map(({ seat }) => seat),
    );
    const streams = this.#sender.streams.size;
    this.#pace.reserve(bytes * streams, performance.now());
    this.#sender.sendContent(contentJob(dispatch, this.#compressor), (error, read, problems, sealedBytes) => {
      const sealed = { error, bytes: read, problems, sealedBytes };
      if (sealedBytes < read) this.#pace.reserve((sealedBytes - read) * streams, performance.now());
      const sent = sentBytes(source, sealed) * streams;
      for (const { member, dispatch: own } of taken)
        member.handleSealed(own, sealed, member === first.member ? sent : 0);
    });
    return true;
  }

  #handleDigest(number: number, digest: Uint8Array): void {
    for (const seat of this.#takers.get(number) ?? [])
      if (this.#seats.has(seat)) seat.member?.handleDigest(number, digest);
    this.#takers.delete(number);
  }

  /** Nothing more can be sent now: says what is waited for, and gives up who is waited for in vain. */
  #look(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    const stage = this.#stage();
    this.#waits.handle(stage, now);
    for (const { member } of this.#seats) member?.handleWaits(stage);
    const { network, limit, seal: sealMs } = this.#waits.ms;
    const rates = [...this.#seats].map(({ member }) => member?.bytesPerSecond ?? 0);
    const bytesPerSecond = Math.min(Infinity, ...rates);
    this.#compressor?.handle({ networkMs: network + limit, sealMs, bytesPerSecond }, now);
    const laggard = this.#laggards.handleBlocking(this.#blocking(), now);
    if (laggard) this.#giveUp(laggard, lags(this.#options.patienceMs));
    const goesOnAt = this.#isPaused ? now + this.#pace.waitMs(now) : Infinity;
    const next = Math.min(this.#laggards.nextWakeup ?? Infinity, goesOnAt);
    if (next < Infinity) this.#timer = setTimeout(() => this.#pump(), Math.max(1, next - now));
  }

  #stage(): SendStage | undefined {
    if (this.#open.length === 0)
      return [...this.#seats].some(({ member }) => member?.inFlightBytes) ? 'window' : undefined;
    if (this.#isPaused) return 'limit';
    if (this.#sender.isFull) return 'network';
    if (!this.#sender.hasRoom) return 'seal';
    const members = [...this.#active.values()];
    return members.every(({ hasWindow }) => hasWindow) ? 'source' : 'window';
  }

  /** Those for whom the others wait, or who have not said for long that they have got what is theirs. */
  #blocking(): ReadonlySet<Seat> {
    const open = this.#open;
    const waiting = open.filter(({ member }) => !member?.isReady || !member.hasWindow);
    if (waiting.length > 0) return new Set(waiting);
    if (open.length === 0) return new Set([...this.#seats].filter(({ member }) => member?.inFlightBytes));
    if (this.#sender.isFull) return new Set(this.#furthestBehind());
    const without = (...kinds: readonly PieceKind[]) =>
      open.filter(({ member }) => kinds.every((kind) => !member?.heads[kind]));
    const empty = without('pack', 'file');
    if (empty.length > 0) return new Set(empty.length < open.length ? empty : []);
    // Some have a pack alone and some a file alone: soon all have both.
    return new Set(without('file').length > 0 ? without('pack') : []);
  }

  /** On a stream that several hear it shows only by this which of them does not read. */
  #furthestBehind(): Seat[] {
    let furthest: Seat | undefined;
    for (const seat of this.#seats) {
      const bytes = seat.member?.inFlightBytes ?? 0;
      if (this.#sender.isStreamFull(seat.stream) && bytes > (furthest?.member?.inFlightBytes ?? 0))
        furthest = seat;
    }
    return furthest ? [furthest] : [];
  }
}

const differs = 'what is next for this receiver is not what is next for the others';

const lags = (patienceMs: number) => `the receiver has kept the others waiting for ${patienceMs / 1000} s`;
