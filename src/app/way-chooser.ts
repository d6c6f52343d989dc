import type { MeasuredTransfer } from '../transfer/send-options.js';
import { LaneCountCore } from '../transfer/lane-count-core.js';
import { formatAddress, type Address } from '../transport/address.js';
import { SelectionCore } from '../transport/selection-core.js';
import type { Decision as WayDecision, LaneSample, Numbers } from '../transport/selection.js';
import { guesses, type Topology } from '../transport/topology.js';
import type { Decision } from './events.js';
import type { FirstLane, HeldLane } from './lane-keeper.js';
import type { OwnNetworks } from './own-networks.js';
import { UsedNetworks } from './used-networks.js';
import type { LateWay } from './ways.js';

/** Lanes that are opened without being asked for. */
const mostAutomaticLanes = 8;
const tickMs = 100;
/** What is to be sent is known by then, most of the time. */
const soonMs = 20;
/** How many lanes help is asked every so many ticks, and whether this machine has moved. */
const countTicks = 5;
const addressTicks = 10;
/** A HELLO that took so long came from far away; on the same host only the machine is busy. */
const farHelloMs: Readonly<Record<Topology, number>> = {
  'same-host': Infinity,
  'same-subnet': 20,
  'same-site': 20,
  'wide-area': 10,
};

/** What is measured of a transfer, and done to it. */
export interface DrivenTransfer {
  readonly measured: MeasuredTransfer;
  handleRest(lane: number, isResting: boolean): void;
  /** The least that the lane's path takes, in milliseconds. */
  handleRoundTrip(lane: number, ms: number): void;
}

export interface WayChooserOptions {
  readonly transfer: DrivenTransfer;
  /** Lanes on one way. Default: as many as help. */
  readonly wanted: number | undefined;
  readonly first: FirstLane;
  readonly lanes: ReadonlyMap<number, HeldLane>;
  /** Those of all transfers of the session. */
  readonly networks: OwnNetworks;
  isOver(): boolean;
  /** Opens a lane; rejects where that fails. */
  open(address: Address): Promise<void>;
  /** False where it is the last, which stays. */
  retire(lane: number): boolean;
  onSilent(lane: number, isSilent: boolean): void;
  onDecision(decision: Decision): void;
}

/**
 * Has the selection decide over which ways a transfer goes, and the count of lanes how many of them, ten times a second; and
 * does what they decide. Over relays there is one way, and only the count changes.
 */
export class WayChooser {
  readonly #options: WayChooserOptions;
  readonly #core: SelectionCore | undefined;
  readonly #count = new LaneCountCore(mostAutomaticLanes);
  readonly #addresses = new Map<string, Address>();
  readonly #suspect = new Set<number>();
  /** When each lane was opened. */
  readonly #openedAt = new Map<number, number>();
  #soon: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #networkMs = 0;
  readonly #used = new UsedNetworks();
  #isWidening = false;
  #isClosed = false;

