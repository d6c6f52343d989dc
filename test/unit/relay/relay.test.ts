import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetCode, XferError, type Connection, type OpenRefused, type Stream } from 'xfer/plugin';
import { encodeRoute } from '../../../src/relay/route.js';
import { parseUrl } from '../../../src/transport/address.js';
import { measuringDefaults } from '../../../src/config/index.js';
import type { HopView } from '../../../src/relay/observer.js';
import {
  decodeReport,
  measuringByte,
  measuringHeader,
  reportBytes,
} from '../../../src/transport/measuring.js';
import { encodeWaitHeader } from '../../../src/relay/wait-header.js';
import { openErrorCode } from '../../../src/transport/contract.js';
import { pattern, readAll, turns, until } from '../../../src/compliance/pair.js';
import { type Endpoint, known, type RelayAt, RelayNet, stranger } from '../../support/relay-net.js';

const KiB = 1024;

let net: RelayNet;
beforeEach(() => (net = new RelayNet()));
afterEach(() => net.close());

/** An endpoint that sends back what it gets. */
async function echo(): Promise<Endpoint> {
  const endpoint = await net.endpoint();
  endpoint.onStream = ({ stream }) => {
    stream.accept();
    stream.onData((bytes) => stream.send(bytes.slice()));
    stream.onEnd(() => stream.closeWrite());
  };
  return endpoint;
}

async function chain(count: number): Promise<RelayAt[]> {
  const relays: RelayAt[] = [];
  for (let i = 0; i < count; i++) relays.push(await net.relay());
  return relays;
}

/** Why a stream was not opened, in words. */
async function refusal(stream: Stream): Promise<string> {
  const error = await stream.opened.catch((thrown: unknown) => thrown as OpenRefused);
  if (error instanceof Uint8Array) return 'opened';
  return stream.connection.explain?.(error.detail, false)?.message ?? `code ${error.openCode}`;
}

describe('measuring the path to a relay', () => {
  /** The first that comes behind content without a byte: REPORT or BUSY. */
  const measure = async (connection: Connection): Promise<number | undefined> => {
    const stream = connection.openStream({ header: measuringHeader });
    stream.send(Uint8Array.of(measuringByte.content));
    stream.closeWrite();
    await stream.opened;
    return (await readAll(stream))[0];
  };
  const dial = async ({ url }: RelayAt): Promise<Connection> => {
    const transport = await net.registry.get('memory');
    return transport.dial(parseUrl(url), { signal: new AbortController().signal });
  };

  it('is for strangers, those who wait in a room beside it or not, but not while something is forwarded', async () => {
    const end = await net.endpoint();
    const relay = await net.relay();
    const waiting = await dial(relay);
    const route = {
      ttl: 1,
      visited: [],
      relays: [],
      branches: [{ to: '', header: encodeWaitHeader('7777') }],
    };
    await waiting.openStream({ header: encodeRoute(route) }).opened;
    const connection = await dial(relay);
    expect(await measure(connection)).toBe(measuringByte.report);
    const path = await net.dial([relay], end.url);
    const piped = path.openStream();
    await until(() => end.arrived.length === 1);
    end.arrived[0]?.stream.accept();
    await piped.opened;
    expect(await measure(connection)).toBe(measuringByte.busy);
    piped.reset(resetCode.cancelled);
    await until(() => relay.guard.streams === 1);
    expect(await measure(connection)).toBe(measuringByte.report);
    for (const one of [waiting, connection]) one.abort(new Error('over'));
  });

  it('is counted as what is forwarded is, and held at the same rate', async () => {
    const seen: HopView[] = [];
    const observer = { onConnect: (hop: HopView) => void seen.push(hop) };
    const relay = await net.relay({ limits: { bytesPerSecondPerPeer: 1 }, observer });
    const connection = await dial(relay);
    const stream = connection.openStream({ header: measuringHeader });
    stream.send(Uint8Array.of(measuringByte.content));
    stream.send(pattern(20 * 1024 * KiB, 1));
    await stream.opened;
    const end = await new Promise<Uint8Array>((resolve) =>
      stream.onData((bytes) => resolve(Uint8Array.from(bytes))),
    );
    const { bytes } = decodeReport(end.subarray(0, reportBytes))!;
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(20 * 1024 * KiB);
    expect(seen[0]?.bytesFrom).toBeGreaterThanOrEqual(bytes);
    connection.abort(new Error('over'));
  });

  it('counts addresses of one network as one', async () => {
    const { url } = await net.relay();
    const transport = await net.registry.get('memory');
    const outcomes: string[] = [];
    for (let i = 0; i <= measuringDefaults.streamsPerMinute; i++) {
      const to = { ...parseUrl(url), host: `2001:db8::${i.toString(16)}` };
      const connection = await transport.dial(to, { signal: new AbortController().signal });
      const stream = connection.openStream({ header: measuringHeader });
      outcomes.push(await refusal(stream));
      connection.abort(new Error('over'));
      await connection.closed;
    }
    expect(outcomes.at(-1)).toBe(`code ${openErrorCode.resourceLimit}`);
    expect(outcomes.filter((outcome) => outcome === 'opened').length).toBe(
      measuringDefaults.streamsPerMinute,
    );
  });

  it('is not for strangers at a private relay', async () => {
    const refusal = new XferError('ERR_XFER_RELAY_REFUSED', 'no stranger');
    const stranger = () => {
      throw refusal;
    };
    const known = Promise.reject(refusal);
    known.catch(() => undefined);
    const relay = await net.relay({ identify: () => ({ isBegun: false, known, stranger }) });
    await expect(measure(await dial(relay))).rejects.toMatchObject({ openCode: openErrorCode.accessDenied });
  });
});

