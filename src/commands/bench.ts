import { createInterface } from 'node:readline';
import { Args, Flags } from '@oclif/core';
import { nearVariable } from '../bench/near-variable.js';
import type { BenchReport } from '../bench/report.js';
import { watchBench } from '../bench/watch.js';
import { XferError } from '../errors/index.js';
import type { TransportTuning } from '../transport/contract.js';
import { interruptSignal } from '../ui/interrupt.js';
import { BaseCommand } from './base-command.js';
import { benchFlags, benchOptions } from './bench-flags.js';
import { benchOutputFlags, outputOption } from './bench-output-flags.js';
import { reportFlag } from './bench-report-flag.js';
import { benchViewFlags } from './bench-view-flags.js';
import { tuningOption } from './tuning-flags.js';

export default class Bench extends BaseCommand {
  static override summary =
    'Measure what a path carries: real transfers, and bare transports between two processes.';
  static override description = `Without a target both ends run on this machine. The other end of a target is xfer bench --serve there, which takes one bench at a time from whoever asks, and touches no file unless --files says where.
What is not there is skipped, with its reason. Exit status 7 means that nothing that was asked for is there.`;
  static override usage = ['bench [TARGET] [FLAGS]', 'bench --serve [URL] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> <%= command.id %> --transport tcp,udp',
    '<%= config.bin %> <%= command.id %> --transport rdma --provider shm --pattern latency',
    '<%= config.bin %> <%= command.id %> --pattern file,small-files --peers found --cpu',
    '<%= config.bin %> <%= command.id %> --link transatlantic --pattern file',
    '<%= config.bin %> <%= command.id %> --serve tcp://:4840 --files /var/tmp',
    '<%= config.bin %> <%= command.id %> 192.0.2.7 --pattern file,memory',
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
      exclusive: [
        ...['transport', 'pattern', 'size', 'time', 'iterations', 'count', 'repeat', 'lanes', 'hops'],
        ...['bidir', 'record', 'no-seal', 'peers', 'link', 'cpu', 'format', 'baseline', 'report', 'watch'],
      ],
    }),
    files: Flags.string({
      description:
        'with --serve, take whole transfers, too: what they write lies in a directory of its own there, removed behind each',
      helpValue: 'DIRECTORY',
    }),
    'files-port': Flags.integer({
      description: 'with --files, where transfers listen (default: any port)',
      helpValue: 'PORT',
      min: 1,
      max: 65_534,
      dependsOn: ['files'],
    }),
    ...{ ...benchFlags, ...benchOutputFlags, ...reportFlag, ...benchViewFlags },
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Bench);
    if (process.env[nearVariable] === '1') return this.#serveNear();
    const { tuning = {} } = tuningOption(flags);
    if (flags.serve) return this.#serve(flags, args.target, tuning);
    if (flags.files !== undefined)
      throw new XferError('ERR_XFER_USAGE', '--files says where --serve writes', {
        remedy: 'start xfer bench --serve --files DIRECTORY on the other machine',
      });
    const { target } = args;
    const { bench } = await import('../bench/engine.js');
    const { benchOutputs } = await import('../ui/bench-outputs.js');
    const signal = interruptSignal();
    const { baselineProgram, ...output } = await outputOption(flags);
    const options = {
      // Another build can be compared by processes alone: of what is measured where nothing is said, by this.
      ...(baselineProgram === undefined ? {} : { baselineProgram, patterns: ['file'] as const }),
      ...{ ...benchOptions(flags), tuning, signal, transports: await this.transports() },
      ...(target === undefined ? {} : { target }),
    };
    const { json, quiet, report } = flags;
    const outputs = await benchOutputs({
      ...{ json, quiet, ...output },
      onTold: (error) => this.told(error),
      ...(report === undefined ? {} : { reportPath: report }),
    });
    const pass = (): Promise<BenchReport> => bench({ ...options, ...outputs });
    try {
      if (flags.watch) await watchBench(pass, { signal, ...outputs });
      else await outputs.onReport(await pass());
    } finally {
      outputs.close();
      if (flags.watch) outputs.printPasses();
    }
  }

  /** For another xfer bench, whose own process is not at the near end of a link. */
  async #serveNear(): Promise<void> {
    // Before anything is waited for: lines that come meanwhile are kept from here on, and else are lost.
    const requests = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const signal = interruptSignal();
    process.stdin.ref();
    const { serveNear } = await import('../bench/near-process.js');
    const { insideSources } = await import('../bench/sources.js');
    const transports = await this.transports();
    const tell = (answer: unknown): void => this.data(JSON.stringify(answer));
    await serveNear({ sources: insideSources, transports, requests, signal, tell });
  }

  async #serve(
    flags: { json: boolean; quiet: boolean; files?: string | undefined; 'files-port'?: number | undefined },
    url: string | undefined,
    tuning: TransportTuning,
  ): Promise<void> {
    const { serveBench } = await import('../bench/serve.js');
    const { files: directory, 'files-port': port } = flags;
    const files =
      directory === undefined ? {} : { files: { directory, ...(port === undefined ? {} : { port }) } };
    await this.transfer(flags, ({ transports, signal, onEvent }) =>
      serveBench({ transports, listen: url === undefined ? [] : [url], tuning, signal, onEvent, ...files }),
    );
  }
}
