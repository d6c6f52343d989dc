import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import type { Message, MessageSink, MessageSource } from 'xfer/plugin';
import { missingPyzmq, numbered, startPeer, tally, whole, type Peer } from '../support/pyzmq.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { addressOf, sinkOf, sourceOf, ZmqEndpoints } from '../support/zmq-endpoints.js';

const missing = missingPyzmq();
const count = 100_000;
const time = { timeout: 120_000 };

const endpoints = new ZmqEndpoints();
const { notes } = endpoints;
const open = endpoints.open.bind(endpoints);
const peers: Peer[] = [];

afterEach(async () => {
  for (const { child } of peers.splice(0)) child.kill('SIGKILL');
  await endpoints.close();
});

function peer(role: string, address: string, ...options: readonly string[]): Peer {
  const started = startPeer(role, address, ...options);
  peers.push(started);
  return started;
}

const mostBytes = 1024 * 1024;

async function* messagesOf(from: MessageSource): AsyncGenerator<Message> {
  for (let read = await from.read(mostBytes); read; read = await from.read(mostBytes)) yield* read;
}

async function all(from: MessageSource): Promise<readonly Message[]> {
  const messages: Message[] = [];
  for await (const message of messagesOf(from)) messages.push(message);
  return messages;
}

/** Numbered messages, some at a time; `wrap` puts something in front of each. */
async function writeNumbered(
  into: MessageSink,
  wrap = (message: Message): Message => message,
): Promise<void> {
  for (let from = 0; from < count; from += 1000)
    await into.write(Array.from({ length: 1000 }, (_, at) => wrap(numbered(from + at))));
}

/** Until `from` ends: what it reads goes into `into`. */
async function carry(from: MessageSource, into: MessageSink): Promise<void> {
  for (let read = await from.read(mostBytes); read; read = await from.read(mostBytes)) await into.write(read);
}

const end = Buffer.from('end');
const hello = Buffer.from('hello');