describe('a stream to several places', () => {
  it('crosses the hops before the last relay once, and comes whole to each', async () => {
    const ends = [await net.endpoint(), await net.endpoint(), await net.endpoint()];
    const relays = await chain(2);
    const connection = await net.dial(relays, '');
    const stream = connection.openFork(
      ends.map(({ url }, i) => ({ to: url, header: Buffer.from(`for ${i}`) })),
    );
    stream.send(pattern(600 * KiB, 5));
    stream.closeWrite();
    await until(() => ends.every(({ arrived }) => arrived.length === 1));
    expect(ends.map(({ arrived }) => arrived[0]?.header)).toEqual(['for 0', 'for 1', 'for 2']);
    const all = ends.map(({ arrived: [first] }) => {
      first!.stream.accept();
      first!.stream.closeWrite();
      return readAll(first!.stream);
    });
    for (const bytes of await Promise.all(all)) expect(bytes.equals(pattern(600 * KiB, 5))).toBe(true);
    await stream.opened;
    await stream.closed;
    expect(connection.stats().bytesSent).toBeLessThan(650 * KiB);
  });

  it('goes to the others when one refuses it, cannot be reached or does not answer', async () => {
    const [good, refuses, silent] = [await net.endpoint(), await net.endpoint(), await net.endpoint()];
    refuses.onStream = ({ stream }) => stream.refuse(openErrorCode.refused);
    const connection = await net.dial(await chain(1), '');
    const header = new Uint8Array();
    const stream = connection.openFork([
      { to: 'memory://127.0.0.1:9999', header },
      ...[refuses, silent, good].map(({ url }) => ({ to: url, header })),
    ]);
    await until(() => good.arrived.length === 1);
    const far = good.arrived[0]!.stream;
    far.accept();
    await stream.opened;
    stream.send(pattern(10 * KiB, 6));
    stream.closeWrite();
    expect((await readAll(far)).equals(pattern(10 * KiB, 6))).toBe(true);
  });

  it('is refused where nobody takes it', async () => {
    const refuses = await net.endpoint();
    refuses.onStream = ({ stream }) => stream.refuse(openErrorCode.refused);
    const connection = await net.dial(await chain(1), '');
    const header = new Uint8Array();
    const places = ['memory://127.0.0.1:9998', 'memory://127.0.0.1:9999', refuses.url];
    const stream = connection.openFork(places.map((to) => ({ to, header })));
    expect(await refusal(stream)).toMatch(/could not reach|refused/);
  });
});

