import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ListeningEvent, XferEvent } from '../../../src/app/events.js';
import type { PipeOptions, PipePlace } from '../../../src/app/pipe-options.js';
import { pipe } from '../../../src/app/pipe.js';
import { XferError } from '../../../src/errors/index.js';
import type {
  Endpoint,
  EndpointKind,
  EndpointListenOptions,
  EndpointUse,
  PipeSink,
  PipeSource,
} from '../../../src/pipe/endpoint.js';
import { EndpointRegistry } from '../../../src/pipe/endpoint-registry.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import type { MemoryLink } from '../../support/memory-link.js';
import { memory } from '../../support/memory-transport.js';
import { temporaryDirectory } from '../../support/run-xfer.js';
import { HandSource, NotingBytes } from '../pipe/endpoint-fakes.js';

/** An endpoint that a test holds in its hands. */
export class HandEndpoint implements Endpoint {
  readonly label: string;
  readonly source: PipeSource;
  readonly sink: PipeSink;
  isClosed = false;

  constructor(label: string, source: PipeSource = new HandSource(), sink: PipeSink = new NotingBytes()) {
    this.label = label;
    this.source = source;
    this.sink = sink;
  }

  get hand(): HandSource {
    return this.source as HandSource;
  }

  get text(): string {
    return (this.sink as NotingBytes).text;
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

export const place = (url: string): PipePlace => ({ kind: 'endpoint', url });
export const target = (url: string): PipePlace => ({ kind: 'target', target: url });
export const stdio: PipePlace = { kind: 'stdio' };
export const listen: PipePlace = { kind: 'listen', urls: ['memory://127.0.0.1:0'] };

/** Machines with pipes, joined in this process; endpoints `hand:NAME` are what the test gives, or are made when opened. */
export class PipeAppKit {
  readonly transports = new TransportRegistry();
  readonly endpoints = new EndpointRegistry();
  readonly opened: { readonly url: string; readonly use: EndpointUse; readonly endpoint: HandEndpoint }[] =
    [];
  readonly stop = new AbortController();
  /** What `hand:NAME` fails with, by NAME. */
  readonly failures = new Map<string, XferError>();
  /** Both ends of the links that were made. */
  readonly links: MemoryLink[] = [];
  readonly #listeners: EndpointListenOptions[] = [];
  readonly #given = new Map<string, HandEndpoint>();
  readonly #work: string;
  readonly #waiting: (() => void)[] = [];
  #homes = 0;

  private constructor(work: string) {
    this.#work = work;
    this.transports.add(
      memory({ onLink: (...ends) => this.links.push(...(ends.slice(0, 2) as MemoryLink[])) }),
      'test',
    );
    for (const [name, kind] of Object.entries({ hand: this.#kind(), 'hand-listen': this.#acceptingKind() })) {
      const load = () => Promise.resolve(kind);
      this.endpoints.add({ apiVersion: 1, name, schemes: [name], load }, 'test');
    }
    onTestFinished(() => this.stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over')));
  }

  static async make(): Promise<PipeAppKit> {
    return new PipeAppKit(await temporaryDirectory());
  }

  give(name: string, endpoint: HandEndpoint): HandEndpoint {
    this.#given.set(name, endpoint);
    return endpoint;
  }

  /** Somebody comes to `hand-listen:`. */
  come(label: string): HandEndpoint {
    const endpoint = new HandEndpoint(label);
    this.#listeners[0]?.onEndpoint(endpoint);
    return endpoint;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async run(from: PipePlace | PipePlace[], to: PipePlace | PipePlace[], more: Partial<PipeOptions> = {}) {
    const home = join(this.#work, `home${++this.#homes}`);
    await mkdir(home);
    const events: XferEvent[] = [];
    const tell = (event: XferEvent) => {
      events.push(event);
      this.poke();
    };
    const over = pipe({
      ...{ home, signal: this.stop.signal, transports: this.transports, endpoints: this.endpoints },
      ...{ from: [from].flat(), to: [to].flat(), onEvent: tell },
      ...more,
    });
    over.catch(() => undefined).finally(() => this.poke());
    return { events, over: over };
  }

  /** A side that waits; where the others find it, and the code. */
  async listener(other: PipePlace, isSink: boolean, more: Partial<PipeOptions> = {}) {
    const running = await this.run(isSink ? listen : other, isSink ? other : listen, more);
    await this.until(() => running.events.some(({ event }) => event === 'listening'));
    const event = running.events.find((one): one is ListeningEvent => one.event === 'listening');
    return { ...running, at: target(event?.addresses[0] ?? ''), code: event?.code ?? '' };
  }

  /** Whoever waits looks again. */
  poke(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #kind(): EndpointKind {
    const nameOf = (url: string) => url.slice(url.indexOf(':') + 1);
    const open = (url: string, use: EndpointUse): HandEndpoint => {
      const failure = this.failures.get(nameOf(url));
      if (failure) throw failure;
      const endpoint = this.#given.get(nameOf(url)) ?? new HandEndpoint(url);
      this.opened.push({ url, use, endpoint });
      this.poke();
      return endpoint;
    };
    return {
      check: (url) => {
        if (nameOf(url) === 'wrong') throw new XferError('ERR_XFER_USAGE', 'it is no such endpoint');
      },
      open: (url, { use }) => Promise.resolve().then(() => open(url, use)),
    };
  }

  #acceptingKind(): EndpointKind {
    return {
      ...this.#kind(),
      listen: (url, options) => {
        this.#listeners.push(options);
        this.poke();
        return Promise.resolve({ address: url, close: () => Promise.resolve() });
      },
    };
  }

  get isAccepting(): boolean {
    return this.#listeners.length > 0;
  }
}
