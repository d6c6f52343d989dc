import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { benchDefaults } from '../../config/index.js';
import { XferError } from '../../errors/index.js';
import type { RunProgress, RunResult } from '../contract.js';
import { checkArrived, checkBytes, checkContent } from '../same-content.js';
import { CommandTimes, type ServerTimes } from './command-times.js';
import type { CommandsOf, Flow, FlowCommands, Pipeline } from './flow.js';
import { freePort, untilListening } from './listening.js';
import { NamedPipes, startPipeline, type RunningCommand } from './pipeline.js';
import { bytesReadBy, bytesSoFar } from './so-far.js';
import type { PeerContext, PeerRuns } from './tool.js';
import { checkedContent, workContent, type WorkContent } from './work-content.js';

export interface TransferTool {
  readonly how: string;
  readonly commandsOf: CommandsOf;
  /** A server that all runs share, whose processor time is in each. */
  readonly server?: ServerTimes;
}

/** A port was free a moment ago, and somebody else took it: tried so often. */
const portTries = 3;

/** Runs of a tool that carries files or a pipe. */
export async function transferRuns(
  name: string,
  context: PeerContext,
  tool: TransferTool,
): Promise<PeerRuns> {
  const pipes = new NamedPipes(context.directory, context.keeper);
  const content = await workContent(context.setup);
  let isChecked = false;
  const once = async (
    of: WorkContent,
    onProgress: (progress: RunProgress) => void,
    isFirst: boolean,
  ): Promise<RunResult> => {
    const run = new TransferRun(name, context, tool, pipes, of);
    try {
      return await run.once(isFirst, onProgress);
    } finally {
      await run.clean();
    }
  };
  return {
    how: tool.how,
    run: async (onProgress) => {
      const isFirst = !isChecked;
      const checked = isFirst ? checkedContent(context.setup, content) : undefined;
      // Of a pipe what comes out is only counted where it is measured.
      if (checked) await once(checked, () => undefined, true);
      const result = await once(content, onProgress, isFirst);
      isChecked = true;
      return result;
    },
  };
}

class TransferRun {
  readonly #name: string;
  readonly #context: PeerContext;
  readonly #tool: TransferTool;
  readonly #pipes: NamedPipes;
  readonly #content: WorkContent;
  readonly #running: RunningCommand[] = [];
  readonly #times: CommandTimes;
  readonly #flows: readonly Flow[];
  #usedPipes = 0;
  #isTimeOver = false;