describe('a stream over relays', () => {
  it.each([1, 3, 16])(
    'goes over %i of them, and so does what is sent right behind the open',
    async (count) => {
      const endpoint = await echo();
      const connection = await net.dial(await chain(count), endpoint.url);
      const stream = connection.openStream({ header: Buffer.from('hello') });
      stream.send(pattern(5000, 3));
      stream.closeWrite();
      expect((await readAll(stream)).equals(pattern(5000, 3))).toBe(true);
      await stream.opened;
    },
  );

  it('brings its own opening header to the end, and nobody else there', async () => {
    const endpoint = await net.endpoint();
    const connection = await net.dial(await chain(2), endpoint.url);
    connection.openStream({ header: Buffer.from('for the end alone') });
    await until(() => endpoint.arrived.length === 1);
    expect(endpoint.arrived[0]?.header).toBe('for the end alone');
  });

  it('ends one direction and leaves the other, behind all data', async () => {
    const endpoint = await net.endpoint();
    const connection = await net.dial(await chain(3), endpoint.url);
    const near = connection.openStream();
    near.send(pattern(900 * KiB, 7));
    near.closeWrite();
    await until(() => endpoint.arrived.length === 1);
    const far = endpoint.arrived[0]!.stream;
    far.accept();
    expect((await readAll(far)).equals(pattern(900 * KiB, 7))).toBe(true);
    const back = readAll(near);
    far.send(pattern(300 * KiB, 8));
    await turns(50);
    far.closeWrite();
    expect((await back).equals(pattern(300 * KiB, 8))).toBe(true);
    await near.closed;
    await far.closed;
  });

  it('lets a reset overtake the data, both ways', async () => {
    const endpoint = await net.endpoint();
    const connection = await net.dial(await chain(2), endpoint.url);
    const streams = [connection.openStream(), connection.openStream()];
    await until(() => endpoint.arrived.length === 2);
    const [first, second] = endpoint.arrived.map(({ stream }) => stream);
    first!.accept();
    second!.accept();
    await Promise.all(streams.map((stream) => stream.opened));
    const atFar = new Promise<number>((resolve) => first!.onReset((code) => resolve(code)));
    const atNear = new Promise<number>((resolve) => streams[1]!.onReset((code) => resolve(code)));
    first!.onData(() => undefined);
    first!.pause();
    streams[0]!.send(pattern(800 * KiB));
    await turns(20);
    streams[0]!.reset(resetCode.cancelled);
    second!.send(pattern(800 * KiB));
    second!.reset(resetCode.timeout);
    expect([await atFar, await atNear]).toEqual([resetCode.cancelled, resetCode.timeout]);
  });

  it('sends a stop back, and leaves the other direction', async () => {
    const endpoint = await net.endpoint();
    const connection = await net.dial(await chain(2), endpoint.url);
    const near = connection.openStream();
    const stopped = new Promise<number>((resolve) => near.onStop(resolve));
    near.send(pattern(10 * KiB));
    await until(() => endpoint.arrived.length === 1);
    const far = endpoint.arrived[0]!.stream;
    far.accept();
    far.stopReading(resetCode.cancelled);
    expect(await stopped).toBe(resetCode.cancelled);
    const back = readAll(near);
    far.send(pattern(20 * KiB, 4));
    far.closeWrite();
    expect((await back).equals(pattern(20 * KiB, 4))).toBe(true);
  });

  it('holds no more than a window of a stream that nobody reads, and stalls no other', async () => {
    const endpoint = await net.endpoint();
    const relays = await chain(3);
    const connection = await net.dial(relays, endpoint.url);
    const stuck = connection.openStream();
    await until(() => endpoint.arrived.length === 1);
    endpoint.arrived[0]!.stream.accept();
    await stuck.opened;
    for (let i = 0; i < 64; i++) stuck.send(pattern(1024 * KiB, i));
    await turns(300);
    for (const { relay } of relays)
      for (const hop of relay.hops) expect(hop.bufferedBytes).toBeLessThanOrEqual(4096 * KiB);
    endpoint.onStream = ({ stream }) => {
      stream.accept();
      void readAll(stream).then((bytes) => {
        stream.send(bytes);
        stream.closeWrite();
      });
    };
    const other = connection.openStream();
    other.send(pattern(700 * KiB, 5));
    other.closeWrite();
    expect((await readAll(other)).equals(pattern(700 * KiB, 5))).toBe(true);
  });
});

