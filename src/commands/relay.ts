import { Flags } from '@oclif/core';
import { parseDuration } from '../config/quantity.js';
import { logLevels } from '../ui/log-sink.js';
import { relaySignals } from '../ui/relay-signals.js';
import { BaseCommand } from './base-command.js';
import { tlsFlags, tlsOption } from './tls-flags.js';
import { relayAccessFlags, relayAccessOptions } from './relay-access-flags.js';
import { tuningFlags, tuningOption } from './tuning-flags.js';
import { forwardingOptions, relayRolloutFlags } from './relay-rollout-flags.js';

export default class Relay extends BaseCommand {
  static override summary = 'Forward transfers of others, without being able to read them.';
  static override description = `SIGTERM ends it in order: nothing new is taken, and what is under way may go on for a while.
SIGHUP has it read its configuration again.`;
  static override usage = ['relay [FLAGS]'];
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --listen tcp://127.0.0.1:0 --json',
    '<%= config.bin %> <%= command.id %> --config /etc/xfer/relay.json --metrics 9100',
    '<%= config.bin %> <%= command.id %> --dashboard',
  ];
  static override flags = {
    listen: Flags.string({
      description:
        'where to listen, as scheme://host:port; port 0 is any free one (default: tcp and udp at port 4840, quic at 4841; every address)',
      helpValue: 'URL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...tlsFlags,
    ...relayAccessFlags,
    dial: Flags.string({
      description:
        'dial for strangers too: public, private, loopback, any, an address or a network such as 10.1.0.0/16 (default: nothing; they meet in rooms)',
      helpValue: 'WHAT',
      multiple: true,
      multipleNonGreedy: true,
    }),
    config: Flags.string({
      description: 'a configuration file, see docs/relays.md; flags go before what it says',
      helpValue: 'FILE',
    }),
    metrics: Flags.string({
      description: 'serve /metrics for Prometheus and /healthz; a port alone is for this machine only',
      helpValue: 'HOST:PORT',
    }),
    'log-level': Flags.option({
      options: logLevels,
      description: 'what to log on stderr (default: info)',
      helpValue: 'LEVEL',
    })(),
    'drain-timeout': Flags.string({
      description: 'how long streams may go on after SIGTERM (default: 30s)',
      helpValue: 'DURATION',
    }),
    'no-measure': Flags.boolean({
      default: false,
      description: 'do not let others measure the path to here (xfer doctor)',
    }),
    dashboard: Flags.boolean({
      default: false,
      description: 'show peers, rates and refusals in the terminal; q quits',
      exclusive: ['json', 'quiet', 'log-level'],
    }),
    ...relayRolloutFlags,
    ...tuningFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Relay);
    const { listen = [], dial, config, metrics } = flags;
    const drainTimeout = flags['drain-timeout'];
    const drainTimeoutMs = drainTimeout === undefined ? undefined : parseDuration(drainTimeout);
    const tuning = tuningOption(flags);
    const { signal, drain, onReload } = relaySignals({ rereads: config !== undefined });
    const { relayView } = await import('../ui/relay-view.js');
    const { view, observer, onStatus } = await relayView({ ...flags, logLevel: flags['log-level'] });
    await this.transfer(
      flags,
      async (common) => {
        const { relay } = await import('../app/relay.js');
        await relay({
          ...common,
          listen,
          drain,
          onReload,
          measures: !flags['no-measure'],
          access: relayAccessOptions(flags),
          forwarding: forwardingOptions(flags),
          ...tlsOption(flags),
          ...tuning,
          ...(dial ? { dial } : {}),
          ...(config === undefined ? {} : { config }),
          ...(metrics === undefined ? {} : { metrics }),
          ...(drainTimeoutMs === undefined ? {} : { drainTimeoutMs }),
          ...(observer ? { observer } : {}),
          ...(onStatus ? { onStatus } : {}),
        });
      },
      { signal, view },
    );
  }
}
