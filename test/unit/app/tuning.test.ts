import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  DialOptions,
  ListenOptions,
  Transport,
  TransportDescriptor,
  TransportTuning,
} from 'xfer/plugin';
import type { XferEvent } from '../../../src/app/events.js';
import { receive } from '../../../src/app/receive.js';
import { relay } from '../../../src/app/relay.js';
import { send } from '../../../src/app/send.js';
import { sendToMany } from '../../../src/app/send-many.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { XferError } from '../../../src/errors/index.js';
import { memory } from '../../support/memory-transport.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

const code = '11-one code for all of them';

/** What each side says; nobody may get another's. */
const receivers = { congestion: 'ledbat', mtuBytes: 1500 };
const senders = { congestion: 'cubic', mtuBytes: 1400 };
const relays = { congestion: 'fixed:1000', mtuBytes: 9000 };

/** Notes with what every listener and dial was tuned. */
function noting(used: Used[]): TransportDescriptor {
  const inner = memory();
  return {
    ...inner,
    load: async () => {
      const transport = await inner.load();
      const noted: Transport = {
        probe: () => transport.probe(),
        listen: (at, options: ListenOptions) => {
          used.push(['listen', options.tuning]);
          return transport.listen(at, options);
        },
        dial: (to, options: DialOptions) => {
          used.push(['dial', options.tuning]);
          return transport.dial(to, options);
        },
      };
      return noted;
    },
  };
}

type Used = readonly ['listen' | 'dial', TransportTuning | undefined];

let used: Used[];
let transports: TransportRegistry;
let work: string;
let stop: AbortController;
beforeEach(async () => {
  used = [];
  transports = new TransportRegistry();
  transports.add(noting(used), 'test');
  work = await temporaryDirectory();
  stop = new AbortController();
  await writeFile(join(work, 'file'), 'content');
});
afterEach(() => stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over')));

async function home(name: string): Promise<string> {
  await mkdir(join(work, name), { recursive: true });
  return join(work, name);
}

/** Starts it and gives its address or room. */
async function listening<Result>(start: (onEvent: (event: XferEvent) => void) => Promise<Result>) {
  let running: Promise<Result> | undefined;
  const event = await new Promise<Extract<XferEvent, { event: 'listening' }>>((resolve, reject) => {
    running = start((event) => event.event === 'listening' && resolve(event));
    running.catch(reject);
  });
  return { url: event.addresses[0] ?? '', running };
}

const startReceiver = async (name: string, via: readonly string[] = []) =>
  listening(async (onEvent) =>
    receive({
      ...{ home: await home(name), directory: join(work, `out-${name}`), once: true, code },
      ...{ listen: via.length > 0 ? [] : ['memory://127.0.0.1:0'], via },
      ...(via.length > 0 ? { room: 'a-room' } : {}),
      ...{ signal: stop.signal, transports, onEvent, tuning: receivers },
    }),
  );

const startRelay = (dial?: readonly string[]) =>
  listening(async (onEvent) =>
    relay({
      ...{ home: await home('relay'), listen: ['memory://127.0.0.1:0'] },
      ...{ signal: stop.signal, transports, onEvent, tuning: relays },
      ...(dial ? { dial } : {}),
    }),
  );

const sending = async () => ({
  ...{ home: await home('sender'), paths: [join(work, 'file')], code, lanes: 2 },
  ...{ signal: stop.signal, transports, onEvent: () => undefined, tuning: senders },
});

describe('how the network is to be used', () => {
  it('is told to what listens and to what dials, each by its own side', async () => {
    const { url, running } = await startReceiver('a');
    await send({ ...(await sending()), target: url });
    await running;
    expect(used[0]).toEqual(['listen', receivers]);
    expect(used.length).toBeGreaterThan(2);
    for (const one of used.slice(1)) expect(one).toEqual(['dial', senders]);
  });

  it('is told to every dial of a sender with several targets', async () => {
    const there = [await startReceiver('a'), await startReceiver('b')];
    await sendToMany({ ...(await sending()), targets: there.map(({ url }) => url) });
    const dials = used.filter(([what]) => what === 'dial');
    // Two sessions, and what is sealed once for both.
    expect(dials.length).toBeGreaterThanOrEqual(4);
    for (const one of dials) expect(one).toEqual(['dial', senders]);
  });

  it('is a matter of each hop over a relay', async () => {
    const { url } = await startRelay(['any']);
    const receiver = await startReceiver('a');
    used.length = 0;
    await send({ ...(await sending()), target: receiver.url, via: [url] });
    expect(used[0]).toEqual(['dial', senders]);
    expect(used[1]).toEqual(['dial', relays]);
  });

  it("is the receiver's for its way to a room, and the relay's for its listener", async () => {
    const { url } = await startRelay();
    await startReceiver('a', [url]);
    expect(used).toEqual([
      ['listen', relays],
      ['dial', receivers],
    ]);
    await sendToMany({ ...(await sending()), targets: ['room:a-room'], via: [url] });
    for (const one of used.slice(2)) expect(one).toEqual(['dial', senders]);
  });

  it('is left to the transport where nobody says anything', async () => {
    const { url } = await listening(async (onEvent) =>
      receive({
        ...{ home: await home('a'), directory: join(work, 'out'), once: true, code },
        ...{ listen: ['memory://127.0.0.1:0'], signal: stop.signal, transports, onEvent },
      }),
    );
    const { tuning: _, ...plain } = await sending();
    await send({ ...plain, target: url });
    expect(new Set(used.map(([, tuning]) => tuning))).toEqual(new Set([undefined]));
  });
});
