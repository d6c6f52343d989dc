import { benchDefaults, transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { lanesOf } from './child-lanes.js';
import type { BenchSetup, RunProgress } from './contract.js';
import type { PathFacts, ProcessTime } from './report.js';
import { TcpLoss } from './tcp-loss.js';
import type { RunningEnd } from './running-end.js';
import { XferChild, type XferChildOptions } from './xfer-child.js';

/** A process to start here, or what starts one elsewhere. */
export type EndToStart = XferChildOptions | (() => RunningEnd);

/** One transfer: an end that listens, and one that dials it. */
export interface Direction {
  readonly far: EndToStart;
  near(address: string, via: readonly string[]): XferChildOptions;
}

export interface ProcessesPlan {
  readonly setup: Pick<BenchSetup, 'signal' | 'countsCpu' | 'isSealed' | 'place'>;
  /** The nearest first; each transfer goes over all of them. */
  readonly relays: readonly XferChildOptions[];
  /** At once. */
  readonly directions: readonly Direction[];
  /** What goes into pipes ends when both ends have been joined for so long. */
  readonly producersMs?: number;
  onProgress(progress: RunProgress): void;
}

export interface EndedDirection {
  readonly near: RunningEnd;
  readonly far: RunningEnd;
}

export interface ProcessesRun {
  readonly seconds: number;
  readonly insideSeconds: number;
  readonly directions: readonly EndedDirection[];
  readonly cpu?: readonly ProcessTime[];
  readonly path: PathFacts;
}

/**
 * Starts all that waits to be dialled, then those that dial, and waits until all transfers have ended at both ends. Rejects with
 * the first failure of a process, or with the signal's reason. Nothing of it runs when it settles.
 */
export async function runProcesses(plan: ProcessesPlan): Promise<ProcessesRun> {
  return new Processes(plan).run();
}

/** Who has told nothing new for so long stands still, as far as anybody knows. */
const staleMs = 2 * transferDefaults.progressIntervalMs;

class Processes {
  readonly #plan: ProcessesPlan;
  readonly #children: RunningEnd[] = [];
  readonly #ended = new AbortController();
  readonly #tcpLoss = new TcpLoss();

  constructor(plan: ProcessesPlan) {
    this.#plan = plan;
  }

  async run(): Promise<ProcessesRun> {
    const { signal } = this.#plan.setup;
    signal.throwIfAborted();
    const interrupted = new Promise<never>((_resolve, reject) => {
      const interrupt = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', interrupt, { once: true, signal: this.#ended.signal });
    });
    try {
      return await Promise.race([this.#run(), interrupted]);
    } catch (thrown) {
      signal.throwIfAborted();
      throw asXferError(thrown);
    } finally {
      this.#ended.abort();
      await Promise.all(this.#children.map((child) => child.stop()));
    }
  }

  async #run(): Promise<ProcessesRun> {
    const { relays, directions, producersMs } = this.#plan;
    const started = relays.map((relay) => this.#start(relay));
    const fars = directions.map(({ far }) => this.#start(far));
    const via = await Promise.all(started.map((relay) => relay.listening()));
    const addresses = await Promise.all(fars.map((far) => far.listening()));
    for (const child of this.#children) child.countFromHere();
    const begunAt = performance.now();
    const both = fars.map((far, i) => ({ far, near: this.#start(this.#near(i, addresses[i], via)) }));
    const stopTelling = this.#tellProgress(both, begunAt);
    if (producersMs !== undefined) void this.#endProducers(both, producersMs);
    try {
      await Promise.race([
        Promise.all(both.flatMap(({ near, far }) => [near.done(), far.done()])),
        ...started.map((relay) => neverDone(relay)),
        this.#silence(both),
      ]);
    } finally {
      stopTelling();
    }
    const endedAt = Math.max(...both.flatMap(({ near, far }) => [near.endedAt ?? 0, far.endedAt ?? 0]));
    // What they used in the end they tell when they end.
    await Promise.all(started.map((relay) => relay.stop()));
    const dones = both.flatMap(({ near }) => near.events.done ?? []);
    for (const { sealed = true } of dones)
      if (sealed !== this.#plan.setup.isSealed)
        throw new XferError(
          'ERR_XFER_INTERNAL',
          `content went ${sealed ? 'sealed' : 'unsealed'} in the bench`,
        );
    const [first] = dones;
    const { lossShare } = this.#lanes(both);
    // The path's own, not what waited in its queues.
    const rtts = both.flatMap(({ near }) => near.events.rttMs ?? []);
    return {
      seconds: (endedAt - begunAt) / 1000,
      insideSeconds: Math.max(...dones.map(({ seconds }) => seconds)),
      directions: both,
      ...(this.#plan.setup.countsCpu ? { cpu: this.#cpu } : {}),
      path: {
        ...(first ? { lanes: first.lanes, bottleneck: first.bottleneck } : {}),
        ...(rtts.length > 0 ? { rttMs: Math.min(...rtts) } : {}),
        ...(lossShare === undefined ? {} : { lossShare }),
      },
    };
  }

  /** Of those that dial. What a transport does not see is told by the network that the bench has for itself, if it has one. */
  #lanes(both: readonly EndedDirection[]): ReturnType<typeof lanesOf> {
    const lanes = lanesOf(both.map(({ near }) => near.events));
    const { share } = this.#tcpLoss;
    return share === undefined ? lanes : { lossShare: share, ...lanes };
  }

  /** From when they are where they run, and as long as they do. */
  #lookAtNetworks(both: readonly EndedDirection[]): void {
    if (!this.#plan.setup.place.isAlone) return;
    for (const { near } of both)
      if (near.pid !== undefined && near.events.isConnected) this.#tcpLoss.look(near.pid);
  }

  #near(index: number, address = '', via: readonly string[] = []): XferChildOptions {
    const direction = this.#plan.directions[index];
    if (!direction) throw new XferError('ERR_XFER_INTERNAL', 'an end without a direction');
    return direction.near(address, via);
  }

  #start(options: EndToStart): RunningEnd {
    if (this.#ended.signal.aborted) throw new XferError('ERR_XFER_INTERRUPTED', 'the run is over');
    const child = typeof options === 'function' ? options() : new XferChild(options);
    this.#children.push(child);
    return child;
  }

  /** Senders first, relays last. */
  get #cpu(): readonly ProcessTime[] {
    const rank = ({ name }: RunningEnd): number => ['sender', 'receiver'].indexOf(name.split(' ')[0] ?? '');
    const ofRelays = this.#children.filter((child) => rank(child) < 0);
    const ofEnds = this.#children.filter((child) => rank(child) >= 0).sort((a, b) => rank(a) - rank(b));
    return [...ofEnds, ...ofRelays].map(({ name, cpuSeconds }) => ({ process: name, seconds: cpuSeconds }));
  }

  #tellProgress(both: readonly EndedDirection[], begunAt: number): () => void {
    const { setup, onProgress } = this.#plan;
    let before = {
      at: begunAt,
      cpu: [] as readonly ProcessTime[],
      heard: undefined as readonly unknown[] | undefined,
    };
    const timer = setInterval(() => {
      const now = performance.now();
      this.#lookAtNetworks(both);
      const heard = both.map(({ near }) => near.events.progress);
      // They tell of it more rarely than they are asked: nothing would seem to move in between.
      if (now - before.at < staleMs && before.heard && heard.every((one, at) => one === before.heard?.[at]))
        return;
      const cpu = setup.countsCpu ? this.#cpu : [];
      const busy = cpu.map(({ process, seconds }) => {
        const earlier = before.cpu.find((one) => one.process === process)?.seconds ?? 0;
        return { process, cores: Math.max(0, seconds - earlier) / ((now - before.at) / 1000) };
      });
      before = { at: now, cpu, heard };
      onProgress({
        seconds: (now - begunAt) / 1000,
        bytes: both.reduce((sum, { near }) => sum + bytesOf(near), 0),
        ...this.#lanes(both),
        ...(setup.countsCpu ? { cpu: busy } : {}),
      });
    }, benchDefaults.progressMs).unref();
    return () => clearInterval(timer);
  }

  async #endProducers(both: readonly EndedDirection[], afterMs: number): Promise<void> {
    const pairs = both.flatMap(({ near, far }) => [near, far]);
    // Who fails is told of where it is waited for.
    await Promise.all(pairs.map((child) => child.connected())).catch(() => undefined);
    if (this.#ended.signal.aborted) return;
    const timer = setTimeout(() => {
      for (const child of pairs) child.endProducer();
    }, afterMs);
    this.#ended.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /** Rejects when none of the ends has told anything for long. */
  #silence(both: readonly EndedDirection[]): Promise<never> {
    const { processSilenceMs } = benchDefaults;
    return new Promise<never>((_resolve, reject) => {
      const timer = setInterval(() => {
        const heardAt = Math.max(...both.flatMap(({ near, far }) => [near.heardAt, far.heardAt]));
        if (performance.now() - heardAt < processSilenceMs) return;
        const seconds = processSilenceMs / 1000;
        reject(
          new XferError('ERR_XFER_TIMEOUT', `a transfer of the bench told nothing for ${seconds} seconds`),
        );
      }, processSilenceMs / 4);
      this.#ended.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    });
  }
}

/** A relay that ends by itself has failed. */
async function neverDone(relay: RunningEnd): Promise<never> {
  await relay.done();
  throw new XferError('ERR_XFER_INTERNAL', `xfer ${relay.name} ended`);
}

/** What the other end has of it, and this one of the other's. */
function bytesOf({ events: { progress, done } }: RunningEnd): number {
  return done?.bytes ?? progress?.bytes ?? 0;
}
