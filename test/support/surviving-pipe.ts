import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { CutProxy, type CutProxyOptions } from './cut-proxy.js';
import {
  dialPipe,
  listenPipe,
  pipeErrorOf,
  runPipe,
  type PipeEnded,
  type PipeRun,
  type PipeRunOptions,
} from './run-pipe.js';

/** Which way content goes, seen from the dialer. */
export type PipeWay = 'up' | 'down' | 'duplex';

export interface SurvivingOptions {
  readonly way?: PipeWay;
  /** Of each way that content goes. */
  readonly bytes?: number;
  /** Of both sides, and of the dialer. */
  readonly flags?: readonly string[];
  readonly dialerFlags?: readonly string[];
  /** What it listens on. Default: tcp. */
  readonly listen?: string;
  /** Relays of the dialer. Default: it goes over `proxy`. */
  readonly via?: readonly string[];
  /** Where the dialer finds who listens there. Default: over `proxy`. */
  readonly reach?: (address: string) => Promise<string>;
  readonly cutBehind?: CutProxyOptions['cutBehind'];
  readonly dialer?: PipeRunOptions;
  readonly listener?: PipeRunOptions;
  /** Input is written by the test. Default: all of it at once, and its end. */
  readonly isByHand?: boolean;
}

const MiB = 2 ** 20;
const timeoutMs = 60_000;
const last: Readonly<Record<PipeWay, readonly string[]>> = { up: [], down: ['-'], duplex: ['--duplex'] };

/** Both sides of a pipe over a network of which something is cut, and what must come out of them. */
export class SurvivingPipe {
  readonly way: PipeWay;
  readonly input: Buffer;
  readonly dialer: PipeRun;
  readonly listener: PipeRun;
  /** Not there where the dialer has another way. */
  readonly proxy: CutProxy | undefined;

  static async open(options: SurvivingOptions = {}): Promise<SurvivingPipe> {
    const { way = 'up', bytes = 24 * MiB, flags = [], dialerFlags = [], via = [], reach } = options;
    const input = randomBytes(bytes);
    const given = inputs(way, input, options);
    const { listen, cutBehind } = options;
    const listening = await listenPipe([...last[way], ...flags], {
      ...{ ...given.listener, ...(listen === undefined ? {} : { listen }) },
      ...options.listener,
    });
    const behind = listening.address;
    const isBehindProxy = !reach && via.length === 0;
    const proxy = isBehindProxy
      ? await CutProxy.open({ behind, isOnce: true, ...(cutBehind && { cutBehind }) })
      : undefined;
    const address = proxy?.url ?? (await reach?.(behind)) ?? behind;
    const relays = via.flatMap((hop) => ['--via', hop]);
    const words = [...last[way], ...flags, ...relays, ...dialerFlags];
    const dialer = await dialPipe({ ...listening, address }, words, given.dialer);
    return new SurvivingPipe({ way, input, dialer, listener: listening.run, proxy });
  }

  /** In a room of a relay, to which each has a way of its own. */
  static async meet(way: PipeWay, via: { readonly listener: string; readonly dialer: string }) {
    const input = randomBytes(24 * MiB);
    const given = inputs(way, input, {});
    const words = ['--listen', 'room:', '--via', via.listener, ...last[way]];
    const listener = await runPipe(words, given.listener);
    const { code = '' } = await listener.listening();
    const address = 'room:';
    const dialer = await dialPipe({ address, code }, ['--via', via.dialer, ...last[way]], given.dialer);
    return new SurvivingPipe({ way, input, dialer, listener, proxy: undefined });
  }

  private constructor(parts: Pick<SurvivingPipe, 'way' | 'input' | 'dialer' | 'listener' | 'proxy'>) {
    ({ way: this.way, input: this.input, dialer: this.dialer, listener: this.listener } = parts);
    this.proxy = parts.proxy;
  }

  /** Whoever content comes out of first. */
  get reader(): PipeRun {
    return this.way === 'down' ? this.dialer : this.listener;
  }

  get writer(): PipeRun {
    return this.way === 'down' ? this.listener : this.dialer;
  }

  /** Until so much has come out. */
  until(share: number): Promise<void> {
    return this.reader.until(({ bytesOut }) => bytesOut >= share * this.input.length);
  }

  /** Both end well, and all came out once, in order. */
  async expectWhole(): Promise<void> {
    const [dialer, listener] = await this.#ended();
    const story = dialer.stderr + listener.stderr;
    expect([dialer.status, listener.status], story).toEqual([0, 0]);
    if (this.way !== 'down') expect(listener.stdout.equals(this.input)).toBe(true);
    if (this.way !== 'up') expect(dialer.stdout.equals(this.input)).toBe(true);
  }

  /** Those of them that were not killed end with 3, for the connection is lost. */
  async expectLost(runs: readonly PipeRun[] = [this.dialer, this.listener]): Promise<void> {
    const ended = await Promise.all(runs.map((run) => run.ended));
    const found = ended.map((one) => [one.status, pipeErrorOf(one)]);
    const story = ended.map(({ stderr }) => stderr).join('');
    expect(found, story).toEqual(runs.map(() => [3, 'ERR_XFER_CONNECTION_LOST']));
  }

  #ended(): Promise<[PipeEnded, PipeEnded]> {
    return Promise.all([this.dialer.ended, this.listener.ended]);
  }
}

function inputs(way: PipeWay, input: Buffer, { isByHand = false, dialer }: SurvivingOptions) {
  const of = (gives: boolean): PipeRunOptions => ({
    ...{ timeoutMs, ...(isByHand ? {} : { input: gives ? input : '' }) },
  });
  return { listener: of(way !== 'up'), dialer: { ...of(way !== 'down'), ...dialer } };
}

/** Lanes that were lost, and those that came in their place, as the dialer tells. */
export function lanesOf({ events }: Pick<PipeRun, 'events'>): { readonly up: number; readonly down: number } {
  const lanes = events.flatMap((event) => (event.event === 'lane' ? [event.state] : []));
  return {
    up: lanes.filter((state) => state === 'up').length,
    down: lanes.filter((one) => one === 'down').length,
  };
}
