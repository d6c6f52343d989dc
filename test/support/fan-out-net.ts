import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { XferEvent } from '../../src/app/events.js';
import type { SendManyOptions, SendResult } from '../../src/app/options.js';
import { receive } from '../../src/app/receive.js';
import { sendToMany } from '../../src/app/send-many.js';
import { XferError } from '../../src/errors/index.js';
import { parseUrl } from '../../src/transport/address.js';
import type { MemoryLink } from './memory-link.js';
import { RelayNet } from './relay-net.js';

const code = '11-one code for all of them';

/** A link with what passed on it from the side that dialled. */
export interface Link {
  readonly dialer: MemoryLink;
  readonly listener: MemoryLink;
  bytes: number;
}

export interface OneReceiver {
  readonly url: string;
  readonly directory: string;
  readonly events: XferEvent[];
  readonly running: Promise<SendResult | undefined>;
  readonly stop: AbortController;
}

/** What a test does to the bytes that go over a link; `passed`: those before. */
export type Tamper = (bytes: Uint8Array, passed: number, link: Link) => Uint8Array;

/** One sender, a relay if wanted, and several receivers, all in this process; every link between them can be got at. */
export class FanOutNet {
  readonly net: RelayNet;
  readonly work: string;
  readonly #links = new Map<number, Link[]>();
  /** By the port that the link leads to. */
  readonly tamper = new Map<number, Tamper>();

  constructor(work: string) {
    this.work = work;
    this.net = new RelayNet({
      onLink: (dialer, listener, { port }) => {
        const link: Link = { dialer, listener, bytes: 0 };
        this.#links.set(port, [...this.linksTo(port), link]);
        dialer.hooks.tamper = (bytes) => {
          const passed = link.bytes;
          link.bytes += bytes.length;
          return [this.tamper.get(port)?.(bytes, passed, link) ?? bytes];
        };
      },
    });
  }

  linksTo(to: number | string): readonly Link[] {
    return this.#links.get(typeof to === 'number' ? to : parseUrl(to).port) ?? [];
  }

  /** Bytes that went there from those who dialled. */
  bytesTo(url: string): number {
    return this.linksTo(url).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async receiver(): Promise<OneReceiver> {
    const name = randomBytes(4).toString('hex');
    const directory = join(this.work, `out-${name}`);
    const events: XferEvent[] = [];
    const stop = new AbortController();
    let listens: (url: string) => void = () => undefined;
    const listening = new Promise<string>((resolve) => (listens = resolve));
    const running = receive({
      home: await this.#home(name),
      directory,
      listen: ['memory://127.0.0.1:0'],
      once: true,
      code,
      signal: stop.signal,
      transports: this.net.registry,
      onEvent: (event) => {
        events.push(event);
        if (event.event === 'listening') listens(event.addresses[0] ?? '');
      },
    });
    running.catch(() => undefined);
    return { url: await listening, directory, events, running, stop };
  }

  receivers(count: number): Promise<OneReceiver[]> {
    return Promise.all(Array.from({ length: count }, () => this.receiver()));
  }

  /** Sends to all of them; `events` is filled as it goes. */
  async send(paths: readonly string[], to: readonly OneReceiver[], more: Partial<SendManyOptions> = {}) {
    const events: XferEvent[] = [];
    const stop = new AbortController();
    const home = await this.#home('sender');
    const running = sendToMany({
      home,
      paths,
      targets: to.map(({ url }) => url),
      signal: stop.signal,
      transports: this.net.registry,
      code,
      ...more,
      onEvent: (event) => {
        events.push(event);
        more.onEvent?.(event);
      },
    });
    running.catch(() => undefined);
    return { running, events, stop };
  }

  /** A file of random bytes below the working directory; gives its path. */
  async file(name: string, bytes: number): Promise<string> {
    const path = join(this.work, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, randomBytes(bytes));
    return path;
  }

  /** Nobody is told anything more on the links that lead there. */
  cut(url: string): void {
    for (const { dialer, listener } of this.linksTo(url)) {
      dialer.break(new Error('cut'));
      listener.break(new Error('cut'));
    }
  }

  async close(): Promise<void> {
    await this.net.close();
  }

  async #home(name: string): Promise<string> {
    const home = join(this.work, `home-${name}`);
    await mkdir(home, { recursive: true });
    return home;
  }
}

/** The file is there, and the same. */
export async function expectSame(path: string, { directory }: OneReceiver, name: string): Promise<void> {
  const [sent, received] = await Promise.all([readFile(path), readFile(join(directory, name))]);
  expect(received.equals(sent), name).toBe(true);
}

/** Lanes that all share, as the sender tells of them for one target. */
export function sharedLanes(events: readonly XferEvent[], { url }: OneReceiver): string[] {
  return events.flatMap((event) =>
    event.event === 'lane' && event.target === url && event.lane === 1 ? [event.state] : [],
  );
}

export const notesFor = (events: readonly XferEvent[], { url }: OneReceiver) =>
  events.flatMap((event) => (event.event === 'note' && event.target === url ? [event.message] : []));

export const interrupted = () => new XferError('ERR_XFER_INTERRUPTED', 'the test stops it');
