import { pipeDefaults } from '../config/pipe.js';
import { asXferError, type XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import type { Session } from '../session/session.js';
import { openBodyOf } from '../session/small-body.js';
import { Acknowledger } from '../transfer/acknowledger.js';
import { ClaimsCore } from '../transfer/claims-core.js';
import { inflate } from '../transfer/content-inflater.js';
import { mostHeldRecords } from '../transfer/held-content.js';
import { compressedLayout } from '../transfer/lz4.js';
import type { ChannelReader } from './channel-reader.js';
import { breach } from './channel-errors.js';
import type { PipeMessage } from './messages.js';

/** Records that did not verify, before the session is given up: once may be an accident. */
const mostTampered = 1;

const beyondCredit = 'it sends more than it has credit for';

/** Whose content a record has: of a channel that is there, of one that is over, of one that may come, or of none. */
export type Owner = ChannelReader | 'over' | 'ahead' | undefined;

export interface ContentInOptions {
  readonly session: Session;
  readonly native: NativeApi;
  readonly windowBytes: number;
  say(message: PipeMessage): void;
  ownerOf(id: number): Owner;
  /** Something came. */
  onArrived(): void;
  /** The session cannot go on. */
  onFatal(error: XferError): void;
}

/** What comes in all channels: takes each record once, whatever lane brings it, opens it on the pool and gives it to its reader. */
export class ContentIn {
  readonly #options: ContentInOptions;
  readonly #claims = new ClaimsCore(mostHeldRecords);
  readonly #acknowledger: Acknowledger;
  /** Content of channels that are not opened yet: its lane was faster than that of the message. */
  readonly #early = new Map<number, SealedContent[]>();
  readonly #carried = new Map<number, number>();
  readonly #mostUnplacedBytes: number;
  /** Records that are not acknowledged, and the bytes of those whose place is not claimed. */
  #records = 0;
  #unplacedBytes = 0;
  #islands = 0;
  #tampered = 0;
  #over = false;

  constructor(options: ContentInOptions) {
    this.#options = options;
    const { session, windowBytes, say } = options;
    this.#mostUnplacedBytes = Math.max(windowBytes, pipeDefaults.maxSessionWindowBytes);
    this.#acknowledger = new Acknowledger(session, say, windowBytes / 4);
  }

  /** Content that came on each lane, those that are gone included. */
  get carried(): ReadonlyMap<number, number> {
    return this.#carried;
  }

  /** Throws a breach. */
  handleContent(content: SealedContent): void {
    const { number, bodyBytes, layout, entry } = content.header;
    if (this.#over) return content.release();
    if (layout !== 0 && layout !== compressedLayout) return this.#refuse(content, 'its content has a layout');
    const claim = this.#claims.claim(number);
    if (claim === 'copy') return content.release();
    if (claim === 'full' || this.#records >= mostHeldRecords)
      return this.#refuse(content, 'it sends more records than were acknowledged');
    this.#carried.set(content.lane, (this.#carried.get(content.lane) ?? 0) + bodyBytes);
    this.#records++;
    const owner = this.#options.ownerOf(entry);
    if (owner === 'ahead') this.#park(content);
    else this.#take(owner, content);
  }

  /** The channel is opened, or refused. */
  handleOpened(id: number): void {
    const early = this.#early.get(id);
    for (let content = early?.shift(); content; content = early?.shift()) {
      this.#unplacedBytes -= content.header.bodyBytes;
      this.#take(this.#options.ownerOf(id), content);
    }
    this.#early.delete(id);
  }

  /** A reader is over that had so many islands. */
  handleClosed(islands: number): void {
    this.#islands -= islands;
  }

  /** All that is verified is told now. */
  flush(): void {
    this.#acknowledger.flush();
  }

  close(): void {
    this.#over = true;
    this.#acknowledger.close();
    for (const contents of this.#early.values()) for (const content of contents) content.release();
    this.#early.clear();
  }

  #take(owner: Owner, content: SealedContent): void {
    if (owner === undefined) return this.#refuse(content, 'it sends content of no channel');
    const { bodyBytes, layout } = content.header;
    // An empty one says that what was in it is not wanted any more.
    if (bodyBytes === 0 || typeof owner !== 'object' || owner.isOver) {
      content.release();
      return this.#settle(content);
    }
    if (layout === compressedLayout) this.#inflate(owner, content);
    else this.#open(owner, content);
  }

  #open(reader: ChannelReader, content: SealedContent): void {
    const { offset, bodyBytes } = content.header;
    try {
      this.#claim(reader, offset, bodyBytes);
    } catch (error) {
      content.release();
      throw error;
    }
    openBodyOf(this.#options.native, content, (error, bytes) => {
      if (error) {
        this.#claim(reader, offset, -bodyBytes);
        this.#handleUnopened(content, asXferError(error));
      } else this.#put(reader, content, bytes);
    });
  }

  /** Its place is claimed when it is known how much it grows. */
  #inflate(reader: ChannelReader, content: SealedContent): void {
    const { offset, bodyBytes } = content.header;
    this.#unplace(content);
    const mayGrow = (grown: number): boolean => {
      this.#claim(reader, offset, bodyBytes + grown);
      return true;
    };
    inflate(this.#options.native.seal, content, mayGrow).then(
      (plain) => {
        this.#unplacedBytes -= bodyBytes;
        this.#put(reader, plain, plain.body);
      },
      (error: unknown) => {
        this.#unplacedBytes -= bodyBytes;
        this.#handleUnopened(content, asXferError(error));
      },
    );
  }

  /** Throws a breach; a negative count gives it back. */
  #claim(reader: ChannelReader, offset: number, bytes: number): void {
    const before = reader.islands;
    if (bytes < 0) reader.giveBack(offset, -bytes);
    else reader.claim(offset, bytes);
    this.#islands += reader.islands - before;
    if (bytes > 0 && this.#islands > 2 * mostHeldRecords + pipeDefaults.maxChannels)
      throw breach('it leaves too many gaps');
  }

  #put(reader: ChannelReader, content: SealedContent, bytes: Uint8Array): void {
    if (this.#over) return content.release();
    this.#settle(content);
    reader.put(content.header.offset, { bytes, release: () => content.release() });
    this.#options.onArrived();
  }

  #settle(content: SealedContent): void {
    this.#records--;
    this.#acknowledger.add(content.header.number, content.header.bodyBytes);
  }

  /** A record that did not verify comes again, once. */
  #handleUnopened(content: SealedContent, error: XferError): void {
    content.release();
    if (this.#over) return;
    if (error.code !== 'ERR_XFER_TAMPERED' || this.#tampered++ >= mostTampered)
      return this.#options.onFatal(error);
    const { number } = content.header;
    this.#records--;
    this.#claims.giveBack(number);
    this.#options.say({ type: 'again', ranges: [[number, number + 1]] });
  }

  #park(content: SealedContent): void {
    const { entry, offset, bodyBytes } = content.header;
    if (offset + bodyBytes > pipeDefaults.firstCreditBytes) this.#refuse(content, beyondCredit);
    this.#unplace(content);
    const early = this.#early.get(entry);
    if (early) early.push(content);
    else this.#early.set(entry, [content]);
  }

  /** Holds content that has no place yet. */
  #unplace(content: SealedContent): void {
    this.#unplacedBytes += content.header.bodyBytes;
    if (this.#unplacedBytes > this.#mostUnplacedBytes) this.#refuse(content, beyondCredit);
  }

  #refuse(content: SealedContent, what: string): never {
    content.release();
    throw breach(what);
  }
}
