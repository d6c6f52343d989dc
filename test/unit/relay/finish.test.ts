import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetCode, type Connection, type Stream } from 'xfer/plugin';
import { pattern, readAll, turns, until } from '../../../src/compliance/pair.js';
import type { RelayObserver } from '../../../src/relay/observer.js';
import { encodeWaitHeader } from '../../../src/relay/wait-header.js';
import { RelayNet, type Endpoint, type RelayAt } from '../../support/relay-net.js';

let net: RelayNet;
let relay: RelayAt;
let endpoint: Endpoint;
let told: string[];

beforeEach(async () => {
  net = new RelayNet();
  told = [];
  const observer: RelayObserver = {
    onOpened: () => void told.push('opened'),
    onStreamEnd: (_hop, end) => void told.push(end),
    onLink: ({ remote }, direction) => void told.push(`${direction} ${remote.scheme}`),
  };
  relay = await net.relay({ observer });
  endpoint = await net.endpoint();
});
afterEach(() => net.close());

const never = new AbortController().signal;

async function openStream(connection: Connection): Promise<{ near: Stream; far: Stream }> {
  const near = connection.openStream();
  const count = endpoint.arrived.length;
  await until(() => endpoint.arrived.length > count);
  const far = endpoint.arrived.at(-1)!.stream;
  far.accept();
  await near.opened;
  return { near, far };
}

describe('a relay that is to end', () => {
  it('takes no more streams, and has those that are there go on to their end', async () => {
    const connection = await net.dial([relay], endpoint.url);
    const { near, far } = await openStream(connection);
    let isOver = false;
    const over = relay.relay.finish(never).then(() => (isOver = true));
    await expect(connection.openStream().opened).rejects.toThrow();
    near.send(pattern(500_000, 3));
    near.closeWrite();
    expect((await readAll(far)).equals(pattern(500_000, 3))).toBe(true);
    await turns(20);
    expect(isOver).toBe(false);
    far.send(pattern(1000));
    far.closeWrite();
    expect(await readAll(near)).toHaveLength(1000);
    await over;
    expect(told).toEqual(['in memory', 'out memory', 'opened', 'closed']);
  });

  it('ends at once where nobody has a stream', async () => {
    await net.dial([relay], endpoint.url);
    await relay.relay.finish(never);
    await relay.relay.close();
    expect([...relay.relay.hops]).toEqual([]);
  });

  it('cuts what is left at the signal', async () => {
    const { near, far } = await openStream(await net.dial([relay], endpoint.url));
    const ends = Promise.all([near, far].map((stream) => new Promise((resolve) => stream.onReset(resolve))));
    const late = new AbortController();
    const over = relay.relay.finish(late.signal);
    late.abort();
    await over;
    await ends;
    await until(() => told.includes('lost'));
  });

  it('sends away who waits in a room, so that it may wait elsewhere', async () => {
    const connection = await net.dial([relay], '');
    const waiting = connection.openStream({ header: encodeWaitHeader('a-room') });
    await waiting.opened;
    const sentAway = new Promise<number>((resolve) => waiting.onReset(resolve));
    await relay.relay.finish(never);
    expect(await sentAway).toBe(resetCode.cancelled);
  });

  it('leaves whoever comes late no stream', async () => {
    const { near, far } = await openStream(await net.dial([relay], endpoint.url));
    const over = relay.relay.finish(never);
    const late = await net.dial([relay], endpoint.url);
    await expect(late.openStream().opened).rejects.toThrow();
    near.closeWrite();
    far.closeWrite();
    near.onData(() => undefined);
    far.onData(() => undefined);
    await over;
  });
});
