import { homeDirectory } from '../../config/index.js';
import { peerLine } from '../../ui/peer-lines.js';
import { BaseCommand } from '../base-command.js';

export default class PeersList extends BaseCommand {
  static override summary = 'List the peers that this machine trusts.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(PeersList);
    const { listPeers } = await import('../../app/peers.js');
    for (const peer of await listPeers(homeDirectory())) this.data(peerLine(peer, flags));
  }
}
