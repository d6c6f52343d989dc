import { Args } from '@oclif/core';
import { parseSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';
import { canAsk } from '../ui/ask-code.js';
import { askOverwrite } from '../ui/ask-overwrite.js';
import { BaseCommand } from './base-command.js';
import { hopFlags, hopOptions } from './hop-flags.js';
import { recvFlags } from './recv-flags.js';
import { tlsFlags, tlsOption } from './tls-flags.js';
import { transferFlags, transferOptions } from './transfer-flags.js';
import { tuningFlags, tuningOption } from './tuning-flags.js';

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
    ...hopFlags,
    ...recvFlags,
    ...tlsFlags,
    ...tuningFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Recv);
    const tuning = tuningOption(flags);
    if (flags.overwrite === 'ask' && !canAsk())
      throw new XferError('ERR_XFER_USAGE', '--overwrite ask needs a terminal', {
        remedy: 'choose never, rename or always',
      });
    await this.transfer(flags, async (common, view) => {
      if (flags.prune) {
        const { prune } = await import('../app/prune.js');
        const { files, busy } = await prune(args.dir);
        const left = busy > 0 ? `; ${busy} transfers are under way and were left alone` : '';
        return common.onEvent({ event: 'note', message: `${files} files removed${left}` });
      }
      const { receive } = await import('../app/receive.js');
      const shared = transferOptions(flags);
      const { maxEntries } = shared.bench ?? {};
      await receive({
        ...common,
        ...shared,
        ...hopOptions(flags),
        directory: args.dir,
        ...(flags.output === undefined ? {} : { output: flags.output }),
        listen: flags.listen ?? [],
        via: flags.via ?? [],
        ...(flags.room === undefined ? {} : { room: flags.room }),
        ...tlsOption(flags),
        ...tuning,
        once: flags.once,
        measures: !flags['no-measure'],
        streaming: flags.rollout === 'on',
        policy: {
          overwrite: flags.overwrite,
          owners: flags.owner && process.getuid?.() === 0,
          attributes: flags.xattrs,
          removes: flags.delete,
          syncs: flags.fsync,
          ...(flags['max-bytes'] === undefined ? {} : { maxBytes: parseSize(flags['max-bytes']) }),
          ...(flags['max-files'] === undefined ? {} : { maxFiles: flags['max-files'] }),
          ...(maxEntries === undefined ? {} : { maxEntries }),
          ask: (path) => view.suspended(() => askOverwrite(path, common.signal)),
        },
        ...(flags.allow === undefined ? {} : { allow: flags.allow }),
      });
    });
  }
}