  constructor(
    name: string,
    context: PeerContext,
    tool: TransferTool,
    pipes: NamedPipes,
    content: WorkContent,
  ) {
    this.#name = name;
    this.#context = context;
    this.#tool = tool;
    this.#pipes = pipes;
    this.#content = content;
    const { work, countsCpu } = context.setup;
    this.#times = new CommandTimes(tool.server, countsCpu);
    const directions = work.isBothWays ? (['there', 'back'] as const) : (['there'] as const);
    const { source, piped } = content;
    this.#flows = directions.map((direction) => ({
      ...{ pattern: work.pattern, direction, source },
      ...(piped ? { piped } : {}),
      target: join(context.directory, direction, 'arrived'),
    }));
  }

  async once(isFirst: boolean, onProgress: (progress: RunProgress) => void): Promise<RunResult> {
    await this.clean();
    for (const { target } of this.#flows) await mkdir(join(target, '..'), { recursive: true });
    const near: Pipeline[] = [];
    for (const flow of this.#flows) near.push((await this.#listen(flow)).near);
    await this.#pipes.make(
      this.#usedPipes + near.reduce((sum, { commands }) => sum + commands.length - 1, 0),
    );
    await this.#times.begin();
    const beganMs = performance.now();
    for (const pipeline of near) this.#start(this.#context.setup.place.near, pipeline);
    const atMs = await this.#ends(beganMs, onProgress);
    const cpu = await this.#times.end();
    const totalBytes = await this.#arrived(isFirst);
    this.#context.setup.signal.throwIfAborted();
    return {
      iterations: this.#flows.length * this.#content.files,
      totalBytes,
      seconds: (atMs - beganMs) / 1000,
      ...(cpu ? { cpu } : {}),
    };
  }

  /** Rejects where it is not what was sent. */
  async #arrived(isFirst: boolean): Promise<number> {
    const { bytes, source, piped } = this.#content;
    const { signal } = this.#context.setup;
    const expected = bytes * this.#flows.length;
    if (piped?.isKept === false) {
      const counts = this.#running.filter(({ command }) => command.isCounter);
      const counted = counts.reduce((sum, { child }) => sum + Number(child.output.trim()), 0);
      if (piped.timeMs === undefined) checkBytes(expected, counted);
      if (counted > 0) return counted;
      throw new XferError('ERR_XFER_TIMEOUT', `${this.#name} carried nothing in its time`, {
        remedy: 'give it a longer --time',
      });
    }
    for (const { target } of this.#flows)
      if (piped) {
        checkBytes(bytes, (await stat(target)).size);
        await checkContent(source, target, bytes, signal);
      } else await checkArrived(source, target, isFirst ? 'content' : 'sizes', signal);
    return expected;
  }

  /** Ends what still runs, and removes what arrived. */
  async clean(): Promise<void> {
    for (const { child } of this.#running) child.kill();
    await Promise.all(this.#running.map(({ child }) => child.ended));
    this.#times.stop();
    for (const { target } of this.#flows) await rm(join(target, '..'), { recursive: true, force: true });
  }

  /** The far end of a flow, listening. */
  async #listen(flow: Flow): Promise<FlowCommands> {
    for (let tries = 1; ; tries++) {
      const port = await freePort();
      const commands = this.#tool.commandsOf(flow, port);
      if (commands.intoDirectory) await mkdir(flow.target);
      if (!commands.far) return commands;
      await this.#pipes.make(this.#usedPipes + commands.far.commands.length - 1);
      const started = this.#start(this.#context.setup.place.far, commands.far);
      const listener = started.find(({ command }) => command.listens);
      try {
        if (listener) await untilListening(listener.child, listener.name, port);
        return commands;
      } catch (error) {
        this.#context.setup.signal.throwIfAborted();
        if (tries === portTries || !/in use/.test(listener?.child.errors ?? '')) throw error;
        await this.#forget(started, flow);
      }
    }
  }

  async #forget(started: readonly RunningCommand[], { target }: Flow): Promise<void> {
    for (const { child } of started) child.kill();
    await Promise.all(started.map(({ child }) => child.ended));
    this.#running.splice(-started.length);
    await rm(target, { force: true });
  }

  #start(prefix: readonly string[], pipeline: Pipeline): readonly RunningCommand[] {
    const paths = pipeline.commands.slice(1).map(() => this.#pipes.pathOf(this.#usedPipes++));
    const started = startPipeline(this.#context.keeper, prefix, pipeline, paths);
    this.#running.push(...started);
    for (const { command, child } of started) this.#times.count(command.process, child);
    return started;
  }

  /** When the last of them has exited. Rejects as soon as one fails, or nothing has moved for too long. */
  async #ends(beganMs: number, onProgress: (progress: RunProgress) => void): Promise<number> {
    const over = new AbortController();
    const all = Promise.all(this.#running.map((one) => this.#endOf(one)));
    const timeMs = this.#content.piped?.timeMs;
    const timer = timeMs === undefined ? undefined : setTimeout(() => this.#endProducers(), timeMs);
    try {
      return Math.max(...(await Promise.race([all, this.#watch(beganMs, onProgress, over.signal)])));
    } finally {
      over.abort();
      clearTimeout(timer);
      // Those that are ended now are told by the one that failed first.
      all.catch(() => undefined);
    }
  }

  #endProducers(): void {
    this.#isTimeOver = true;
    for (const { command, child } of this.#running) if (command.isProducer) child.kill('SIGTERM');
  }

  async #endOf({ command, child, name }: RunningCommand): Promise<number> {
    const ended = await child.ended;
    this.#context.setup.signal.throwIfAborted();
    const isCut = command.isProducer === true && this.#isTimeOver;
    if (ended.status !== 0 && !isCut) throw child.failure(name, ended);
    return ended.atMs;
  }

  /** Tells how far it is. Never resolves: rejects where it hangs. */
  async #watch(
    beganMs: number,
    onProgress: (progress: RunProgress) => void,
    signal: AbortSignal,
  ): Promise<never> {
    let [lastBytes, movedMs] = [0, beganMs];
    for (;;) {
      await delay(benchDefaults.progressMs, undefined, { signal });
      const bytes = await this.#bytesSoFar();
      signal.throwIfAborted();
      const nowMs = performance.now();
      if (bytes !== lastBytes) [lastBytes, movedMs] = [bytes, nowMs];
      if (nowMs - movedMs > benchDefaults.toolSilenceMs)
        throw new XferError('ERR_XFER_TIMEOUT', `${this.#name} has moved nothing for too long`, {
          remedy: 'leave this tool out, or see what it does by itself',
        });
      onProgress({ seconds: (nowMs - beganMs) / 1000, bytes });
    }
  }

  async #bytesSoFar(): Promise<number> {
    // One of each pipe runs here, whatever the tool has at its other end.
    const ends = this.#running.filter(({ command }) => command.process === undefined);
    const sizes = this.#content.piped
      ? ends.map(({ child }) => bytesReadBy(child.pid))
      : this.#flows.map(({ target }) => bytesSoFar(join(target, '..'), this.#context.setup.work.bytes));
    const sum = (await Promise.all(sizes)).reduce((all, bytes) => all + bytes, 0);
    return this.#content.piped ? (sum * this.#flows.length) / Math.max(1, ends.length) : sum;
  }
}