describe('an error on the way', () => {
  it('names the relay and what it could not reach', async () => {
    const [first, second] = await chain(2);
    const at = (relay: RelayAt) => relay.url;
    const nobody = 'memory://127.0.0.1:9999';
    const over = await net.dial([first!, second!], nobody);
    expect(await refusal(over.openStream())).toBe(
      `${at(second!)} could not reach ${nobody}: connection refused`,
    );
    const lost = await net.dial([first!, [nobody]], at(second!));
    expect(await refusal(lost.openStream())).toBe(
      `${at(first!)} could not reach ${nobody}: connection refused`,
    );
  });

  it('names what the end itself refuses', async () => {
    const endpoint = await net.endpoint();
    endpoint.onStream = ({ stream }) => stream.refuse(openErrorCode.resourceLimit);
    const connection = await net.dial(await chain(2), endpoint.url);
    expect(await refusal(connection.openStream())).toBe(`${endpoint.url} refused: a limit is reached`);
  });

  it('refuses loops, and more relays than a path may have', async () => {
    const endpoint = await net.endpoint();
    const [one, two] = await chain(2);
    const loop = await net.dial([one!, two!, one!], endpoint.url);
    expect(await refusal(loop.openStream())).toMatch(/the path leads through it twice/);
    const many = net.dial(
      Array.from({ length: 17 }, () => one!),
      endpoint.url,
    );
    await expect(many).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
  });

  it('takes another relay where alternatives are given, and brings it what came early', async () => {
    const endpoint = await echo();
    const [first, second] = await chain(2);
    const connection = await net.dial([first!, ['memory://127.0.0.1:9998', second!.url]], endpoint.url);
    const stream = connection.openStream();
    stream.send(pattern(6 * KiB, 2));
    stream.closeWrite();
    expect((await readAll(stream)).equals(pattern(6 * KiB, 2))).toBe(true);
  });

  it('says which relay has lost the next one', async () => {
    const endpoint = await net.endpoint();
    const [first, second] = await chain(2);
    const connection = await net.dial([first!, second!], endpoint.url);
    const stream = connection.openStream();
    await until(() => endpoint.arrived.length === 1);
    endpoint.arrived[0]!.stream.accept();
    await stream.opened;
    const told = new Promise<string | undefined>((resolve) =>
      stream.onReset((_code, detail, isOver) => resolve(connection.explain(detail, isOver)?.message)),
    );
    await endpoint.close();
    expect(await told).toBe(`${second!.url} has lost the connection to ${endpoint.url}`);
  });

  it('refuses what is no route', async () => {
    const { url } = (await chain(1))[0]!;
    const transport = await net.registry.get('memory');
    const port = Number(url.split(':').at(-1));
    const signal = new AbortController().signal;
    const connection = await transport.dial({ scheme: 'memory', host: '127.0.0.1', port }, { signal });
    const refused = connection.openStream({ header: Buffer.from('xfer') }).opened;
    await expect(refused).rejects.toMatchObject({ openCode: openErrorCode.routeNotFound });
  });
});

describe('rooms', () => {
  const wait = async (via: RelayAt[], room: string) => {
    const connection = await net.dial(via, '');
    const arrived: { stream: Stream; header: string }[] = [];
    connection.onStream((stream, header) => arrived.push({ stream, header: Buffer.from(header).toString() }));
    const stream = connection.openStream({ header: encodeWaitHeader(room) });
    return { connection, stream, arrived };
  };

  it.each([1, 3])('bring a sender to who waits behind %i relays', async (count) => {
    const relays = await chain(count);
    const receiver = await wait(relays, 'r-1');
    await receiver.stream.opened;
    const sender = await net.dial([relays.at(-1)!], 'room:r-1');
    const near = sender.openStream({ header: Buffer.from('secret things') });
    near.send(pattern(300 * KiB, 6));
    near.closeWrite();
    await until(() => receiver.arrived.length === 1);
    const { stream: far, header } = receiver.arrived[0]!;
    expect(header).toBe('secret things');
    far.accept();
    expect((await readAll(far)).equals(pattern(300 * KiB, 6))).toBe(true);
  });

  it('are there for one, and go with who waits', async () => {
    const relays = await chain(1);
    const receiver = await wait(relays, 'mine');
    await receiver.stream.opened;
    expect(await refusal((await wait(relays, 'mine')).stream)).toMatch(/somebody waits in this room already/);
    receiver.connection.abort(new Error('gone'));
    const sender = await net.dial(relays, 'room:mine');
    await until(() => relays[0]!.guard.rooms === 0);
    expect(await refusal(sender.openStream())).toMatch(/nobody waits in this room/);
    await (
      await wait(relays, 'mine')
    ).stream.opened;
  });

  it('are refused to who guesses, and have names that can be shown', async () => {
    const [relay] = [await net.relay({ limits: { roomMissesPerMinute: 3 } })];
    const sender = await net.dial([relay], 'room:none');
    const answers: string[] = [];
    for (let i = 0; i < 5; i++) answers.push(await refusal(sender.openStream()));
    expect(answers.filter((answer) => answer.endsWith('nobody waits in this room'))).toHaveLength(3);
    expect(answers.filter((answer) => answer.endsWith('a limit is reached'))).toHaveLength(2);
    expect(await refusal((await wait([relay], '../etc')).stream)).not.toBe('opened');
  });
});

