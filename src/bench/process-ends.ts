import { randomBytes, randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { BenchEnd } from '../app/bench-end.js';
import { makeCode } from '../session/code.js';
import { formatAddress, parseUrl } from '../transport/address.js';
import { relayWords, type Pipeline, type WayWords } from './child-words.js';
import type { BenchSetup } from './contract.js';
import type { XferChildOptions } from './xfer-child.js';

/** Which transport a contestant takes; `auto`: what xfer chooses among several. */
export interface ProcessWay {
  readonly name: string;
  readonly schemes: readonly string[];
  readonly isAuto: boolean;
  /** `bin/run.js` of the xfer that runs. Default: this one. */
  readonly program?: string;
}

/** Which of the two machines of a bench a process is on: dials, or waits to be dialled. */
export type Side = 'near' | 'far';

export type EndsSetup = Pick<
  BenchSetup,
  'directory' | 'countsCpu' | 'place' | 'isSealed' | 'recordBytes' | 'tuning' | 'hops' | 'lanes'
>;

/** What both ends of a run, and nobody else, have. */
export interface RunSecrets {
  /** Who has it may send. */
  readonly code: string;
  /** As in `BenchEnd`. */
  readonly unsealedKey?: string;
}

/** Options of the processes of a setup. */
export class ProcessEnds {
  readonly #setup: EndsSetup;
  readonly #way: ProcessWay;
  readonly secrets: RunSecrets;
  /** Empty: nothing but what any user could say. */
  readonly #benchEnd: string;
  /** Below those that systems give out by themselves. */
  readonly #port = 2 * randomInt(10_000, 16_000);

  /** `secrets`: where the other end has made them. `maxEntries`: as in `BenchEnd`. */
  constructor(setup: EndsSetup, way: ProcessWay, secrets?: RunSecrets, maxEntries?: number) {
    this.#setup = setup;
    this.#way = way;
    const { isSealed, recordBytes } = setup;
    this.secrets = secrets ?? {
      code: makeCode((bytes) => Uint8Array.from(randomBytes(bytes))),
      ...(isSealed ? {} : { unsealedKey: randomBytes(32).toString('hex') }),
    };
    const { unsealedKey } = this.secrets;
    const wanted: BenchEnd = {
      ...(unsealedKey === undefined ? {} : { unsealedKey }),
      ...(recordBytes === undefined ? {} : { recordBytes }),
      ...(maxEntries === undefined ? {} : { maxEntries }),
    };
    this.#benchEnd = Object.keys(wanted).length === 0 ? '' : JSON.stringify(wanted);
  }

  end(name: string, side: Side, words: readonly string[], pipeline?: Pipeline): XferChildOptions {
    const { directory, countsCpu, place } = this.#setup;
    const { program } = this.#way;
    const home = join(
      directory,
      `${program === undefined ? '' : 'baseline-'}home-${name.replaceAll(' ', '-')}`,
    );
    return {
      ...{ name, words, countsCpu, place: place[side] },
      ...(program === undefined ? {} : { program }),
      env: { XFER_HOME: home, XFER_CODE: this.secrets.code, XFER_BENCH_END: this.#benchEnd },
      ...(pipeline ? { pipeline } : {}),
    };
  }

  /** What an end listens on, that is found at `host`. Default of `port`: any that is free, or likely to be. */
  listen(host: string, port?: number): readonly string[] {
    const { schemes, isAuto } = this.#way;
    if (!isAuto) return schemes.map((scheme) => formatAddress({ scheme, host, port: port ?? 0 }));
    const shared = port ?? this.#port;
    return schemes.map((scheme) => formatAddress({ scheme, host, port: shared + behind(scheme) }));
  }

  /**
   * A target that leads to where somebody listens, who told this address first: as it was told, or without a transport, by the
   * number that several share. `host`: where that machine is, if it does not know itself.
   */
  target(told: string, host?: string): string {
    const listening = parseUrl(told);
    const address = host === undefined ? listening : { ...listening, host };
    if (!this.#way.isAuto) return formatAddress(address);
    const { scheme, port } = address;
    return formatAddress({ ...address, port: port - behind(scheme) }).replace(/^[^:]*:\/\//, '');
  }

  relays(): readonly XferChildOptions[] {
    const { hops, place, tuning } = this.#setup;
    // An emulated link is nobody else's.
    const dial = isIP(place.farHost) !== 0 && place.far.length === 0 ? place.farHost : 'any';
    const [listen = ''] = this.listen(place.farHost);
    return Array.from({ length: hops }, (_, i) =>
      this.end(`relay ${i + 1}`, 'far', relayWords(listen, dial, tuning)),
    );
  }

  way(via: readonly string[]): WayWords {
    const { tuning, lanes } = this.#setup;
    return {
      ...{ tuning, via },
      ...(lanes === undefined ? {} : { lanes }),
      ...(this.#way.isAuto ? { use: this.#way.schemes } : {}),
    };
  }
}

/** Where several share one number quic takes the next: udp has it. */
const behind = (scheme: string): number => (scheme === 'quic' ? 1 : 0);
