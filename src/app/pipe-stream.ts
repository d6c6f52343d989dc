import { XferError } from '../errors/index.js';
import type { Channel, ChannelRequest, Framing, IncomingChannel } from '../pipe/channel.js';
import type { Endpoint, EndpointUse, PipeSource } from '../pipe/endpoint.js';
import { carry, carryBoth, sentFraming, type CarryOptions, type PipeIn, type PipeOut } from './carry.js';
import type { Opening } from './lost-channel.js';
import type { LocalPlace } from './pipe-place.js';
import { unlessAborted } from './unless-aborted.js';

/** An open end of a stream: what it was opened for. */
export interface PipeEnd {
  readonly out?: PipeOut;
  readonly in?: PipeIn;
  /** Of another machine: resolves when it has said how what it gives is cut, or when it will not. */
  readonly opened?: Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** An end that a stream will open. */
export interface StreamEnd {
  /** Those of other machines are opened last, when it is known how what goes there is cut: of two who has come last of all. */
  readonly at: 'here' | 'dialled' | 'incoming';
  /** How what has come from there is cut, where that is known already. */
  readonly framing?: Framing | undefined;
  open(use: EndpointUse, framing: Framing, signal: AbortSignal): Promise<PipeEnd>;
}

export interface StreamOptions extends CarryOptions {
  readonly duplex: boolean;
  /** Aborting it ends it while its ends are not all open; later each end says what becomes of it. */
  readonly opening: AbortSignal;
}

/** Opens its ends, carries everything, and closes them. Rejects with the XferError that ended it. */
export async function runStream(
  from: readonly StreamEnd[],
  to: readonly StreamEnd[],
  options: StreamOptions,
): Promise<void> {
  const { duplex } = options;
  const opened = new Map<StreamEnd, PipeEnd>();
  const stop = new AbortController();
  const end = () => stop.abort(options.signal.reason);
  options.signal.addEventListener('abort', end, { once: true });
  if (options.signal.aborted) end();
  try {
    await openAll(from, to, opened, stop, options);
    const [outs, ins] = [from, to].map((ends) => ends.flatMap((end) => opened.get(end) ?? [])) as [
      PipeEnd[],
      PipeEnd[],
    ];
    const outOf = (ends: readonly PipeEnd[]) => ends.flatMap((end) => end.out ?? []);
    const inOf = (ends: readonly PipeEnd[]) => ends.flatMap((end) => end.in ?? []);
    if (!duplex) return await carry(outOf(outs), inOf(ins), options);
    const ways = [
      [outOf(outs), inOf(ins)],
      [outOf(ins), inOf(outs)],
    ] as const;
    await carryBoth(
      ways.flatMap(([[out], [into]]) => (out && into ? [[out, into] as const] : [])),
      options,
    );
  } finally {
    // It may belong to a listener that outlives any number of streams.
    options.signal.removeEventListener('abort', end);
    await Promise.all([...opened.values()].map((one) => one.close()));
  }
}

async function openAll(
  from: readonly StreamEnd[],
  to: readonly StreamEnd[],
  opened: Map<StreamEnd, PipeEnd>,
  stop: AbortController,
  { duplex, framing, opening }: StreamOptions,
): Promise<void> {
  const leave = () => stop.abort(opening.reason);
  opening.addEventListener('abort', leave, { once: true });
  if (opening.aborted) leave();
  const open = async (ends: readonly StreamEnd[], use: EndpointUse, cut: Framing) => {
    for (const one of ends) {
      stop.signal.throwIfAborted();
      opened.set(one, await one.open(duplex ? 'both' : use, cut, stop.signal));
    }
  };
  const of = (ends: readonly StreamEnd[], at: StreamEnd['at']) => ends.filter((end) => end.at === at);
  try {
    await open(of(from, 'here'), 'source', 'bytes');
    await open(of(to, 'here'), 'sink', 'bytes');
    const source = [...opened.values()].map(sourceOf).find((found) => found !== undefined);
    const incoming = [...of(from, 'incoming'), ...of(to, 'incoming')];
    const isSent = source && [...from, ...to].some(({ at }) => at !== 'here');
    const cut = isSent ? sentFraming(source, framing) : (incoming[0]?.framing ?? framing ?? 'bytes');
    await open(of(from, 'dialled'), 'source', cut);
    await open(of(to, 'dialled'), 'sink', cut);
    if (incoming.length > 0) {
      // What comes from the next machine goes on to who has come: it is told how that is cut.
      const next = [...of(from, 'dialled'), ...of(to, 'dialled')].flatMap((end) => opened.get(end) ?? []);
      await unlessAborted(stop.signal, Promise.all(next.flatMap(({ opened: there }) => there ?? [])));
      const behind = next.map(({ out }) => out).find((out) => out?.kind === 'remote');
      const down = behind?.kind === 'remote' ? behind.framing : cut;
      await open(of(from, 'incoming'), 'source', down);
      await open(of(to, 'incoming'), 'sink', down);
    }
  } finally {
    opening.removeEventListener('abort', leave);
  }
}

const sourceOf = ({ out }: PipeEnd): PipeSource | undefined =>
  out?.kind === 'local' ? out.source : undefined;

/** A place of this machine, opened anew for each stream. */
export function localEnd(place: LocalPlace): StreamEnd {
  return { at: 'here', open: async (use, _cut, signal) => endpointEnd(await place.open(use, signal)) };
}

/** Somebody who has come to an endpoint that accepts. */
export function acceptedEnd(endpoint: Endpoint): StreamEnd {
  return { at: 'here', open: () => Promise.resolve(endpointEnd(endpoint)) };
}

/** A channel of its own in a session that this side has dialled; `onDelivered` when the other side has all that went one way to it. */
export function dialledEnd(pipes: Opening, name?: string, onDelivered?: () => void): StreamEnd {
  const named = name === undefined ? {} : { name };
  const openWriter = (request: ChannelRequest) => {
    const writer = writerOf(pipes.open(request));
    writer.done.then(onDelivered, () => undefined);
    return writer;
  };
  const open = (use: EndpointUse, cut: Framing): PipeEnd => {
    if (use === 'sink')
      return {
        in: { kind: 'remote', isOpen: false, open: (up) => openWriter({ up, ...named }) },
        close: () => Promise.resolve(),
      };
    const up = use === 'both' ? { up: cut } : {};
    return channelEnd(pipes.open({ ...up, down: true, ...named }));
  };
  return { at: 'dialled', open: (use, cut) => Promise.resolve().then(() => open(use, cut)) };
}

/** A channel that the other side has asked for. */
export function incomingEnd(incoming: IncomingChannel, onAccepted: () => void): StreamEnd {
  const open = (cut: Framing): PipeEnd => {
    onAccepted();
    return channelEnd(incoming.accept(incoming.request.down ? cut : undefined));
  };
  return {
    at: 'incoming',
    framing: incoming.request.up,
    open: (_use, cut) => Promise.resolve().then(() => open(cut)),
  };
}

function endpointEnd(endpoint: Endpoint): PipeEnd {
  const { source, sink } = endpoint;
  return {
    ...(source ? { out: { kind: 'local', source } } : {}),
    ...(sink ? { in: { kind: 'local', sink } } : {}),
    close: () => endpoint.close(),
  };
}

function channelEnd(channel: Channel): PipeEnd {
  const { reader, writer, opened } = channel;
  // How it is cut is known when the other side has said so, which is before its content.
  const out: PipeOut | undefined = reader && {
    kind: 'remote',
    reader,
    get framing() {
      return channel.framing;
    },
  };
  return {
    ...(out ? { out } : {}),
    ...(writer ? { in: { kind: 'remote', isOpen: true, open: () => writer } } : {}),
    ...(reader ? { opened } : {}),
    close: () => Promise.resolve(),
  };
}

function writerOf({ writer }: Channel): NonNullable<Channel['writer']> {
  if (!writer) throw new XferError('ERR_XFER_INTERNAL', 'a channel that goes up has no writer');
  return writer;
}
