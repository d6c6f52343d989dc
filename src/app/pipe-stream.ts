import { XferError } from '../errors/index.js';
import type { Channel, Framing, IncomingChannel, PipeSession } from '../pipe/channel.js';
import type { Endpoint, EndpointUse, PipeSource } from '../pipe/endpoint.js';
import { carry, carryBoth, framingOf, type CarryOptions, type PipeIn, type PipeOut } from './carry.js';
import type { LocalPlace } from './pipe-place.js';

/** An open end of a stream: what it was opened for. */
export interface PipeEnd {
  readonly out?: PipeOut;
  readonly in?: PipeIn;
  /** Never rejects. */
  close(): Promise<void>;
}

/** An end that a stream will open. */
export interface StreamEnd {
  /** Those of other machines are opened last, when it is known how what goes there is cut. */
  readonly isRemote: boolean;
  open(use: EndpointUse, framing: Framing, signal: AbortSignal): Promise<PipeEnd>;
}

export interface StreamOptions extends Omit<CarryOptions, 'lost'> {
  readonly duplex: boolean;
  /**
   * A session of it has ended. Aborting it ends it while its ends are not all open; later it only says that nothing more can
   * be read, and each end what becomes of it.
   */
  readonly opening: AbortSignal;
}

/** Opens its ends, carries everything, and closes them. Rejects with the XferError that ended it. */
export async function runStream(
  from: readonly StreamEnd[],
  to: readonly StreamEnd[],
  options: StreamOptions,
): Promise<void> {
  const { duplex, opening: lost } = options;
  const carried = { ...options, lost };
  const opened = new Map<StreamEnd, PipeEnd>();
  try {
    await openAll(from, to, opened, options);
    const [outs, ins] = [from, to].map((ends) => ends.flatMap((end) => opened.get(end) ?? [])) as [
      PipeEnd[],
      PipeEnd[],
    ];
    const outOf = (ends: readonly PipeEnd[]) => ends.flatMap((end) => end.out ?? []);
    const inOf = (ends: readonly PipeEnd[]) => ends.flatMap((end) => end.in ?? []);
    if (!duplex) return await carry(outOf(outs), inOf(ins), carried);
    const ways = [
      [outOf(outs), inOf(ins)],
      [outOf(ins), inOf(outs)],
    ] as const;
    await carryBoth(
      ways.flatMap(([[out], [into]]) => (out && into ? [[out, into] as const] : [])),
      carried,
    );
  } finally {
    await Promise.all([...opened.values()].map((end) => end.close()));
  }
}

async function openAll(
  from: readonly StreamEnd[],
  to: readonly StreamEnd[],
  opened: Map<StreamEnd, PipeEnd>,
  { duplex, framing, opening, signal }: StreamOptions,
): Promise<void> {
  const stop = new AbortController();
  const leave = () => stop.abort(opening.reason);
  const end = () => stop.abort(signal.reason);
  opening.addEventListener('abort', leave, { once: true });
  signal.addEventListener('abort', end, { once: true });
  if (opening.aborted) leave();
  if (signal.aborted) end();
  const open = async (ends: readonly StreamEnd[], use: EndpointUse, cut: Framing) => {
    for (const one of ends) {
      stop.signal.throwIfAborted();
      opened.set(one, await one.open(duplex ? 'both' : use, cut, stop.signal));
    }
  };
  const here = (ends: readonly StreamEnd[]) => ends.filter(({ isRemote }) => !isRemote);
  const there = (ends: readonly StreamEnd[]) => ends.filter(({ isRemote }) => isRemote);
  await open(here(from), 'source', 'bytes');
  await open(here(to), 'sink', 'bytes');
  const source = [...opened.values()].map(sourceOf).find((found) => found !== undefined);
  const cut = source ? framingOf(source, [], framing) : (framing ?? 'bytes');
  await open(there(from), 'source', cut);
  await open(there(to), 'sink', cut);
  opening.removeEventListener('abort', leave);
}

const sourceOf = ({ out }: PipeEnd): PipeSource | undefined =>
  out?.kind === 'local' ? out.source : undefined;

/** A place of this machine, opened anew for each stream. */
export function localEnd(place: LocalPlace): StreamEnd {
  return { isRemote: false, open: async (use, _cut, signal) => endpointEnd(await place.open(use, signal)) };
}

/** Somebody who has come to an endpoint that accepts. */
export function acceptedEnd(endpoint: Endpoint): StreamEnd {
  return { isRemote: false, open: () => Promise.resolve(endpointEnd(endpoint)) };
}

/** A channel of its own in a session that this side has dialled. */
export function dialledEnd(pipes: PipeSession, name?: string): StreamEnd {
  const named = name === undefined ? {} : { name };
  const open = (use: EndpointUse, cut: Framing): PipeEnd => {
    if (use === 'sink') return remoteEnd({ open: (up) => writerOf(pipes.open({ up, ...named })) });
    const up = use === 'both' ? { up: cut } : {};
    return channelEnd(pipes.open({ ...up, down: true, ...named }));
  };
  return { isRemote: true, open: (use, cut) => Promise.resolve().then(() => open(use, cut)) };
}

/** A channel that the other side has asked for. */
export function incomingEnd(incoming: IncomingChannel, onAccepted: () => void): StreamEnd {
  const open = (cut: Framing): PipeEnd => {
    onAccepted();
    return channelEnd(incoming.accept(incoming.request.down ? cut : undefined));
  };
  return { isRemote: true, open: (_use, cut) => Promise.resolve().then(() => open(cut)) };
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
  const { reader, writer } = channel;
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
    ...(writer ? remoteEnd({ open: () => writer }) : {}),
    close: () => Promise.resolve(),
  };
}

function remoteEnd({ open }: { open(framing: Framing): NonNullable<Channel['writer']> }): PipeEnd {
  return { in: { kind: 'remote', open }, close: () => Promise.resolve() };
}

function writerOf({ writer }: Channel): NonNullable<Channel['writer']> {
  if (!writer) throw new XferError('ERR_XFER_INTERNAL', 'a channel that goes up has no writer');
  return writer;
}