describe.skipIf(missing)(`an endpoint beside pyzmq${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('pulls all that a PUSH sends, whole and in order', time, async () => {
    const endpoint = await open(`zmq+pull:bind:tcp://127.0.0.1:*?count=${count}`, 'source');
    const pusher = peer('push', addressOf(endpoint), '--count', `${count}`);
    expect(tally(await all(sourceOf(endpoint)))).toEqual(whole(count));
    expect(await pusher.result).toEqual({ sent: count });
  });

  it('pushes to several PULLs: each message goes to one', time, async () => {
    const endpoint = await open('zmq+push:bind:tcp://127.0.0.1:*', 'sink');
    const pullers = [1, 2].map(() => peer('pull', addressOf(endpoint)));
    await writeNumbered(sinkOf(endpoint));
    // The socket takes turns between the two.
    await sinkOf(endpoint).write([[end], [end]]);
    await sinkOf(endpoint).end();
    const got = await Promise.all(pullers.map(({ result }) => result));
    const sum = (name: string): number => got.reduce((total, each) => total + Number(each[name]), 0);
    expect(got.map(({ torn, ordered }) => ({ torn, ordered }))).toEqual(
      got.map(() => ({ torn: 0, ordered: true })),
    );
    expect({ count: sum('count'), distinct: sum('distinct'), sum: sum('sum') }).toMatchObject({
      ...{ count, distinct: count, sum: (count * (count - 1)) / 2 },
    });
    expect(got.every((each) => Number(each['count']) > count / 10)).toBe(true);
  });

  it('subscribes to topics of a PUB, and gets no other', time, async () => {
    const publisher = peer(
      'pub',
      'tcp://127.0.0.1:*',
      '--bind',
      '--hwm',
      '0',
      '--count',
      `${count}`,
      '--topic',
      'a',
      '--topic',
      'b',
    );
    const endpoint = await open(`zmq+sub:connect:${await publisher.line()}?topic=a&topic=b&hwm=0`, 'source');
    const messages: Message[] = [];
    let ends = 0;
    for await (const [topic, ...message] of messagesOf(sourceOf(endpoint))) {
      expect(['a', 'b']).toContain(Buffer.from(topic ?? []).toString());
      if (message.length === 1) ends += 1;
      else messages.push(message);
      if (ends === 2) break;
    }
    const expected = Array.from({ length: count }, (_, at) => at).filter((at) => at % 3 < 2);
    expect(tally(messages)).toEqual({
      ...{ count: expected.length, distinct: expected.length, torn: 0, ordered: true },
      sum: expected.reduce((total, at) => total + at, 0),
    });
  });

  it('publishes to every SUB what it subscribed to', time, async () => {
    const endpoint = await open('zmq+pub:bind:tcp://127.0.0.1:*?hwm=0', 'sink');
    const subscribers = ['a', 'b'].map((topic) =>
      peer('sub', addressOf(endpoint), '--hwm', '0', '--topic', topic),
    );
    let waiting = subscribers.length;
    for (const { line } of subscribers) void line().then(() => (waiting -= 1));
    const say = async (message: Message): Promise<void> =>
      sinkOf(endpoint).write(['a', 'b'].map((topic) => [Buffer.from(topic), ...message]));
    while (waiting > 0) {
      await say([hello]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const topics = ['a', 'b', 'c'].map((topic) => Buffer.from(topic));
    let at = 0;
    await writeNumbered(sinkOf(endpoint), (message) => [topics[at++ % 3] ?? end, ...message]);
    await say([end]);
    await sinkOf(endpoint).end();
    for (const [topic, { result }] of subscribers.entries()) {
      const expected = Array.from({ length: count }, (_, each) => each).filter((each) => each % 3 === topic);
      expect(await result).toMatchObject({
        ...{ count: expected.length, torn: 0, ordered: true },
        sum: expected.reduce((total, each) => total + each, 0),
      });
    }
  });

  it('asks a ROUTER as a DEALER and gets every answer, in order', time, async () => {
    const answers = peer('router', 'tcp://127.0.0.1:*', '--bind', '--count', `${count}`);
    const url = `zmq+dealer:connect:${await answers.line()}?identity=asker&count=${count}`;
    const endpoint = await open(url, 'both');
    const [messages] = await Promise.all([all(sourceOf(endpoint)), writeNumbered(sinkOf(endpoint))]);
    expect(tally(messages)).toEqual(whole(count));
    expect(await answers.result).toEqual({ ...whole(count), names: [Buffer.from('asker').toString('hex')] });
  });

  it('gives requests of DEALERs to REPs behind it, each answer to who asked', time, async () => {
    const front = await open('zmq+router:bind:tcp://127.0.0.1:*', 'both');
    const back = await open('zmq+dealer:bind:tcp://127.0.0.1:*', 'both');
    const carried = [carry(sourceOf(front), sinkOf(back)), carry(sourceOf(back), sinkOf(front))];
    for (const name of ['one', 'two']) peer('worker', addressOf(back), '--topic', name);
    const clients = [0, 1].map((nth) =>
      peer('client', addressOf(front), '--count', `${count / 2}`, '--from', `${(nth * count) / 2}`),
    );
    const [first, second] = await Promise.all(clients.map(({ result }) => result));
    for (const each of [first, second])
      expect(each).toMatchObject({ count: count / 2, distinct: count / 2, torn: 0 });
    expect(Number(first?.['sum']) + Number(second?.['sum'])).toBe((count * (count - 1)) / 2);
    const workers = first?.['workers'] as Record<string, number>;
    expect(Object.keys(workers).sort()).toEqual(['one', 'two']);
    for (const served of Object.values(workers)) expect(served).toBeGreaterThan(count / 20);
    for (const half of [front, back]) sourceOf(half).stop();
    await Promise.all(carried);
  });

  it('is not held up by a SUB that has stopped', time, async () => {
    const endpoint = await open('zmq+pub:bind:tcp://127.0.0.1:*?linger=1', 'sink');
    const stopped = peer('sub', addressOf(endpoint), '--topic', '');
    let isReady = false;
    void stopped.line().then(() => (isReady = true));
    while (!isReady) {
      await sinkOf(endpoint).write([[new Uint8Array(), hello]]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stopped.child.kill('SIGSTOP');
    const large = Buffer.alloc(10_000);
    // More than every buffer on the way holds.
    for (let round = 0; round < 100; round += 1)
      await sinkOf(endpoint).write(Array.from({ length: 100 }, () => [new Uint8Array(), large]));
    await sinkOf(endpoint).end();
  });

  describe('with CURVE', () => {
    it('is a server of those who know its key, and a client', time, async () => {
      const folder = await temporaryDirectory();
      await peer('certificates', folder).result;
      const key = (name: string): string => join(folder, name);
      await chmod(key('server.key_secret'), 0o600);
      const url = `zmq+pull:bind:tcp://127.0.0.1:*?count=100&curve-secret-key-file=${key('server.key_secret')}`;
      const endpoint = await open(url, 'source');
      peer(
        'push',
        addressOf(endpoint),
        '--count',
        '100',
        '--certificate',
        key('client.key_secret'),
        '--server-certificate',
        key('server.key'),
      );
      expect(tally(await all(sourceOf(endpoint)))).toEqual(whole(100));

      const puller = peer('pull', 'tcp://127.0.0.1:*', '--bind', '--certificate', key('server.key_secret'));
      const client = await open(
        `zmq+push:${await puller.line()}?curve-server-key-file=${key('server.key')}`,
        'sink',
      );
      await sinkOf(client).write([numbered(0), numbered(1), [end]]);
      await sinkOf(client).end();
      expect(await puller.result).toEqual(whole(2));
      expect(notes).toEqual([]);
    });

    it('lets in only those whose keys are in the list', time, async () => {
      const folder = await temporaryDirectory();
      await peer('certificates', folder).result;
      const key = (name: string): string => join(folder, name);
      await chmod(key('server.key_secret'), 0o600);
      const { publicKey } = curveKeyPair();
      await writeFile(key('others'), `${publicKey}\n`);
      const options = `curve-secret-key-file=${key('server.key_secret')}&curve-allow-file=`;
      const certificate = [
        '--certificate',
        key('client.key_secret'),
        '--server-certificate',
        key('server.key'),
      ];

      const closed = await open(`zmq+pull:bind:tcp://127.0.0.1:*?${options}${key('others')}`, 'source');
      const refused = new Promise<void>((resolve) => {
        const look = (): void => (notes.length > 0 ? resolve() : void setTimeout(look, 5));
        look();
      });
      const read = sourceOf(closed).read(mostBytes);
      peer('push', addressOf(closed), '--count', '1', ...certificate);
      await refused;
      expect(notes[0]).toContain('check the keys');
      sourceOf(closed).stop();
      expect(await read).toBeUndefined();

      const allowed = /^\s*public-key = "(.*)"/m.exec(await readFile(key('client.key'), 'utf8'))?.[1];
      await writeFile(key('those'), `# who may come\n${publicKey}\n${allowed ?? ''}\n`);
      const guarded = await open(
        `zmq+pull:bind:tcp://127.0.0.1:*?count=3&${options}${key('those')}`,
        'source',
      );
      peer('push', addressOf(guarded), '--count', '3', ...certificate);
      expect(tally(await all(sourceOf(guarded)))).toEqual(whole(3));
    });
  });
});
