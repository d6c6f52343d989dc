import { Args, Flags } from '@oclif/core';
import { askCode, canAsk } from '../ui/ask-code.js';
import { BaseCommand } from './base-command.js';
import { transferFlags, transferOptions } from './transfer-flags.js';
import { sendArguments } from './send-arguments.js';

export default class Send extends BaseCommand {
  static override summary = 'Send files and directories to a machine that runs xfer recv.';
  static override description = `TARGET is [scheme://]host[:port], as xfer recv prints it, or local:DIR for a directory of this machine.
Exit status 0 means that the receiver has everything under its real name.`;
  static override usage = ['send PATH... TARGET [FLAGS]', 'send PATH... --to TARGET [FLAGS]'];
  static override examples = [
    'XFER_CODE=4821-copper-lantern-melon-otter <%= config.bin %> <%= command.id %> photos notes.txt tcp://192.0.2.7:4840',
    '<%= config.bin %> <%= command.id %> photos 192.0.2.7 --remember --as laptop',
    '<%= config.bin %> <%= command.id %> README.md local:/tmp/xfer-demo',
  ];
  static override strict = false;
  static override args = {
    path: Args.string({ description: 'files and directories to send', ignoreStdin: true }),
    target: Args.string({
      description: 'where to: the last argument, unless --to names it',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...transferFlags,
    to: Flags.string({
      description: 'where to; then every argument is a path',
      helpValue: 'TARGET',
      multiple: true,
      multipleNonGreedy: true,
    }),
    peer: Flags.string({ description: 'the known peer that must answer there', helpValue: 'NAME' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Send);
    const { paths, target } = sendArguments(argv as string[], flags.to ?? []);
    await this.transfer(flags, async (common, view) => {
      const { send } = await import('../app/send.js');
      await send({
        ...common,
        ...transferOptions(flags),
        ...(flags.peer === undefined ? {} : { peer: flags.peer }),
        ...(canAsk() ? { askCode: () => view.suspended(() => askCode(common.signal)) } : {}),
        paths,
        target,
      });
    });
  }
}