describe('a full relay', () => {
  it('sends strangers away for who has weight, and nobody for a stranger', async () => {
    const comes = { identify: stranger };
    const refused: string[] = [];
    const relay = await net.relay({
      limits: { maxConnections: 2 },
      identify: (connection) => comes.identify(connection),
      observer: { onRefuse: (reason) => refused.push(reason) },
    });
    const endpoint = await net.endpoint();
    endpoint.onStream = ({ stream }) => stream.accept();
    const strangers = [await net.dial([relay], endpoint.url), await net.dial([relay], endpoint.url)];
    for (const connection of strangers) await connection.openStream().opened;
    comes.identify = known('alice', 2);
    const alice = await net.dial([relay], endpoint.url);
    await alice.openStream().opened;
    expect((await strangers[0]!.closed).clean).toBe(false);
    comes.identify = stranger;
    const late = await net.dial([relay], endpoint.url);
    expect(await refusal(late.openStream())).toMatch(/refused: a limit is reached/);
    expect(refused).toEqual(['full', 'full']);
    await strangers[1]!.openStream().opened;
    await alice.openStream().opened;
  });
});

describe('limits', () => {
  it('refuse a stream more than a peer may have, over all its connections', async () => {
    const relay = await net.relay({ limits: { maxStreamsPerPeer: 5 } });
    const endpoint = await net.endpoint();
    endpoint.onStream = ({ stream }) => stream.accept();
    const [one, two] = [await net.dial([relay], endpoint.url), await net.dial([relay], endpoint.url)];
    for (let i = 0; i < 3; i++) await one.openStream().opened;
    const last = two.openStream();
    await last.opened;
    await two.openStream().opened;
    const refused = two.openStream();
    expect(await refusal(refused)).toMatch(/refused: a limit is reached/);
    await expect(refused.opened).rejects.toMatchObject({ openCode: openErrorCode.resourceLimit });
    last.reset(resetCode.cancelled);
    await until(() => relay.guard.streams === 4);
    await two.openStream().opened;
  });

  it('count streams that are refused, and close a connection that brings too many of them', async () => {
    const refused: string[] = [];
    const relay = await net.relay({
      limits: { opensPerSecond: 1, openBurst: 3 },
      observer: { onRefuse: (reason) => refused.push(reason) },
    });
    const link = await (
      await net.registry.get('memory')
    ).dial(parseUrl(relay.url), {
      signal: new AbortController().signal,
    });
    for (let i = 0; i < 8; i++) void refusal(link.openStream({ header: Buffer.from('no route') }));
    expect(await link.closed).toMatchObject({ by: 'remote', clean: false });
    expect(refused.slice(0, 7)).toEqual([
      ...[...Array<string>(3).fill('no-route'), ...Array<string>(4).fill('peer-opens')],
    ]);
  });

  it('keep what is meant for listed peers from strangers', async () => {
    const refused: string[] = [];
    const identify = (name: string, weight: number) => (connection: Connection) =>
      (weight > 0 ? known(name, weight) : stranger)(connection);
    let who = identify('stranger', 0);
    const relay = await net.relay({
      limits: { maxStreamsTotal: 8, leastStreamsPerPeer: 1 },
      identify: (connection) => who(connection),
      observer: { onRefuse: (reason) => refused.push(reason) },
    });
    relay.guard.configure({}, true);
    const endpoint = await net.endpoint();
    endpoint.onStream = ({ stream }) => stream.accept();
    const opened = async (count: number) => {
      const connection = await net.dial([relay], endpoint.url);
      const streams = Array.from({ length: count }, () => refusal(connection.openStream()));
      return (await Promise.all(streams)).filter((answer) => answer === 'opened').length;
    };
    expect(await opened(8)).toBe(2);
    who = identify('alice', 1);
    expect(await opened(8)).toBe(6);
    expect(refused).toEqual(Array<string>(8).fill('peer-streams'));
  });

  it('let streams wait for their turn where more are opened than can be, and count them as pending', async () => {
    const relay = await net.relay({ limits: { streamsPerSecond: 20, openBurst: 1_000 } });
    const endpoint = await net.endpoint();
    endpoint.onStream = ({ stream }) => stream.accept();
    const connection = await net.dial([relay], endpoint.url);
    await connection.openStream().opened;
    const [hop] = relay.relay.hops;
    await until(() => hop?.pendingOpens === 0);
    const streams: Stream[] = [];
    // Next hops answer within a few turns of the loop; the load is a moving average, and lets some through.
    while ((hop?.pendingOpens ?? 0) < 5) {
      streams.push(connection.openStream());
      await turns(10);
    }
    // One that is given up while it waits leaves nothing behind.
    const waiting = hop?.streams ?? 0;
    const given = connection.openStream();
    await until(() => hop?.streams === waiting + 1);
    given.reset(resetCode.cancelled);
    await until(() => hop?.streams === waiting);
    await Promise.all(streams.map(({ opened }) => opened));
    await until(() => hop?.pendingOpens === 0);
    expect(hop?.streams).toBe(streams.length + 1);
  });

  it('close connections that ask for nothing', async () => {
    const relay = await net.relay({ handshakeTimeoutMs: 20 });
    const connection = await net.dial([relay], 'room:x');
    expect((await connection.closed).clean).toBe(false);
    await until(() => relay.guard.pendingHandshakes === 0);
  });

  it('close connections that have been of no use for a while, and no others', async () => {
    const relay = await net.relay({ idleTimeoutMs: 20 });
    const endpoint = await net.endpoint();
    endpoint.onStream = ({ stream }) => stream.accept();
    const [idle, used] = [await net.dial([relay], endpoint.url), await net.dial([relay], endpoint.url)];
    await used.openStream().opened;
    const stream = idle.openStream();
    await stream.opened;
    stream.reset(resetCode.cancelled);
    expect((await idle.closed).clean).toBe(true);
    await used.openStream().opened;
  });
});