  constructor(options: WayChooserOptions) {
    this.#options = options;
    const { there, candidates, helloMs } = options.first;
    for (const address of [there.address, ...candidates])
      this.#addresses.set(formatAddress(address), address);
    if (there.connection.isRelayed === true) return;
    const topology = options.networks.topologyOf(there.connection.remote.host);
    this.#core = new SelectionCore({
      guess: guesses[topology],
      // A tunnel joins networks, too; within one machine only the machine is slow.
      ...(topology === 'same-host' ? {} : { farGuess: guesses['wide-area'] }),
      isFar: helloMs >= farHelloMs[topology],
      mayTry: options.wanted === undefined,
    });
    this.#core.handleCandidates([...this.#addresses].map(([way, { scheme }]) => ({ way, scheme })));
  }

  begin(): void {
    for (const [lane, held] of this.#options.lanes) this.handleLane(lane, held, 'up');
    this.#soon = setTimeout(() => this.#tick(), soonMs);
    this.#timer = setInterval(() => this.#tick(), tickMs);
    void this.#widen();
  }

  handleLate(ways: readonly LateWay[]): void {
    for (const { address } of ways) this.#addresses.set(formatAddress(address), address);
    this.#core?.handleCandidates(
      ways.map(({ address, isOffloaded }) => ({
        ...{ way: formatAddress(address), scheme: address.scheme, isOffloaded },
      })),
    );
  }

  handleLane(lane: number, { address }: HeldLane, state: 'up' | 'down'): void {
    if (state === 'up') this.#openedAt.set(lane, performance.now());
    else this.#openedAt.delete(lane);
    this.#suspect.delete(lane);
    const way = formatAddress(address);
    this.#addresses.set(way, address);
    if (this.#isClosed) return;
    const now = performance.now();
    this.#do(this.#core?.handleLane(now, lane, { way, scheme: address.scheme }, state) ?? []);
  }

  handleSuspect(lane: number, isSuspect: boolean): void {
    if (isSuspect) this.#suspect.add(lane);
    else this.#suspect.delete(lane);
    this.#tick();
  }

  /** What a lane has reached so far. */
  numbersOf(lane: number): Numbers {
    const receivedBytes = this.#options.transfer.measured.loads.get(lane)?.receivedBytes ?? 0;
    const openedAt = this.#openedAt.get(lane);
    if (openedAt === undefined || receivedBytes === 0) return {};
    const seconds = Math.max(0.001, (performance.now() - openedAt) / 1000);
    return { bytesPerSecond: receivedBytes / seconds };
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { lanes, transfer } = this.#options;
    if (this.#isOver || lanes.size === 0) return;
    this.#ticks++;
    const { measured } = transfer;
    if (this.#core && this.#ticks % addressTicks === 1) {
      const used = [...lanes.values()].map(({ connection }) => connection.local.host);
      this.#used.handle(used, this.#options.networks.refresh());
    }
    if (this.#core) {
      const sample = this.#sampleOf(measured);
      for (const { lane, minRttMs } of sample.lanes) transfer.handleRoundTrip(lane, minRttMs);
      this.#do(this.#core.handleSample(performance.now(), sample));
    }
    if (this.#ticks % countTicks === 0) this.#adapt(measured);
  }

  #sampleOf(measured: MeasuredTransfer) {
    const lanes = [...this.#options.lanes].map(([lane, { connection, address, openedMs }]): LaneSample => {
      const { rttMs, minRttMs, lost, bytesReceived } = connection.stats();
      const { receivedBytes = 0, inFlightBytes = 0, delayMs = 0 } = measured.loads.get(lane) ?? {};
      return {
        ...{ lane, way: formatAddress(address), receivedBytes, inFlightBytes, lost },
        heardBytes: bytesReceived,
        rttMs: Math.max(rttMs, delayMs),
        minRttMs: minRttMs > 0 ? minRttMs : Math.min(delayMs > 0 ? delayMs : Infinity, openedMs),
        isSuspect: this.#suspect.has(lane),
      };
    });
    const { receivedBytes, remainingBytes, networkMs } = measured;
    return { receivedBytes, remainingBytes, networkMs, lanes, moves: this.#used.moves };
  }

  #do(decisions: readonly WayDecision[]): void {
    for (const decision of decisions) {
      this.#tell(decision);
      const { what, way, lanes } = decision;
      const { transfer, onSilent } = this.#options;
      for (const lane of lanes) {
        if (what === 'rest' || what === 'resume') transfer.handleRest(lane, what === 'rest');
        if (what === 'silent' || what === 'heard') onSilent(lane, what === 'silent');
        if (what === 'close') this.#retire(lane);
      }
      if (what === 'dial') this.#dial(way);
      if (what === 'prefer') void this.#widen();
    }
  }

  #tell({ what, way, reason, numbers }: WayDecision): void {
    const figures = Object.entries(numbers).map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`);
    const behind = figures.length > 0 ? ` (${figures.join(', ')})` : '';
    const message = `${what} ${way}: ${reason}${behind}`;
    this.#options.onDecision({ decision: what, message, address: way, numbers });
  }

  #dial(way: string): void {
    const address = this.#addresses.get(way);
    if (!address) return;
    this.#options.open(address).catch(() => {
      if (!this.#isOver) this.#do(this.#core?.handleDialFailed(performance.now(), way) ?? []);
    });
  }

  #retire(lane: number): void {
    if (this.#options.retire(lane)) return;
    const held = this.#options.lanes.get(lane);
    // All others have gone at the same moment.
    if (held) this.handleLane(lane, held, 'up');
  }

  /** Opens lanes on the preferred way until there are as many as are wanted. */
  async #widen(): Promise<void> {
    const { wanted = 0 } = this.#options;
    if (this.#isWidening) return;
    this.#isWidening = true;
    while (!this.#isOver && this.#preferredLanes.length < wanted) if (!(await this.#addLane())) break;
    this.#isWidening = false;
  }

  /** Never rejects: a lane more is no need. */
  async #addLane(): Promise<boolean> {
    const address = this.#addresses.get(this.#preferred);
    if (!address) return false;
    return this.#options.open(address).then(
      () => true,
      () => false,
    );
  }

  /** More or fewer lanes on the way that is preferred, while nothing else is being tried. */
  #adapt({ receivedBytes, networkMs }: MeasuredTransfer): void {
    const isNetworkBound = networkMs - this.#networkMs > (countTicks * tickMs) / 2;
    this.#networkMs = networkMs;
    const { wanted } = this.#options;
    if (wanted !== undefined || this.#isWidening || this.#core?.isSettled === false || this.#hasOwnPace)
      return;
    const lanes = this.#preferredLanes;
    const verdict = this.#count.handleTick({ receivedBytes, isNetworkBound, lanes: lanes.length });
    if (verdict === 'add') {
      this.#isWidening = true;
      void this.#addLane().finally(() => (this.#isWidening = false));
    }
    const newest = lanes.at(-1);
    if (verdict === 'drop' && newest !== undefined && lanes.length > 1) this.#options.retire(newest);
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#options.isOver();
  }

  get #preferred(): string {
    return this.#core?.preferred ?? formatAddress(this.#options.first.there.address);
  }

  get #preferredLanes(): number[] {
    const preferred = this.#preferred;
    return [...this.#options.lanes].flatMap(([lane, { address }]) =>
      formatAddress(address) === preferred ? [lane] : [],
    );
  }

  /**
   * Where a transport has streams of its own, no loss slows a connection as it does TCP: another would only begin anew, and
   * take from others.
   */
  get #hasOwnPace(): boolean {
    const lane = this.#preferredLanes[0];
    const connection = lane === undefined ? undefined : this.#options.lanes.get(lane)?.connection;
    return connection?.capabilities.streams === 'native' && connection.isRelayed !== true;
  }
}
