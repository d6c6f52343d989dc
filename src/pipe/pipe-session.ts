import { pipeDefaults } from '../config/pipe.js';
import { asXferError, XferError } from '../errors/index.js';
import type { SealedContent } from '../session/lane.js';
import { mostHeldRecords } from '../transfer/held-content.js';
import type { MeasuredTransfer } from '../transfer/send-options.js';
import type {
  Channel,
  ChannelRequest,
  Framing,
  IncomingChannel,
  PipeSession,
  PipeSessionOptions,
} from './channel.js';
import { breach, errorFrom, reasonFor, refusalCode, refusalFrom } from './channel-errors.js';
import { ChannelReader } from './channel-reader.js';
import { ChannelWriter } from './channel-writer.js';
import { ContentIn, type Owner } from './content-in.js';
import { ContentOut } from './content-out.js';
import { decodePipeMessage, encodePipeMessage, type PipeMessage } from './messages.js';
import { WindowSharesCore } from './window-shares-core.js';

/** Attaches to the session, which must just have been established: what came before is handled before this returns. */
export function pipeSession(options: PipeSessionOptions): PipeSession {
  return new ChannelledSession(options);
}

/** Credit that the control channel has no room for is told this much later. */
const creditRetryMs = 10;

/** A channel that is not over. */
interface OpenChannel {
  readonly id: number;
  readonly request: ChannelRequest;
  readonly writer: ChannelWriter | undefined;
  readonly reader: ChannelReader | undefined;
  /** Whether the listener has said that it is there. */
  isOpened: boolean;
  readonly opened: Promise<void>;
  /** It is, or will never be. */
  settleOpened(): void;
  framing: Framing;
}

/** Of one kind or another: what says of which channel something is. */
type OfChannel = Extract<PipeMessage, { readonly id: number }>;

class ChannelledSession implements PipeSession {
  readonly over: Promise<void>;
  readonly #options: PipeSessionOptions;
  readonly #channels = new Map<number, OpenChannel>();
  readonly #shares: WindowSharesCore;
  readonly #out: ContentOut;
  readonly #in: ContentIn;
  /** Readers whose credit waits for room in the control channel. */
  readonly #credits = new Set<ChannelReader>();
  #creditTimer: NodeJS.Timeout | undefined;
  /** Channels that there ever were; the id of the next one. */
  #count = 0;
  #writers = 0;
  /** The dialer has said that there will be no more. */
  #isEnding = false;
  #isFinished = false;
  #error: XferError | undefined;
  #settle: { resolve(): void; reject(error: XferError): void } | undefined;

