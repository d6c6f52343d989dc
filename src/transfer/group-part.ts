import { recordDigestBytes } from '../session/group-lane.js';
import { transferDefaults } from '../config/index.js';
import type { Sealed } from './content-jobs.js';
import type { ContentSupply, Outgoing } from './content-supply.js';
import type { GroupMember, GroupSeat } from './group-content.js';
import type { GroupHeads, PieceKind } from './group-heads.js';
import type { TransferMessage } from './messages.js';
import { OutgoingFile } from './outgoing-file.js';
import type { Dispatch, Piece, SchedulerCore } from './scheduler-core.js';
import type { SendStage } from './stage-waits.js';

export interface GroupPartOptions {
  /** Its place. */
  readonly seat: GroupSeat;
  readonly scheduler: SchedulerCore<Outgoing>;
  readonly supply: ContentSupply;
  say(message: TransferMessage): void;
  onSealed(dispatch: Dispatch<Outgoing>, sealed: Sealed, sent: number): void;
  onWaits(stage: SendStage | undefined): void;
  /** What was sent was also told. */
  onTold(): void;
  onLeft(reason: string): void;
}

/**
 * One transfer's part in a group. To its scheduler the group is a lane: what is sent there is under way on it, and goes
 * again on the others when it is lost.
 */
export class GroupPart implements GroupMember {
  readonly #options: GroupPartOptions;
  readonly #lane: number;
  #cutting: { readonly kind: PieceKind; readonly mostBytes: number } | undefined;
  /** Digests that are not told yet. */
  #digests: Uint8Array[] = [];
  #told = 0;
  isReady = false;

  constructor(options: GroupPartOptions) {
    this.#options = options;
    this.#lane = options.seat.offer.lane;
  }

  get isExhausted(): boolean {
    return this.#options.supply.isExhausted;
  }

  get hasWindow(): boolean {
    return this.#options.scheduler.hasRoom;
  }

  get inFlightBytes(): number {
    return this.#options.scheduler.inFlightBytes;
  }

  get recordBytes(): number {
    return this.#options.scheduler.recordBytes(this.#lane);
  }

  get bytesPerSecond(): number {
    return this.#options.scheduler.bytesPerSecond;
  }

  get heads(): GroupHeads {
    return this.#options.supply.heads;
  }

  /** Whether the receiver can open all that was sent. */
  get isTold(): boolean {
    return this.#told === this.#options.scheduler.count;
  }

  take(kind: PieceKind, mostBytes: number): Dispatch<Outgoing> | undefined {
    this.#cutting = { kind, mostBytes };
    const dispatch = this.#options.scheduler.pollSend(this.#lane, performance.now());
    this.#cutting = undefined;
    const source = dispatch?.piece.source;
    if (source instanceof OutgoingFile) source.beginRead();
    return dispatch;
  }

  /** For the scheduler, while a piece is taken. */
  cut(): Piece<Outgoing> | undefined {
    const { supply } = this.#options;
    if (!this.#cutting) return undefined;
    return this.#cutting.kind === 'pack' ? supply.takePack() : supply.takeFile(this.#cutting.mostBytes);
  }

  handleSealed(dispatch: Dispatch<Outgoing>, sealed: Sealed, sent: number): void {
    this.#options.onSealed(dispatch, sealed, sent);
  }

  /** Those that come in the same turn of the loop share a message. */
  handleDigest(_number: number, digest: Uint8Array): void {
    this.#digests.push(digest);
    if (this.#digests.length === 1) setImmediate(() => this.#tell());
  }

  handleWaits(stage: SendStage | undefined): void {
    this.#options.onWaits(stage);
  }

  handleLeft(reason: string): void {
    this.#digests = [];
    this.#options.onLeft(reason);
  }

  #tell(): void {
    const most = Math.floor(transferDefaults.manifestBatchEntries);
    while (this.#digests.length > 0) {
      const digests = this.#digests.splice(0, most);
      const bytes = new Uint8Array(digests.length * recordDigestBytes);
      digests.forEach((digest, i) => bytes.set(digest, i * recordDigestBytes));
      this.#options.say({ type: 'sealed', from: this.#told, digests: bytes });
      this.#told += digests.length;
    }
    this.#options.onTold();
  }
}
