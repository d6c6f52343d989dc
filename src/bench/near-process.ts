import { asXferError, XferError } from '../errors/index.js';
import type { TransportRegistry } from '../transport/registry.js';
import { isContestant, type BenchSetup, type Contestant, type ContestantSource } from './contract.js';
import { Kept } from './kept.js';
import {
  packResult,
  type FoundNear,
  type NearAnswer,
  type NearRequest,
  type NearSetup,
} from './near-message.js';
import { loopback } from './places.js';
import type { BenchSkipped } from './report.js';

export interface NearOptions {
  /** Who runs inside of a process. */
  readonly sources: readonly ContestantSource[];
  readonly transports: TransportRegistry;
  readonly requests: AsyncIterable<string>;
  readonly signal: AbortSignal;
  tell(answer: NearAnswer): void;
}

/**
 * What a bench whose own process is not at the near end of its place has run there, for as long as it asks. What is kept is
 * kept through all works, as it would be over there.
 */
export async function serveNear({ requests, tell, ...options }: NearOptions): Promise<void> {
  const near = new NearContestants(options);
  try {
    for await (const line of requests)
      try {
        await near.obey(JSON.parse(line) as NearRequest, tell);
      } catch (thrown) {
        const { code, message, remedy } = asXferError(thrown);
        tell({ answer: 'failed', code, message, remedy });
      }
  } finally {
    await near.close();
  }
}

class NearContestants {
  readonly #options: Pick<NearOptions, 'sources' | 'transports' | 'signal'>;
  readonly #kept = new Kept();
  readonly #contestants = new Map<number, Contestant>();
  #found = 0;

  constructor(options: Pick<NearOptions, 'sources' | 'transports' | 'signal'>) {
    this.#options = options;
  }

  async obey(request: NearRequest, tell: (answer: NearAnswer) => void): Promise<void> {
    if (request.ask === 'find') return tell({ answer: 'found', found: await this.#find(request.setup) });
    const contestant = this.#contestants.get(request.number);
    if (!contestant) throw new XferError('ERR_XFER_INTERNAL', 'there is no such contestant');
    if (request.ask === 'run') {
      const result = await contestant.run((progress) => tell({ answer: 'progress', progress }));
      return tell({ answer: 'ran', result: packResult(result) });
    }
    this.#contestants.delete(request.number);
    await contestant.close();
    tell({ answer: 'closed' });
  }

  async close(): Promise<void> {
    for (const contestant of this.#contestants.values()) await contestant.close();
    await this.#kept.close();
  }

  async #find({ farHost, ...rest }: NearSetup): Promise<readonly (FoundNear | BenchSkipped)[]> {
    const { sources, transports, signal } = this.#options;
    const setup: BenchSetup = {
      ...rest,
      ...{ transports, signal, kept: this.#kept, peers: [] },
      // Here is the near end, of a link.
      place: { ...loopback, farHost, isAlone: true },
    };
    const all: (FoundNear | BenchSkipped)[] = [];
    for (const source of sources)
      for await (const found of source(setup)) all.push(isContestant(found) ? this.#number(found) : found);
    return all;
  }

  #number(contestant: Contestant): FoundNear {
    const number = this.#found++;
    this.#contestants.set(number, contestant);
    const { name, kind, isSealed, transport, loops, provider, how } = contestant;
    return {
      number,
      about: {
        ...{ name, kind, isSealed },
        ...(transport === undefined ? {} : { transport }),
        ...(loops === undefined ? {} : { loops }),
        ...(provider === undefined ? {} : { provider }),
        ...(how === undefined ? {} : { how }),
      },
    };
  }
}
