import { Args, Flags } from '@oclif/core';
import { parseDuration } from '../config/quantity.js';
import { findingLine } from '../ui/finding-line.js';
import { interruptSignal } from '../ui/interrupt.js';
import { pathLine, pathsHead, verdictLine } from '../ui/path-lines.js';
import { tableStyle } from '../ui/table-style.js';
import { BaseCommand } from './base-command.js';
import { providerFlag, tuningOption } from './tuning-flags.js';

export default class Doctor extends BaseCommand {
  static override summary =
    'Show what this machine has of all that xfer can use, and what works on the path to another one.';
  static override description = `Without a target nothing leaves this machine. With one each transport is tried there, and what answers is measured for two seconds.
Exit status 0 means that something can carry a transfer, 7 that nothing can, 3 that the target does not answer.
With --quiet only what could be better is shown.`;
  static override usage = ['doctor [TARGET] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> backup.example',
    '<%= config.bin %> <%= command.id %> udp://backup.example --json',
  ];
  static override args = {
    target: Args.string({
      description: 'where xfer recv or xfer relay listens, as [scheme://]host[:port]',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    timeout: Flags.string({
      description: 'how long the target may take to answer',
      helpValue: 'DURATION',
      default: '5s',
    }),
    ...providerFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Doctor);
    const { target } = args;
    const dialTimeoutMs = parseDuration(flags.timeout);
    const tuning = tuningOption(flags);
    const style = tableStyle(flags);
    const { doctor } = await import('../app/doctor.js');
    const { linkFinding } = await import('../bench/link/link-finding.js');
    const { EndpointRegistry } = await import('../pipe/endpoint-registry.js');
    let hasHead = false;
    await doctor({
      transports: await this.transports(),
      endpoints: await this.withEndpoints(new EndpointRegistry()),
      moreFindings: () => [linkFinding()],
      dialTimeoutMs,
      ...tuning,
      signal: interruptSignal(),
      ...(target === undefined ? {} : { target }),
      onFinding: (finding) => {
        const isFine = finding.state === 'ok' || finding.state === 'none';
        if (!flags.quiet || !isFine) this.data(findingLine(finding, style));
      },
      onPath: (path) => {
        const head = hasHead ? undefined : pathsHead(target ?? '', style);
        hasHead = true;
        if (head !== undefined) this.data(head);
        this.data(pathLine(path, style));
      },
      onVerdict: (verdict) => this.data(verdictLine(verdict, style)),
    });
  }
}
