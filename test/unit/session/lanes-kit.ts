import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { ownHello } from '../../../src/session/hello.js';
import type { SessionSecrets } from '../../../src/session/keys.js';
import { recordKind } from '../../../src/session/record-header.js';
import { Session, type SessionOptions } from '../../../src/session/session.js';
import { decodeJoinHeader, sessionHeader } from '../../../src/session/stream-headers.js';
import type { Connection, Stream } from '../../../src/transport/contract.js';
import type { MemoryHooks, MemoryLink } from '../../support/memory-link.js';
import { memory } from '../../support/memory-transport.js';

export const never: AbortSignal = new AbortController().signal;

/** A connection of its own, and what a test may do to it. */
export interface Wire {
  readonly connection: Connection;
  readonly dialerHooks: MemoryHooks;
  /** Nothing passes any more, and nobody is told. */
  hold(): void;
  /** Both ends are told that it is lost. */
  kill(): void;
}

/** What one end of a session was told. */
export interface Witness {
  readonly session: Session;
  readonly texts: string[];
  /** Numbers of the records that came, by lane. */
  readonly records: Map<number, number[]>;
  /** Of those, the ones whose body came plain. */
  readonly plain: number[];
  readonly lanes: string[];
  readonly down: [lane: number, code: string | undefined][];
  readonly detached: string[];
  readonly ends: (string | undefined)[];
}

export async function connect(
  arrive: (stream: Stream, header: Uint8Array) => void,
  fabric = false,
): Promise<Wire> {
  const [dialerHooks, listenerHooks]: MemoryHooks[] = [{}, {}];
  const links: MemoryLink[] = [];
  const hooks = { dialerHooks: dialerHooks ?? {}, listenerHooks: listenerHooks ?? {} };
  const transport = await memory({ ...hooks, fabric, onLink: (one, other) => links.push(one, other) }).load();
  const listener = await transport.listen(
    { scheme: 'memory', host: 'here', port: 0 },
    { onConnection: (connection) => connection.onStream(arrive) },
  );
  const connection = await transport.dial(listener.address, { signal: never });
  const kill = () => connection.abort(new Error('the connection is lost'));
  onTestFinished(kill);
  const hold = () => {
    for (const each of [hooks.dialerHooks, hooks.listenerHooks]) each.held = true;
  };
  return { connection, dialerHooks: hooks.dialerHooks, hold, kill };
}

export function secretsOf(role: 'dialer' | 'listener'): SessionSecrets {
  const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
  const common = { secret: filled(32, 1), transcript: filled(64, 2), peerKey: filled(32, 3) };
  return { ...common, cipher: 1, role, leftover: new Uint8Array() };
}

/** How two sessions meet. Default: over no fabric, with the options of both. */
export interface MeetKind {
  readonly fabric?: boolean;
  readonly dialer?: Partial<SessionOptions>;
  readonly listener?: Partial<SessionOptions>;
}

/** Two sessions that have met on lane 0, and the means to put more lanes between them. */
export async function meet(options: Partial<SessionOptions> = {}, kind: MeetKind = {}) {
  let arrived: (stream: Stream) => void = () => undefined;
  const accepted = new Promise<Stream>((resolve) => (arrived = resolve));
  const first = await connect((stream) => {
    stream.accept();
    arrived(stream);
  }, kind.fabric);
  const near = first.connection.openStream({ header: sessionHeader });
  const [dialer, listener] = await Promise.all([
    establish('dialer', near, { ...options, ...kind.dialer }),
    establish('listener', await accepted, { ...options, ...kind.listener }),
  ]);
  /** A connection whose streams want to join; `joins` has how each of them ended there. */
  const wire = async (fabric = false): Promise<Wire & { readonly joins: Promise<string>[] }> => {
    const joins: Promise<string>[] = [];
    const made = await connect((stream, header) => {
      const asked = decodeJoinHeader(header);
      if (!asked) throw new Error('that is no lane');
      joins.push(
        listener.session.acceptLane(stream, asked, never).then(
          () => 'joined',
          (error: unknown) => codeOf(error) ?? '',
        ),
      );
    }, fabric);
    return { ...made, joins };
  };
  const join = async (fabric = false) => {
    const made = await wire(fabric);
    const lane = await dialer.session.dialLane(made.connection, never);
    await made.joins[0];
    return { ...made, lane };
  };
  return { dialer, listener, first, wire, join };
}

/** A file of so many bytes, open. */
export async function openFile(bytes: number): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'xfer-lanes-'));
  await writeFile(join(directory, 'file'), Buffer.alloc(bytes, 'x'));
  const fd = openSync(join(directory, 'file'), 'r');
  onTestFinished(async () => {
    closeSync(fd);
    await rm(directory, { recursive: true });
  });
  return fd;
}

export function contentJob(fd: number, number: number, bodyBytes: number) {
  return { fd, header: { kind: recordKind.content, layout: 0, bodyBytes, entry: 0, offset: 0, number } };
}

export const say = ({ session }: Witness, ...texts: string[]): void => {
  for (const text of texts) session.sendControl(Buffer.from(text));
};

async function establish(
  role: 'dialer' | 'listener',
  stream: Stream,
  options: Partial<SessionOptions>,
): Promise<Witness> {
  const told = {
    texts: [] as string[],
    records: new Map<number, number[]>(),
    plain: [] as number[],
    lanes: [] as string[],
    down: [] as [number, string | undefined][],
    detached: [] as string[],
    ends: [] as (string | undefined)[],
  };
  const session = await Session.establish({
    stream,
    secrets: secretsOf(role),
    hello: ownHello(role === 'dialer' ? 'send' : 'recv', role, false),
    native: nativeApi(),
    signal: never,
    onLaneDown: (lane, error) => told.down.push([lane, error?.code]),
    onDetached: (error) => told.detached.push(error.code),
    ...options,
  });
  session.attach({
    onControl: (body) => told.texts.push(Buffer.from(body).toString()),
    onContent: (content) => {
      const { number, hasPlainBody } = content.header;
      if (hasPlainBody) told.plain.push(number);
      told.records.set(content.lane, [...(told.records.get(content.lane) ?? []), number]);
      content.release();
    },
    onRoom: () => undefined,
    onLane: (lane, state) => told.lanes.push(`${lane} ${state}`),
    onEnd: (error) => told.ends.push(error?.code),
  });
  onTestFinished(() => session.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over')));
  return { session, ...told };
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof XferError ? error.code : String(error);
