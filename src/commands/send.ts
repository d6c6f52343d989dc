import { Args } from '@oclif/core';
import type { XferEvent } from '../app/events.js';
import type { SendOptions } from '../app/options.js';
import { askCode, canAsk } from '../ui/ask-code.js';
import { XferError } from '../errors/index.js';
import { askDelete } from '../ui/ask-delete.js';
import { BaseCommand } from './base-command.js';
import { adjustable } from './limit.js';
import { filterArguments } from './filter-arguments.js';
import { hopFlags, hopOptions } from './hop-flags.js';
import { transferFlags, transferOptions } from './transfer-flags.js';
import { checkShared, sendArguments } from './send-arguments.js';
import { laneOption, sendFlags, useOption } from './send-flags.js';
import { tuningFlags, tuningOption } from './tuning-flags.js';

export default class Send extends BaseCommand {
  static override summary = 'Send files and directories to a machine that runs xfer recv.';
  static override description = `TARGET is host[:port], over whatever leads there, scheme://host[:port] for one transport, or local:DIR for a directory of this machine.
Exit status 0 means that the receiver has everything under its real name.`;
  static override usage = [
    'send PATH... TARGET [FLAGS]',
    'send PATH... --to TARGET [--to TARGET]... [FLAGS]',
  ];
  static override examples = [
    'XFER_CODE=4821-copper-lantern-melon-otter <%= config.bin %> <%= command.id %> photos notes.txt 192.0.2.7',
    '<%= config.bin %> <%= command.id %> photos 192.0.2.7 --remember --as laptop',
    '<%= config.bin %> <%= command.id %> README.md local:/tmp/xfer-demo',
    '<%= config.bin %> <%= command.id %> image.iso --to 192.0.2.7 --to 192.0.2.8 --to 192.0.2.9',
    "<%= config.bin %> <%= command.id %> project 192.0.2.7 --exclude node_modules/ --exclude '*.log' --include keep.log",
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
    ...sendFlags,
    ...hopFlags,
    ...tuningFlags,
  };

  async run(): Promise<void> {
    const { argv, flags, raw } = await this.parse(Send);
    const via = flags.via ?? [];
    const tuning = tuningOption(flags);
    const { paths, targets } = sendArguments(argv as string[], flags.to ?? [], via.length > 0);
    if (targets.length > 1) checkShared(flags);
    if (flags.delete && !flags.yes && !canAsk())
      throw new XferError('ERR_XFER_USAGE', '--delete asks at a terminal, and there is none', {
        remedy: 'add --yes where you are sure',
      });
    await this.transfer(flags, async (common, view) => {
      if (flags.delete && !flags.yes && !(await view.suspended(() => askDelete(common.signal))))
        throw new XferError('ERR_XFER_INTERRUPTED', 'nothing was sent or deleted');
      const { RateLimit, readRateLimit } = await import('../app/rate-limit.js');
      const limit = flags.limit === undefined ? new RateLimit() : await readRateLimit(flags.limit);
      const control = await adjustable(limit, flags.limit, view);
      const options = {
        ...common,
        onEvent: (event: XferEvent) => {
          if (event.event === 'phase' && event.phase === 'transfer') control.start();
          common.onEvent(event);
        },
        ...transferOptions(flags),
        ...hopOptions(flags),
        ...tuning,
        ...(flags.name === undefined ? {} : { name: flags.name }),
        ...(flags.peer === undefined ? {} : { peer: flags.peer }),
        ...(canAsk() ? { askCode: () => view.suspended(() => askCode(common.signal)) } : {}),
        filters: filterArguments(raw),
        oneFileSystem: flags['one-file-system'],
        ...{ paths, via, limit },
        ...(flags.update ? ({ update: 'stamp' } as const) : {}),
        ...(flags.checksum ? ({ update: 'digest' } as const) : {}),
        remove: flags.delete,
        owners: flags.owner,
        attributes: flags.xattrs,
        compress: flags.compress,
        ...laneOption(flags.lanes),
        ...useOption(flags.transport),
        explain: flags.explain,
      };
      await sendToAll(options, targets).finally(control.end);
    });
  }
}

async function sendToAll(options: Omit<SendOptions, 'target'>, targets: readonly string[]): Promise<void> {
  const [target, ...others] = targets;
  const { send } = await import('../app/send.js');
  if (target !== undefined && others.length === 0) await send({ ...options, target });
  else {
    const { sendToMany } = await import('../app/send-many.js');
    await sendToMany({ ...options, targets });
  }
}