describe('two peers with the same stream ids', () => {
  it('never cross', async () => {
    const step = fc.record({
      peer: fc.nat(1),
      stream: fc.nat(3),
      op: fc.constantFrom('open', 'send', 'send', 'send', 'end', 'turn', 'reset'),
      size: fc.integer({ min: 1, max: 40_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), fc.nat(), async (steps, seed) => {
        const world = new RelayNet();
        try {
          await interleave(world, steps, seed);
        } finally {
          await world.close();
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});

interface Step {
  peer: number;
  stream: number;
  op: string;
  size: number;
}

/** What each endpoint gets is a beginning of what was sent to it on that stream, and all of it where it was ended. */
async function interleave(world: RelayNet, steps: readonly Step[], seed: number): Promise<void> {
  const relay = await world.relay();
  const sides = await Promise.all(
    [0, 1].map(async () => {
      const endpoint = await world.endpoint();
      const got = new Map<string, { bytes: Buffer[]; ended: boolean }>();
      endpoint.onStream = ({ stream, header }) => {
        const mine = { bytes: [] as Buffer[], ended: false };
        got.set(header, mine);
        stream.accept();
        stream.onData((bytes) => mine.bytes.push(Buffer.from(bytes)));
        stream.onEnd(() => (mine.ended = true));
      };
      return { got, connection: await world.dial([relay], endpoint.url), sent: new Map<string, Sending>() };
    }),
  );
  const open = new Map<string, string>();
  for (const [at, { peer, stream, op, size }] of steps.entries()) {
    const side = sides[peer]!;
    const slot = `${peer} ${stream}`;
    const name = open.get(slot);
    const sending = name === undefined ? undefined : side.sent.get(name);
    if (op === 'turn') await turns(3);
    else if (!sending) {
      const fresh = `${slot} ${at}`;
      open.set(slot, fresh);
      const opened = side.connection.openStream({ header: Buffer.from(fresh) });
      side.sent.set(fresh, { stream: opened, bytes: [], state: 'open' });
    } else if (op === 'send') {
      const bytes = pattern(size, seed + at);
      sending.bytes.push(bytes);
      sending.stream.send(bytes);
    } else if (op === 'end' || op === 'reset') {
      open.delete(slot);
      sending.state = op;
      if (op === 'end') sending.stream.closeWrite();
      else sending.stream.reset(resetCode.cancelled);
    }
  }
  for (const { sent, got } of sides) {
    await until(() =>
      [...sent].every(([name, { state }]) => state !== 'end' || got.get(name)?.ended === true),
    );
    expect([...got.keys()].every((name) => sent.has(name))).toBe(true);
    for (const [name, { bytes, state }] of sent) {
      const all = Buffer.concat(bytes);
      const there = Buffer.concat(got.get(name)?.bytes ?? []);
      expect(there.equals(all.subarray(0, there.length))).toBe(true);
      if (state === 'end') expect(there.length).toBe(all.length);
    }
  }
}

interface Sending {
  stream: Stream;
  bytes: Buffer[];
  state: string;
}
