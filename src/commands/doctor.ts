import { findingLine } from '../ui/finding-line.js';
import { BaseCommand } from './base-command.js';

export default class Doctor extends BaseCommand {
  static override summary =
    'Show what this machine has of all that xfer can use, and what would make it faster.';
  static override description = `Nothing leaves this machine. Exit status 0 means that something can carry a transfer, 7 that nothing can.
With --quiet only what could be better is shown.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const { doctor } = await import('../app/doctor.js');
    await doctor({
      transports: await this.transports(),
      onFinding: (finding) => {
        if (!flags.quiet || finding.state !== 'ok') this.data(findingLine(finding, flags));
      },
    });
  }
}
