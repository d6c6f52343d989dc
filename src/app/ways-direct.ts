import { isIP } from 'node:net';
import { waysDefaults } from '../config/index.js';
import type { XferError } from '../errors/index.js';
import { formatAddress, type Address } from '../transport/address.js';
import type { Connection, TransportTuning } from '../transport/contract.js';
import { DialLimit } from '../transport/dial-limit.js';
import { dialTargets, type Resolving } from '../transport/dial-targets.js';
import type { TransportRegistry } from '../transport/registry.js';
import { schemeFamily } from '../transport/scheme-family.js';
import type { Decision } from './events.js';
import { fabricGain, type FabricGain } from './fabric-gain.js';
import { OwnNetworks } from './own-networks.js';
import type { LateWay, Ways, WayThere } from './ways.js';
import { planWays, type NamedHost, type PlannedWay } from './ways-plan.js';
import { WayRace } from './ways-race.js';
import { goesByName, judgeTold, type KnownHost } from './ways-told.js';

export interface DirectWaysOptions {
  readonly named: NamedHost;
  readonly transports: TransportRegistry;
  /** Schemes that may be used; `rdma` stands for those behind it, such as `rdma+shm`, too. Default: all that are there. */
  readonly use?: readonly string[] | undefined;
  readonly tuning?: TransportTuning | undefined;
  /** Default: the system's. */
  readonly resolve?: Resolving['resolve'];
  /** What fabrics are good for here. Default: `fabricGain`. */
  readonly gain?: (isSameHost: boolean) => Promise<FabricGain>;
  onDecision(decision: Decision): void;
  /** For people. */
  onNote(message: string): void;
}

/** The ways to a host that was named without a scheme (docs/selection.md). */
export function directWays(options: DirectWaysOptions): Ways {
  return new DirectWays(options);
}

class DirectWays implements Ways {
  readonly #options: DirectWaysOptions;
  readonly #schemes: ReadonlySet<string>;
  /** Of these, what is tried without being told of. */
  readonly #planned: ReadonlySet<string>;
  readonly #noted = new Set<string>();
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
      use
        ? use.includes(scheme) || use.includes(schemeFamily(scheme))
        : scheme !== 'quic' || (tuning?.congestion ?? 'cubic') === 'cubic';
    this.#schemes = new Set(there.filter(wanted));
    // Few have a fabric, and to look for one takes time: nobody is asked for it who did not tell of it.
    const isAsked = (scheme: string): boolean => (use ? use.includes(scheme) : !isFabric(scheme));
    this.#planned = new Set([...this.#schemes].filter(isAsked));
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
    const told = judgeTold(this.#heard(listens, false), known, this.#schemes);
    const addresses = told.flatMap((way) => ('address' in way ? [way.address] : []));
    // Who does not tell of the way that works may not know how he is reached, or is of a version that tells nothing.
    const isComplete = addresses.some((address) => placeOf(address) === placeOf(there.address));
    const all = isComplete ? addresses : [...addresses, ...this.#guesses(there, known)];
    const places = new Map([[placeOf(there.address), there.address]]);
    for (const address of all) if (!places.has(placeOf(address))) places.set(placeOf(address), address);
    const [, ...others] = places.values();
    for (const way of told) if ('refused' in way) this.#refuse(way.told, way.refused);
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

  async lateCandidates(there: WayThere, listens: readonly string[]): Promise<readonly LateWay[]> {
    const heard = this.#heard(listens, true);
    if (heard.length === 0) return [];
    const known = this.#knownHost(there);
    const isSameHost =
      known.answering !== undefined && new OwnNetworks().topologyOf(known.answering) === 'same-host';
    const gain = await (this.#options.gain ?? fabricGain)(isSameHost);
    return judgeTold(heard, known, this.#schemes).flatMap((way) => {
      const refused = 'refused' in way ? way.refused : gainless(way.address.scheme, gain);
      if (refused !== undefined) this.#refuse(way.told, refused);
      if ('refused' in way || refused !== undefined || !gain.ok) return [];
      return [{ address: way.address, isOffloaded: gain.isOffloaded }];
    });
  }

  handleFailed(address: Address, error: XferError): void {
    const way = formatAddress(address);
    this.#options.onDecision({ decision: 'fail', message: `fail ${way}: ${error.message}`, address: way });
    if (!isFabric(address.scheme) || this.#noted.has(way)) return;
    this.#noted.add(way);
    this.#options.onNote(`${way} cannot be used, going on without it: ${error.message}`);
  }

  /** Of what the peer tells of, fabrics that nobody here has named, or all else. */
  #heard(listens: readonly string[], late: boolean): readonly string[] {
    const { use, tuning } = this.#options;
    const isNamed = use !== undefined || tuning?.provider !== undefined;
    const isLate = (url: string): boolean => {
      const scheme = url.split('://', 1)[0] ?? '';
      return !isNamed && isFabric(scheme) && this.#schemes.has(scheme);
    };
    return listens.slice(0, waysDefaults.maxTold).filter((url) => isLate(url) === late);
  }

  #refuse(told: string, why: string): void {
    this.#options.onDecision({ decision: 'refuse', message: `told ${told}: ${why}` });
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
    const plan = planWays(this.#options.named, this.#planned);
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
    const plans = [this.#options.named, { host, port }].map((named) => planWays(named, this.#planned));
    return plans
      .flat()
      .map(({ address }) => address)
      .filter((address) => !goesByName(address.scheme))
      .filter((address) => address.port !== waysDefaults.lastPort || port === waysDefaults.lastPort)
      .map((address) => ({ ...address, host: answering ?? host }));
  }
}

const isFabric = (scheme: string): boolean => schemeFamily(scheme) === 'rdma';

/** Why to take this scheme gains nothing, if so. */
function gainless(scheme: string, gain: FabricGain): string | undefined {
  if (!gain.ok) return gain.reason;
  const pinned = scheme.split('+', 2)[1];
  if (pinned === undefined || gain.providers.includes(pinned)) return undefined;
  return `this machine has no ${pinned} that gains something over tcp`;
}

/** One address for each of these. */
const placeOf = ({ scheme, port }: Address): string => `${scheme} ${port}`;
