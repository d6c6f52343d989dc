import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ListeningEvent, XferEvent } from '../../../src/app/events.js';
import type { SendOptions } from '../../../src/app/options.js';
import { receive } from '../../../src/app/receive.js';
import { send } from '../../../src/app/send.js';
import { sendStdin } from '../../../src/app/send-stdin.js';
import { XferError } from '../../../src/errors/index.js';
import type { MemoryOptions } from '../../support/memory-transport.js';
import { RelayNet } from '../../support/relay-net.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';
import { HandEndpoint } from './pipe-app-kit.js';

const words = 'nobody else can reach this fabric, so they say. ';
const large = words.repeat(20_000);
const small = `${words} small`;

interface Run {
  readonly fabric: boolean;
  readonly here: boolean;
  readonly there: boolean;
  readonly relayed?: boolean;
  /** From a stream, in place of files. */
  readonly streamed?: boolean;
}

interface Told {
  readonly notes: readonly string[];
  readonly lane: XferEvent | undefined;
  readonly done: XferEvent | undefined;
}

/** One transfer between two users of whom each trusts fabrics or does not: what each side told, and what the wire showed. */
async function run({ fabric, here, there, relayed = false, streamed = false }: Run) {
  const wire: Uint8Array[] = [];
  const tamper = (bytes: Uint8Array) => {
    wire.push(Uint8Array.from(bytes));
    return [bytes];
  };
  const net = new RelayNet({ fabric, dialerHooks: { tamper } } satisfies MemoryOptions);
  onTestFinished(() => net.close());
  const transports = net.registry;
  const work = await temporaryDirectory();
  const [out, tree] = [join(work, 'out'), join(work, 'tree')];
  const homes = [join(work, 'home-here'), join(work, 'home-there')];
  await Promise.all([out, tree, ...homes].map((path) => mkdir(path)));
  await writeFile(join(tree, 'large'), large);
  await writeFile(join(tree, 'small'), small);
  const stop = new AbortController();
  onTestFinished(() => stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over')));
  const common = { transports, signal: stop.signal, compress: 'off' } as const;
  const events = { here: [] as XferEvent[], there: [] as XferEvent[] };
  let received: Promise<unknown> = Promise.resolve();
  const listening = await new Promise<ListeningEvent>((resolve, reject) => {
    received = receive({
      ...{ ...common, home: homes[1] ?? '', directory: out, listen: ['memory://127.0.0.1:0'], once: true },
      trustFabric: there,
      onEvent: (event) => {
        events.there.push(event);
        if (event.event === 'listening') resolve(event);
      },
    });
    received.catch(reject);
  });
  const relay = relayed ? await net.relay() : undefined;
  const options: SendOptions = {
    ...{ ...common, home: homes[0] ?? '', paths: [tree] },
    ...{ target: listening.addresses[0] ?? '', code: listening.code ?? '', trustFabric: here },
    ...(relay ? { via: [relay.url] } : {}),
    onEvent: (event) => events.here.push(event),
  };
  if (streamed) {
    const source = new HandEndpoint('-');
    source.hand.push(large).end();
    await sendStdin({ ...options, paths: ['-'], name: 'large', stdio: () => source });
  } else await send(options);
  await received;
  const at = streamed ? out : join(out, 'tree');
  expect(await readFile(join(at, 'large'), 'utf8')).toBe(large);
  if (!streamed) expect(await readFile(join(at, 'small'), 'utf8')).toBe(small);
  const seen = Buffer.concat(wire).toString('latin1');
  return {
    ...{ here: toldBy(events.here), there: toldBy(events.there) },
    showsContent: seen.includes(words),
    showsNames: seen.includes('large') || seen.includes('small\n'),
  };
}

const toldBy = (events: readonly XferEvent[]): Told => ({
  notes: events.flatMap((event) => (event.event === 'note' ? [event.message] : [])),
  lane: events.find(({ event }) => event === 'lane'),
  done: events.find(({ event }) => event === 'done'),
});

const sealedFor = (why: string) => `content goes sealed in spite of --trust-fabric: ${why}`;
const notSaid = sealedFor('the other side does not say the same');
const noFabric = sealedFor('memory is no fabric; where one joins, what goes over it is not sealed');
const overRelay = sealedFor('the way leads over a relay');

describe('a transfer of which both sides trust the fabric', () => {
  it.each([false, true])(
    'has its content on the wire as it is, and nothing else (streamed: %s)',
    async (streamed) => {
      const { here, there, showsContent, showsNames } = await run({
        ...{ fabric: true, here: true, there: true, streamed },
      });
      expect([showsContent, showsNames]).toEqual([true, false]);
      for (const { notes, lane, done } of [here, there]) {
        expect(notes).toEqual([]);
        expect(lane).toMatchObject({ lane: 0, state: 'up', sealed: false });
        expect(done).toMatchObject({ sealed: false });
      }
    },
  );
});

describe('a transfer is sealed', () => {
  it.each<[string, Run, string[], string[]]>([
    ['where nobody trusts the fabric', { fabric: true, here: false, there: false }, [], []],
    ['where the sender alone does', { fabric: true, here: true, there: false }, [notSaid], []],
    ['where the receiver alone does', { fabric: true, here: false, there: true }, [], [notSaid]],
    ['where it goes over no fabric', { fabric: false, here: true, there: true }, [noFabric], [noFabric]],
    // The receiver does not see the relay, and so hears of it from the sender alone.
    ['over a relay', { fabric: true, here: true, there: true, relayed: true }, [overRelay], [notSaid]],
  ])('%s, and who would not have had it so is told once', async (_, given, notesHere, notesThere) => {
    const { here, there, showsContent } = await run(given);
    expect(showsContent).toBe(false);
    expect([here.notes, there.notes]).toEqual([notesHere, notesThere]);
    for (const { lane, done } of [here, there]) {
      expect(lane).toBeDefined();
      expect(done).toBeDefined();
      expect(lane).not.toHaveProperty('sealed');
      expect(done).not.toHaveProperty('sealed');
    }
  });
});
