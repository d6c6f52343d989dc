import { Args } from '@oclif/core';
import { homeDirectory } from '../../config/index.js';
import { BaseCommand } from '../base-command.js';

export default class PeersRename extends BaseCommand {
  static override summary = 'Call a known peer by another name.';
  static override examples = ['<%= config.bin %> <%= command.id %> laptop old-laptop'];
  static override args = {
    from: Args.string({ description: 'its name now', required: true, ignoreStdin: true }),
    to: Args.string({ description: 'its new name', required: true, ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(PeersRename);
    const { renamePeer } = await import('../../app/peers.js');
    await renamePeer(homeDirectory(), args.from, args.to);
  }
}
