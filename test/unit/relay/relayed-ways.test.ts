import { afterEach, describe, expect, it } from 'vitest';
import { MuxBudget, MuxConnection } from '../../../src/mux/index.js';
import { RoutedConnection } from '../../../src/relay/routed-connection.js';
import { StreamConnection } from '../../../src/relay/stream-connection.js';
import type { Retain, Stream } from '../../../src/transport/contract.js';
import { MemoryStreamsLink } from '../../support/memory-streams-link.js';
import { PagedMemory } from '../../support/paged-memory.js';

const at = { scheme: 'memory', host: 'here', port: 0 };

/** Both ends of a way over a fabric that sends from memory of its own and lets readers keep what they read. */
class FabricWay {
  readonly memory = new PagedMemory();
  readonly near: MuxConnection;
  readonly far: MuxConnection;

  constructor() {
    const [left, right] = MemoryStreamsLink.pair({ seed: 31, mostRetained: 8 });
    const common = { local: at, remote: at, budget: new MuxBudget(), isFabric: true, memory: this.memory };
    this.near = new MuxConnection({ ...common, link: left, role: 'dialer' });
    this.far = new MuxConnection({ ...common, link: right, role: 'listener' });
  }
}

describe('a way over a relay whose first hop is a fabric', () => {
  let way: FabricWay | undefined;
  const start = () => (way = new FabricWay());

  afterEach(() => way?.near.abort(new Error('done')));

  /** What comes to who waits behind the relay: its connection, and its stream. */
  const incoming = async ({ near, far }: FabricWay) => {
    const came = new Promise<StreamConnection>((resolve) =>
      far.onStream((stream, header) => resolve(new StreamConnection(stream, header))),
    );
    const ours = near.openStream({ header: Uint8Array.of(7) });
    const connection = await came;
    const taken = new Promise<{ stream: Stream; header: Uint8Array }>((resolve) =>
      connection.onStream((stream, header) => resolve({ stream, header })),
    );
    return { connection, ours, ...(await taken) };
  };

  it('has its memory, and is no fabric, for who dials', () => {
    const { near, memory } = start();
    const routed = new RoutedConnection(near, { relays: [['memory://here']], to: 'memory://there' }, 0);
    const stream = routed.openStream();
    expect(near.capabilities).toMatchObject({ zeroCopy: true, isFabric: true });
    expect(stream.connection).toBe(routed);
    expect(stream.connection).toMatchObject({ isRelayed: true, memory });
    expect(stream.connection.capabilities).toEqual({ ...near.capabilities, isFabric: false });
  });

  it('has its memory, and is no fabric, for who waits at the relay', async () => {
    const there = start();
    const { connection, stream, header } = await incoming(there);
    expect([...header]).toEqual([7]);
    expect(stream.connection).toBe(connection);
    expect(stream.connection).toMatchObject({ isRelayed: true, memory: there.memory });
    expect(stream.connection.capabilities).toEqual({ ...there.far.capabilities, isFabric: false });
  });

  it('carries both directions as the stream does, and what is kept of them', async () => {
    const { ours, stream } = await incoming(start());
    stream.accept(Uint8Array.of(1));
    expect([...(await ours.opened)]).toEqual([1]);
    const got = new Promise<[Uint8Array, Retain | undefined]>((resolve) =>
      stream.onData((bytes, retain) => resolve([Uint8Array.from(bytes), retain])),
    );
    ours.send(Uint8Array.of(2, 3));
    const [bytes, retain] = await got;
    expect([...bytes]).toEqual([2, 3]);
    expect(retain).toBeTypeOf('function');
    const back = new Promise<Uint8Array>((resolve) =>
      ours.onData((piece) => resolve(Uint8Array.from(piece))),
    );
    let releases = 0;
    expect(stream.send(Uint8Array.of(4), () => releases++)).toBe(true);
    expect([...(await back)]).toEqual([4]);
    const reset = new Promise<number>((resolve) => ours.onReset(resolve));
    stream.reset(3);
    expect(await reset).toBe(3);
    await stream.closed;
    expect(releases).toBe(1);
  });

  it('tells who waits there of every end', async () => {
    const { ours, stream } = await incoming(start());
    stream.accept();
    await ours.opened;
    const stopped = new Promise<number>((resolve) => stream.onStop(resolve));
    ours.stopReading(4);
    expect(await stopped).toBe(4);
    const ended = new Promise<void>((resolve) => stream.onEnd(resolve));
    stream.onData(() => undefined);
    ours.closeWrite();
    await ended;
    await stream.closed;
  });
});
