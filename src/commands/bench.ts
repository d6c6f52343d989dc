import { Args, Flags } from '@oclif/core';
import type { TransportTuning } from '../transport/contract.js';
import { benchPatterns } from '../bench/plan.js';
import { parseDuration, parseSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';
import { benchView } from '../ui/bench-view.js';
import { interruptSignal } from '../ui/interrupt.js';
import { tableStyle } from '../ui/table-style.js';
import { BaseCommand } from './base-command.js';
import { tuningFlags, tuningOption } from './tuning-flags.js';

export default class Bench extends BaseCommand {
  static override summary = 'Measure what transports carry, bare and unsealed, between two processes.';
  static override description = `Without a target both ends run on this machine. The other end of a target is xfer bench --serve there, which takes one bench at a time from whoever asks, and touches no file.
A transport that is not there is skipped, with its reason. Exit status 7 means that nothing that was asked for is there.`;
  static override usage = ['bench [TARGET] [FLAGS]', 'bench --serve [URL] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> <%= command.id %> --transport tcp,udp',
    '<%= config.bin %> <%= command.id %> --transport rdma --provider shm --pattern latency',
    '<%= config.bin %> <%= command.id %> --serve tcp://:4840',
    '<%= config.bin %> <%= command.id %> 192.0.2.7 --size 64,1MiB --time 2s --json',
  ];
  static override args = {
    target: Args.string({
      description:
        'where xfer bench --serve listens, as [scheme://]host[:port]; with --serve where to listen',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    serve: Flags.boolean({
      default: false,
      description: 'be the other end, until interrupted (default: as xfer recv listens)',
      exclusive: ['transport', 'pattern', 'size', 'time', 'iterations', 'repeat'],
    }),
    transport: Flags.string({
      description: 'transports or schemes, with commas between them (default: all, or that of the target)',
      helpValue: 'LIST',
    }),
    pattern: Flags.option({
      options: benchPatterns,
      description: 'latency: there and back by turns; memory: one way (default: both)',
    })(),
    size: Flags.string({
      description: 'bytes of a message, several with commas (default: every power of two up to 4MiB)',
      helpValue: 'LIST',
    }),
    time: Flags.string({
      description: 'how long each size runs, each time, in each pattern (default: 100ms)',
      helpValue: 'DURATION',
      exclusive: ['iterations'],
    }),
    iterations: Flags.integer({ description: 'messages of each run, instead of a time', helpValue: 'N' }),
    repeat: Flags.integer({ description: 'runs of each size, of which the median is told (default: 3)' }),
    ...tuningFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Bench);
    const { tuning = {} } = tuningOption(flags);
    if (flags.serve) return this.#serve(flags, args.target, tuning);
    const plan = planOptions(flags);
    const { target } = args;
    const { bench } = await import('../bench/bench.js');
    const view = benchView(tableStyle(flags), (line) => {
      if (!flags.quiet || flags.json) this.data(line);
    });
    const report = await bench({
      ...{ ...plan, ...view, tuning, signal: interruptSignal(), transports: await this.transports() },
      ...(target === undefined ? {} : { target }),
      ...(flags.transport === undefined ? {} : { use: listOf(flags.transport) }),
    });
    view.onReport(report);
  }

  async #serve(
    flags: { json: boolean; quiet: boolean },
    url: string | undefined,
    tuning: TransportTuning,
  ): Promise<void> {
    const { serveBench } = await import('../bench/serve.js');
    await this.transfer(flags, ({ transports, signal, onEvent }) =>
      serveBench({ transports, listen: url === undefined ? [] : [url], tuning, signal, onEvent }),
    );
  }
}

type PlanFlags = Record<'size' | 'time', string | undefined> &
  Record<'iterations' | 'repeat', number | undefined> & {
    readonly pattern: (typeof benchPatterns)[number] | undefined;
  };

function planOptions({ pattern, size, time, iterations, repeat }: PlanFlags) {
  return {
    ...(pattern === undefined ? {} : { pattern }),
    ...(size === undefined ? {} : { sizes: listOf(size).map(parseSize) }),
    ...(time === undefined ? {} : { timeMs: parseDuration(time) }),
    ...(iterations === undefined ? {} : { iterations }),
    ...(repeat === undefined ? {} : { repeats: repeat }),
  };
}

/** Each once. */
function listOf(text: string): string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new XferError('ERR_XFER_USAGE', `an empty word in ${JSON.stringify(text)}`);
  return [...new Set(words)];
}