  constructor(options: PipeSessionOptions) {
    this.#options = options;
    const { session, native, compress, limit, windowBytes = pipeDefaults.windowBytes } = options;
    this.over = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.over.catch(() => undefined);
    this.#shares = new WindowSharesCore(windowBytes);
    const say = (message: PipeMessage) => this.#say(message);
    const onFatal = (error: XferError) => this.abort(error);
    this.#out = new ContentOut({ session, native, compress, windowBytes, limit, onFatal });
    this.#in = new ContentIn({
      ...{ session, native, windowBytes, say, onFatal },
      ownerOf: (id) => this.#ownerOf(id),
      onArrived: () => this.#progress(),
    });
    this.#out.begin();
    session.attach({
      onControl: (body) => this.#guard(() => this.#handleMessage(decodePipeMessage(body))),
      onContent: (content) => this.#handleContent(content),
      onRoom: () => this.#out.pump(),
      onLane: (lane, state) => this.#out.handleLane(lane, state),
      onEnd: (error) => this.#handleEnd(error),
    });
  }

  get channelCount(): number {
    return this.#count;
  }

  get measured(): MeasuredTransfer {
    const { receivedBytes, networkMs } = this.#out;
    const [loads, arrived] = [new Map(this.#out.loads), this.#in.carried];
    let arrivedBytes = 0;
    for (const [lane, bytes] of arrived) {
      arrivedBytes += bytes;
      const load = loads.get(lane);
      if (load) loads.set(lane, { ...load, receivedBytes: load.receivedBytes + bytes });
    }
    const { windowBytes = pipeDefaults.windowBytes } = this.#options;
    let remainingBytes = 0;
    for (const { writer, reader } of this.#channels.values()) {
      remainingBytes += writer?.heldBytes ?? 0;
      // Nobody knows what is still to come: while anything may, it is worth a look for better ways.
      if (writer?.isOpen || reader?.isOpen) remainingBytes = Math.max(windowBytes, remainingBytes);
    }
    return { receivedBytes: receivedBytes + arrivedBytes, remainingBytes, networkMs, loads };
  }

  get carried(): ReadonlyMap<number, number> {
    const carried = new Map(this.#out.carried);
    for (const [lane, bytes] of this.#in.carried) carried.set(lane, (carried.get(lane) ?? 0) + bytes);
    return carried;
  }

  open(request: ChannelRequest): Channel {
    if (this.#options.role !== 'dialer' || this.#isEnding)
      throw new XferError('ERR_XFER_INTERNAL', 'no channel may be opened here any more');
    if (this.#error) throw this.#error;
    const channel = this.#add(request);
    if (!channel) throw new XferError('ERR_XFER_LIMIT', 'there are as many channels as one session has');
    const { id, reader } = channel;
    const { up, down, name } = request;
    this.#say({ type: 'open', id, ...(up && { up }), ...(down && { down }), ...(name && { name }) });
    reader?.open();
    return shownChannel(channel);
  }

  end(): Promise<void> {
    if (!this.#isEnding && !this.#error) {
      this.#isEnding = true;
      this.#say({ type: 'end', channels: this.#count });
      this.#finishIfOver();
    }
    return this.over;
  }

  abort(error: XferError): void {
    if (this.#error || this.#isFinished) return;
    this.#say({ type: 'abort', ...reasonFor(error) });
    this.#fail(error);
  }

  handleSuspect(lane: number, isSuspect: boolean): void {
    this.#out.handleSuspect(lane, isSuspect);
  }

  handleRest(lane: number, isResting: boolean): void {
    this.#out.handleRest(lane, isResting);
  }

  handleRoundTrip(lane: number, ms: number): void {
    this.#out.handleRoundTrip(lane, ms);
  }

  /** What the other side breaks ends the session, and it is told. */
  #guard(handle: () => void): void {
    if (this.#error) return;
    try {
      handle();
    } catch (error) {
      this.abort(asXferError(error));
    }
  }

  #handleContent(content: SealedContent): void {
    if (this.#error) content.release();
    else this.#guard(() => this.#in.handleContent(content));
  }

  #handleMessage(message: PipeMessage): void {
    switch (message.type) {
      case 'open':
        return this.#handleOpen(message);
      case 'received':
        this.#out.handleReceived(message.ranges);
        return this.#progress();
      case 'again':
        return this.#out.handleAgain(message.ranges);
      case 'end':
        return this.#handleEndMessage(message.channels);
      case 'abort':
        return this.#fail(errorFrom(message));
      default:
        return this.#handleOfChannel(message);
    }
  }

  #handleOfChannel(message: Exclude<OfChannel, { type: 'open' }>): void {
    const { id } = message;
    if (id >= this.#count) throw breach(`it says ${message.type} of no channel`);
    const channel = this.#channels.get(id);
    // What was on its way when it ended.
    if (!channel) return;
    const isDialer = this.#options.role === 'dialer';
    if (message.type === 'opened' || message.type === 'refused') {
      if (!isDialer || channel.isOpened) throw breach(`it says ${message.type} of what it may not`);
      if (message.type === 'opened') this.#handleOpened(channel, message.down);
      else failBoth(channel, refusalFrom(message));
      return;
    }
    const isOfWriter = message.type === 'finish' || message.type === 'reset';
    const half = isOfWriter ? channel.reader : channel.writer;
    if (!half) throw breach(`it says ${message.type} of a way that a channel has not`);
    if (message.type === 'finish') channel.reader?.handleFinish(message.bytes);
    else if (message.type === 'reset') channel.reader?.handleReset(message);
    else if (message.type === 'credit') channel.writer?.handleCredit(message.limit);
    else if (message.type === 'delivered') channel.writer?.handleDelivered();
    else channel.writer?.handleStop(message);
  }

  #handleOpen({ id, up, down, name }: Extract<PipeMessage, { type: 'open' }>): void {
    if (this.#options.role !== 'listener' || this.#isEnding || id !== this.#count || (!up && !down))
      throw breach('it opens a channel that it may not');
    const request = { ...(up && { up }), ...(down && { down }), ...(name !== undefined && { name }) };
    const channel = this.#add(request);
    const { onChannel } = this.#options;
    if (!channel || !onChannel) {
      if (!channel) this.#count++;
      const limit = new XferError('ERR_XFER_LIMIT', 'there are as many channels as one session has');
      const why = channel ? new XferError('ERR_XFER_REFUSED', 'no channels are taken here') : limit;
      this.#refuse(id, channel, why);
      return this.#in.handleOpened(id);
    }
    this.#in.handleOpened(id);
    onChannel(this.#incoming(channel));
  }

  #incoming(channel: OpenChannel): IncomingChannel {
    const { id, request, reader } = channel;
    return {
      id,
      request,
      accept: (down) => {
        if (!channel.isOpened && this.#channels.has(id)) {
          channel.isOpened = true;
          channel.settleOpened();
          this.#say({ type: 'opened', id, ...(request.down && { down: down ?? 'bytes' }) });
          reader?.open();
        }
        reader?.show();
        return shownChannel(channel);
      },
      refuse: (error) => {
        if (!channel.isOpened && this.#channels.has(id)) this.#refuse(id, channel, error);
      },
    };
  }

  #refuse(id: number, channel: OpenChannel | undefined, error: XferError): void {
    this.#say({ type: 'refused', id, code: refusalCode(error), ...reasonFor(error) });
    if (channel) failBoth(channel, error);
  }

  #handleOpened(channel: OpenChannel, down: Framing | undefined): void {
    if ((down !== undefined) !== (channel.request.down ?? false))
      throw breach('it opens another way of a channel than was asked for');
    channel.isOpened = true;
    channel.framing = down ?? 'bytes';
    channel.settleOpened();
    channel.reader?.show();
  }

  #handleEndMessage(channels: number): void {
    if (this.#options.role !== 'listener' || this.#isEnding || channels !== this.#count)
      throw breach('it ends a session that it may not');
    this.#isEnding = true;
    this.#finishIfOver();
  }

  /** undefined where there is no room for another. */
  #add(request: ChannelRequest): OpenChannel | undefined {
    if (this.#channels.size >= pipeDefaults.maxChannels) return undefined;
    const isDialer = this.#options.role === 'dialer';
    const writes = isDialer ? request.up !== undefined : request.down === true;
    const reads = isDialer ? request.down === true : request.up !== undefined;
    const window = reads ? this.#shares.add() : undefined;
    if (reads && !window) return undefined;
    const id = this.#count++;
    const say = (message: PipeMessage) => this.#say(message);
    const onOver = () => this.#handleHalfOver(id);
    const reader =
      window &&
      new ChannelReader({
        ...{ id, window, say, onOver, mostGaps: mostHeldRecords },
        onRoom: (from) => this.#tellCredit(id, from),
        onDelivered: () => this.#in.flush(),
        onClosed: (islands) => this.#in.handleClosed(islands),
      });
    const writer = writes
      ? new ChannelWriter({
          ...{ id, say },
          windowBytes: () => this.#writerWindowBytes,
          isDetached: () => this.#options.session.lanes.length === 0,
          onSendable: (from) => this.#out.handleSendable(from),
          onOver: () => {
            this.#writers--;
            onOver();
          },
        })
      : undefined;
    if (writer) this.#writers++;
    const framing = (isDialer ? undefined : request.up) ?? 'bytes';
    let settleOpened = (): void => undefined;
    const opened = new Promise<void>((resolve) => (settleOpened = resolve));
    const channel = { id, request, writer, reader, isOpened: false, opened, settleOpened, framing };
    this.#channels.set(id, channel);
    return channel;
  }

  /** What all writers hold keeps to a bound as well. */
  get #writerWindowBytes(): number {
    const { windowBytes = pipeDefaults.windowBytes } = this.#options;
    const share = Math.max(windowBytes, pipeDefaults.maxSessionWindowBytes) / Math.max(1, this.#writers);
    return Math.floor(Math.max(pipeDefaults.firstCreditBytes, Math.min(windowBytes, share)));
  }

  #ownerOf(id: number): Owner {
    if (id >= this.#count) {
      const isAhead = this.#options.role === 'listener' && !this.#isEnding;
      return isAhead && id < this.#count + pipeDefaults.maxChannels ? 'ahead' : undefined;
    }
    const channel = this.#channels.get(id);
    return channel ? channel.reader : 'over';
  }

  #tellCredit(id: number, reader: ChannelReader): void {
    if (!this.#options.session.hasControlRoom) {
      this.#credits.add(reader);
      this.#creditTimer ??= setTimeout(() => this.#tellCredits(), creditRetryMs);
      return;
    }
    const limit = reader.pollCredit();
    if (limit !== undefined) this.#say({ type: 'credit', id, limit });
  }

  #tellCredits(): void {
    this.#creditTimer = undefined;
    const waiting = [...this.#credits];
    this.#credits.clear();
    for (const reader of waiting) this.#tellCredit(reader.id, reader);
  }

  #handleHalfOver(id: number): void {
    const channel = this.#channels.get(id);
    if (!channel || !(channel.writer?.isOver ?? true) || !(channel.reader?.hasEnded ?? true)) return;
    this.#channels.delete(id);
    channel.settleOpened();
    this.#progress();
    this.#finishIfOver();
  }

  /** An end that was said is in order when all channels are over. */
  #finishIfOver(): void {
    if (!this.#isEnding || this.#channels.size > 0 || this.#isFinished || this.#error) return;
    this.#isFinished = true;
    this.#options.session.finish();
    this.#close();
  }

  #handleEnd(error: XferError | undefined): void {
    // All that there was is delivered: how its lanes went does not matter any more.
    if (this.#isFinished) return this.#settle?.resolve();
    this.#fail(error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left before the end'));
  }

  #fail(error: XferError): void {
    if (this.#error || this.#isFinished) return;
    this.#error = error;
    this.#close();
    for (const channel of [...this.#channels.values()]) failBoth(channel, error);
    this.#options.session.finish();
    this.#settle?.reject(error);
    this.#progress();
  }

  #close(): void {
    clearTimeout(this.#creditTimer);
    this.#credits.clear();
    this.#out.close();
    this.#in.close();
  }

  #progress(): void {
    this.#options.onProgress?.();
  }

  #say(message: PipeMessage): void {
    if (!this.#error) this.#options.session.sendControl(encodePipeMessage(message));
  }
}

function failBoth({ writer, reader }: OpenChannel, error: XferError): void {
  writer?.fail(error);
  reader?.fail(error);
}

/** As whoever uses it sees it; how it is cut may be told later. */
function shownChannel(channel: OpenChannel): Channel {
  const { id, request, writer, reader, opened } = channel;
  return {
    ...{ id, opened },
    ...(writer && { writer }),
    ...(reader && { reader }),
    get framing() {
      return channel.framing;
    },
    ...(request.name !== undefined && { name: request.name }),
  };
}
