import { isIP } from 'node:net';
import { waysDefaults } from '../config/index.js';
import { formatAddress, type Address } from '../transport/address.js';
import type { Connection, TransportTuning } from '../transport/contract.js';
import { DialLimit } from '../transport/dial-limit.js';
import { dialTargets, type Resolving } from '../transport/dial-targets.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { Decision } from './events.js';
import type { Ways, WayThere } from './ways.js';
import { planWays, type NamedHost, type PlannedWay } from './ways-plan.js';
import { WayRace } from './ways-race.js';
import { goesByName, judgeTold, type KnownHost } from './ways-told.js';

export interface DirectWaysOptions {
  readonly named: NamedHost;
  readonly transports: TransportRegistry;
  /** Schemes that may be used. Default: all that are there. */
  readonly use?: readonly string[] | undefined;
  readonly tuning?: TransportTuning | undefined;
  /** Default: the system's. */
  readonly resolve?: Resolving['resolve'];
  onDecision(decision: Decision): void;
}

/** The ways to a host that was named without a scheme (docs/selection.md). */
export function directWays(options: DirectWaysOptions): Ways {
  return new DirectWays(options);
}

class DirectWays implements Ways {
  readonly #options: DirectWaysOptions;
  readonly #schemes: ReadonlySet<string>;
  #race: WayRace | undefined;
  #given: WayThere | undefined;
  /** Where somebody answered last: a connection on which nobody did never takes its place. */
  #best: Address | undefined;
  /** Of candidates that are dialled by name: the address that may be dialled, whatever the name stands for by then. */
  readonly #pinned = new Map<string, string>();

  constructor(options: DirectWaysOptions) {
    this.#options = options;
    const { transports, use, tuning } = options;
    const there = transports.schemes();
    // Who names quic beside a control that it does not have is told so by quic; else it is no way.
    const wanted = (scheme: string): boolean =>
      use ? use.includes(scheme) : scheme !== 'quic' || (tuning?.congestion ?? 'cubic') === 'cubic';
    this.#schemes = new Set(there.filter(wanted));
  }

  async dialFirst(signal: AbortSignal): Promise<WayThere> {
    signal.throwIfAborted();
    const hasAnswered = this.#given?.hasAnswered?.();
    if (hasAnswered === false && this.#race?.isOver === false) return this.#next(this.#race);
    if (hasAnswered) this.#best = this.#given?.address;
    return this.#next((this.#race = this.#newRace(signal)));
  }

  async dial(address: Address, signal: AbortSignal): Promise<Connection> {
    const pinned = this.#pinned.get(formatAddress(address));
    return this.#dial(address, signal, pinned === undefined ? undefined : [pinned]);
  }

  candidates(there: WayThere, listens: readonly string[]): readonly Address[] {
    const known = this.#knownHost(there);
    const told = judgeTold(listens, known, this.#schemes);
    const addresses = told.flatMap((way) => ('address' in way ? [way.address] : []));
    // Who does not tell of the way that works may not know how he is reached, or is of a version that tells nothing.
    const isComplete = addresses.some((address) => placeOf(address) === placeOf(there.address));
    const all = isComplete ? addresses : [...addresses, ...this.#guesses(there, known)];
    const places = new Map([[placeOf(there.address), there.address]]);
    for (const address of all) if (!places.has(placeOf(address))) places.set(placeOf(address), address);
    const [, ...others] = places.values();
    for (const way of told)
      if ('refused' in way)
        this.#options.onDecision({ decision: 'refuse', message: `told ${way.told}: ${way.refused}` });
    const candidates = others.slice(0, waysDefaults.maxTold);
    if (known.answering !== undefined)
      for (const address of candidates)
        if (goesByName(address.scheme)) this.#pinned.set(formatAddress(address), known.answering);
    const shown = candidates.map(formatAddress).join(', ') || 'none';
    this.#options.onDecision({
      decision: 'offer',
      message: `ways to try beside ${formatAddress(there.address)}: ${shown}`,
      numbers: { told: listens.length, candidates: candidates.length },
    });
    return candidates;
  }

  async #next(race: WayRace): Promise<WayThere> {
    return (this.#given = await race.next());
  }

  #newRace(signal: AbortSignal): WayRace {
    const { named, onDecision } = this.#options;
    let found: Promise<readonly string[]> | undefined;
    // Where names are looked up by a proxy alone, nobody here answers.
    const byName = () => race.startNow(({ scheme }) => goesByName(scheme));
    const race = new WayRace({
      host: named.host,
      plan: this.#plan(),
      signal,
      // One look-up for all, which takes no longer than the first way alone would.
      dial: async (address, late, begin) => {
        const [resolved] = await Promise.all([
          goesByName(address.scheme) ? undefined : (found ??= this.#lookUp(address, late, byName)),
          this.#options.transports.get(address.scheme),
        ]);
        late.throwIfAborted();
        begin();
        return this.#dial(address, late, resolved);
      },
      onDecision,
    });
    return race;
  }

  /** What answered last is tried first. */
  #plan(): readonly PlannedWay[] {
    const plan = planWays(this.#options.named, this.#schemes);
    const best = this.#best;
    if (!best) return plan;
    const others = plan.filter(({ address }) => placeOf(address) !== placeOf(best));
    return [
      { address: best, afterMs: 0 },
      ...others.map((way, i) => (i === 0 ? { ...way, afterMs: waysDefaults.nextWayMs } : way)),
    ];
  }

  async #dial(address: Address, signal: AbortSignal, resolved?: readonly string[]): Promise<Connection> {
    const { transports, tuning } = this.#options;
    const transport = await transports.get(address.scheme);
    return transport.dial(address, {
      signal,
      ...(resolved ? { resolved } : {}),
      ...(tuning ? { tuning } : {}),
    });
  }

  async #lookUp(address: Address, signal: AbortSignal, onLate: () => void): Promise<readonly string[]> {
    const late = setTimeout(onLate, waysDefaults.nextWayMs);
    try {
      const { resolve } = this.#options;
      const targets = await dialTargets(
        address,
        new DialLimit({ signal }, address.host),
        resolve && { resolve },
      );
      return targets.map((target) => target.address);
    } finally {
      clearTimeout(late);
    }
  }

  #knownHost({ connection }: WayThere): KnownHost {
    const { named } = this.#options;
    const { host } = connection.remote;
    const answering = isIP(host.split('%')[0] ?? '') ? host : undefined;
    return { ...named, answering };
  }

  #guesses(there: WayThere, { host, answering }: KnownHost): readonly Address[] {
    const { port } = there.address;
    const plans = [this.#options.named, { host, port }].map((named) => planWays(named, this.#schemes));
    return plans
      .flat()
      .map(({ address }) => address)
      .filter((address) => !goesByName(address.scheme))
      .filter((address) => address.port !== waysDefaults.lastPort || port === waysDefaults.lastPort)
      .map((address) => ({ ...address, host: answering ?? host }));
  }
}

/** One address for each of these. */
const placeOf = ({ scheme, port }: Address): string => `${scheme} ${port}`;
