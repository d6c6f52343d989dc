import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { XferError } from '../../errors/index.js';
import type { RunProgress, RunResult } from '../contract.js';
import type { KeptChild } from '../kept-child.js';
import { CommandTimes } from './command-times.js';
import { freePort, untilListening } from './listening.js';
import type { PeerContext, PeerRuns } from './tool.js';

export interface MeasuringTool {
  readonly how: string;
  server(port: number): readonly string[];
  client(port: number): readonly string[];
  /** The server does when its client has: otherwise it is ended. */
  readonly endsItself: boolean;
  readonly limitMs: number;
  /** Of what the client printed. Throws an XferError. */
  resultOf(output: string): RunResult | Promise<RunResult>;
  /** What it says there where it has failed, unless that is a line for people. */
  whyFailed?(output: string): string | undefined;
}

const progressEveryMs = 100;

/** Runs of a tool that measures by itself: its own figures are told, which are without its start, as those of xfer are. */
export function measuringRuns(name: string, context: PeerContext, tool: MeasuringTool): Promise<PeerRuns> {
  const { setup, keeper } = context;
  const once = async (onProgress: (progress: RunProgress) => void): Promise<RunResult> => {
    const children: KeptChild[] = [];
    const times = new CommandTimes(undefined, setup.countsCpu);
    try {
      const port = await freePort();
      const server = keeper.start([...setup.place.far, ...tool.server(port)]);
      children.push(server);
      await untilListening(server, name, port);
      const client = keeper.start([...setup.place.near, ...tool.client(port)]);
      children.push(client);
      times.count('sender', client);
      times.count('receiver', server);
      await untilEnded(name, client, tool.limitMs, onProgress);
      const ended = await client.ended;
      setup.signal.throwIfAborted();
      if (ended.status !== 0) throw client.failure(name, ended, tool.whyFailed?.(client.output));
      if (tool.endsItself) await untilEnded(name, server, tool.limitMs, onProgress);
      const cpu = await times.end();
      return { ...(await tool.resultOf(client.output)), ...(cpu ? { cpu } : {}) };
    } finally {
      times.stop();
      for (const child of children) child.kill();
      await Promise.all(children.map(({ ended }) => ended));
    }
  };
  return Promise.resolve({ how: tool.how, run: once });
}

/** It tells nothing on its way but that time goes by. */
async function untilEnded(
  name: string,
  child: KeptChild,
  limitMs: number,
  onProgress: (progress: RunProgress) => void,
): Promise<void> {
  const beganMs = performance.now();
  const over = child.ended.then(() => true);
  for (;;) {
    if (await Promise.race([over, delay(progressEveryMs, false)])) return;
    const seconds = (performance.now() - beganMs) / 1000;
    if (seconds * 1000 > limitMs)
      throw new XferError('ERR_XFER_TIMEOUT', `${name} did not end in time`, {
        remedy: 'leave this tool out, or see what it does by itself',
      });
    onProgress({ seconds, bytes: 0 });
  }
}
