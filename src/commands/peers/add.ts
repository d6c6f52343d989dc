import { Args, Flags } from '@oclif/core';
import { homeDirectory } from '../../config/index.js';
import { BaseCommand } from '../base-command.js';

export default class PeersAdd extends BaseCommand {
  static override summary = 'Trust a peer by its key.';
  static override description = 'The key is what xfer peers prints on the other machine.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> laptop Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE= --host 192.0.2.7',
  ];
  static override args = {
    name: Args.string({ description: 'what to call it here', required: true, ignoreStdin: true }),
    key: Args.string({ description: 'its key', required: true, ignoreStdin: true }),
  };
  static override flags = {
    host: Flags.string({
      description: 'a host at which it is found',
      helpValue: 'HOST',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PeersAdd);
    const { addPeer } = await import('../../app/peers.js');
    await addPeer(homeDirectory(), { name: args.name, key: args.key, hosts: flags.host ?? [] });
  }
}
