import { Args, Flags } from '@oclif/core';
import { parseSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';
import { canAsk } from '../ui/ask-code.js';
import { askOverwrite } from '../ui/ask-overwrite.js';
import { BaseCommand } from './base-command.js';
import { hopFlags, hopOptions } from './hop-flags.js';
import { tlsFlags, tlsOption } from './tls-flags.js';
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
    ...hopFlags,
    listen: Flags.string({
      description:
        'where to listen, as scheme://host:port; port 0 is any free one (default: tcp, which takes ws too, every address, port 4840)',
      helpValue: 'URL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    via: Flags.string({
      description:
        'wait at this relay instead of listening; several are passed in their order, the last one has the room',
      helpValue: 'RELAY',
      multiple: true,
      multipleNonGreedy: true,
    }),
    room: Flags.string({
      description: 'the room to wait in (default: that of the code, or one that is free)',
      helpValue: 'ROOM',
      dependsOn: ['via'],
    }),
    ...tlsFlags,
    rollout: Flags.option({
      options: ['off', 'on'] as const,
      default: 'on' as const,
      description:
        'off: take only files within --streaming-threshold, each whole, and refuse senders that have a larger one',
    })(),
    once: Flags.boolean({ default: false, description: 'end after one transfer, whatever its outcome' }),
    'max-bytes': Flags.string({
      description: 'refuse transfers with more content than this',
      helpValue: 'SIZE',
    }),
    'max-files': Flags.integer({
      description: 'refuse transfers with more files than this',
      helpValue: 'NUMBER',
      min: 1,
    }),
    overwrite: Flags.option({
      options: ['ask', 'never', 'rename', 'always'] as const,
      default: 'always' as const,
      description:
        'what to do where a file exists: ask at the terminal, leave it, choose another name, replace it',
    })(),
    fsync: Flags.boolean({ description: 'tell senders that all is committed only when it is on disk' }),
    prune: Flags.boolean({
      default: false,
      description: 'remove what transfers that never ended have left in DIR, and end',
    }),
    delete: Flags.boolean({ description: 'let senders delete what they do not offer (xfer send --delete)' }),
    owner: Flags.boolean({ description: 'as root, give files the owners that the sender tells' }),
    xattrs: Flags.boolean({ description: 'set the extended attributes (user.*) that the sender tells' }),
    allow: Flags.string({
      description: 'let only this known peer send, and make no code',
      helpValue: 'PEER',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Recv);
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
      await receive({
        ...common,
        ...transferOptions(flags),
        ...hopOptions(flags),
        directory: args.dir,
        listen: flags.listen ?? [],
        via: flags.via ?? [],
        ...(flags.room === undefined ? {} : { room: flags.room }),
        ...tlsOption(flags),
        once: flags.once,
        streaming: flags.rollout === 'on',
        policy: {
          overwrite: flags.overwrite,
          owners: flags.owner && process.getuid?.() === 0,
          attributes: flags.xattrs,
          removes: flags.delete,
          syncs: flags.fsync,
          ...(flags['max-bytes'] === undefined ? {} : { maxBytes: parseSize(flags['max-bytes']) }),
          ...(flags['max-files'] === undefined ? {} : { maxFiles: flags['max-files'] }),
          ask: (path) => view.suspended(() => askOverwrite(path, common.signal)),
        },
        ...(flags.allow === undefined ? {} : { allow: flags.allow }),
      });
    });
  }
}
