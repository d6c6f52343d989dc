import { Args, Flags } from '@oclif/core';
import { BaseCommand } from './base-command.js';
import { transferFlags, transferOptions } from './transfer-flags.js';

export default class Recv extends BaseCommand {
  static override summary = 'Receive what others send, into a directory.';
  static override description = `Prints the command to type on the other machine, with a code that is good for one transfer.
Peers that were remembered need no code.`;
  static override usage = ['recv [DIR] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> incoming --once',
    '<%= config.bin %> <%= command.id %> incoming --listen tcp://127.0.0.1:0 --json',
  ];
  static override args = {
    dir: Args.string({
      description: 'where received files go; made where it does not exist',
      default: '.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...transferFlags,
    listen: Flags.string({
      description:
        'where to listen, as scheme://host:port; port 0 is any free one (default: tcp, every address, port 4840)',
      helpValue: 'URL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    once: Flags.boolean({ default: false, description: 'end after one transfer, whatever its outcome' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Recv);
    await this.transfer(flags, async (common) => {
      const { receive } = await import('../app/receive.js');
      await receive({
        ...common,
        ...transferOptions(flags),
        directory: args.dir,
        listen: flags.listen ?? [],
        once: flags.once,
      });
    });
  }
}
