import { Args } from '@oclif/core';
import { homeDirectory } from '../../config/index.js';
import { BaseCommand } from '../base-command.js';

export default class PeersRemove extends BaseCommand {
  static override summary = 'Trust a peer no longer.';
  static override examples = ['<%= config.bin %> <%= command.id %> laptop'];
  static override args = {
    name: Args.string({ description: 'its name', required: true, ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(PeersRemove);
    const { removePeer } = await import('../../app/peers.js');
    await removePeer(homeDirectory(), args.name);
  }
}
