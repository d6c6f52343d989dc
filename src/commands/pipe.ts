import { Args, Flags } from '@oclif/core';
import type { CommonOptions } from '../app/options.js';
import type { PipePlaces } from '../app/pipe-places.js';
import { XferError } from '../errors/index.js';
import { askCode } from '../ui/ask-code.js';
import { controllingTerminal } from '../ui/controlling-terminal.js';
import { pipeView } from '../ui/pipe-view.js';
import { interruptSignal } from '../ui/interrupt.js';
import type { PipeUse } from '../ui/send-commands.js';
import type { View } from '../ui/view.js';
import { BaseCommand, type ViewFlags } from './base-command.js';
import { hopFlags, hopOptions } from './hop-flags.js';
import { adjustable } from './limit.js';
import { pipeFlagOptions, pipeFlags } from './pipe-flags.js';
import { tlsFlags, tlsOption } from './tls-flags.js';
import { sessionFlags, sessionOptions } from './transfer-flags.js';
import { tuningFlags, tuningOption } from './tuning-flags.js';

export default class Pipe extends BaseCommand {
  static override summary = 'Join a stream here with one on another machine.';
  static override description = `PLACE is - (stdin or stdout), a target as of xfer send, an endpoint such as file:PATH, exec:COMMAND, unix:PATH, tcp-connect:HOST:PORT or tcp-listen:[HOST:]PORT, or listen:URL for whoever comes.
One PLACE is where stdin goes. A first - makes the rest destinations, a last - makes the rest sources, and two without - are from where to where.
With --listen what comes goes to stdout or to PLACE; with - alone stdin goes there.
Content goes over stdin and stdout alone: all that is said, events of --json too, is on stderr.
Exit status 0 means that all has gone where it goes, 141 that the reader at the end has gone.`;
  static override usage = ['pipe [PLACE]... [FLAGS]'];
  static override examples = [
    '<%= config.bin %> <%= command.id %> --listen tcp://:4840 | tar x',
    '$ tar c photos | XFER_CODE=4821-copper-lantern-melon-otter <%= config.bin %> <%= command.id %> 192.0.2.7',
    '<%= config.bin %> <%= command.id %> exec:"pg_dump app" 192.0.2.7 --pv',
    '$ producer | <%= config.bin %> <%= command.id %> - 192.0.2.7 192.0.2.8 192.0.2.9 --slow drop',
    '<%= config.bin %> <%= command.id %> tcp-listen:8080 192.0.2.7 --duplex --fork',
  ];
  static override strict = false;
  static override args = {
    place: Args.string({ description: 'where from and where to', ignoreStdin: true }),
  };
  static override baseFlags = {
    ...BaseCommand.baseFlags,
    json: Flags.boolean({
      default: false,
      description: 'print events for programs on stderr, one JSON object a line',
    }),
  };
  static override flags = {
    ...sessionFlags,
    ...pipeFlags,
    ...hopFlags,
    ...tlsFlags,
    ...tuningFlags,
  };

  #meter = false;
  #use: PipeUse = 'takes';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Pipe);
    const tuning = tuningOption(flags);
    const { EndlessSources } = await import('../pipe/endless-sources.js');
    const endpoints = await this.withEndpoints(new EndlessSources());
    const { pipePlaces } = await import('../app/pipe-places.js');
    const { duplex, listen = [], via = [] } = flags;
    const places = pipePlaces(
      { words: argv as string[], listen, duplex, isRelayed: via.length > 0 },
      endpoints,
    );
    const options = pipeFlagOptions(flags, places);
    this.#meter = flags.pv;
    this.#use = useOf(places, duplex);
    let isStopped = false;
    const signal = interruptSignal(undefined, () => (isStopped = endpoints.stop()));
    const work = async (common: CommonOptions, view: View): Promise<void> => {
      const { RateLimit, readRateLimit } = await import('../app/rate-limit.js');
      const limit = flags.limit === undefined ? new RateLimit() : await readRateLimit(flags.limit);
      // The keys that `send` takes are content here.
      const control = await adjustable(limit, flags.limit, view);
      const { pipe } = await import('../app/pipe.js');
      await pipe({
        ...common,
        ...sessionOptions(flags),
        ...hopOptions(flags),
        ...tlsOption(flags),
        ...tuning,
        ...options,
        ...{ endpoints, limit },
        askCode: () => view.suspended(() => askAside(common.signal)),
      }).finally(control.end);
      if (isStopped) throw new XferError('ERR_XFER_INTERRUPTED', 'interrupted; what was read has gone on');
    };
    await this.transfer(flags, work, { signal });
  }

  protected override view({ json, quiet }: ViewFlags): View {
    return pipeView({ json, quiet, meter: this.#meter, use: this.#use });
  }
}

/** stdin is content: the code is asked for at the terminal itself, where there is one. */
async function askAside(signal: AbortSignal): Promise<string | undefined> {
  const terminal = controllingTerminal();
  return terminal && askCode(signal, terminal).finally(() => terminal.close());
}

function useOf({ to }: PipePlaces, duplex: boolean): PipeUse {
  if (duplex) return 'both';
  return to.some(({ kind }) => kind === 'listen') ? 'gives' : 'takes';
}
