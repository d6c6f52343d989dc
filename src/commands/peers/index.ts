import { homeDirectory } from '../../config/index.js';
import { ownKeyLine, peerLine } from '../../ui/peer-lines.js';
import { BaseCommand } from '../base-command.js';

export default class Peers extends BaseCommand {
  static override summary = "Show this machine's own key and the peers that it trusts.";
  static override examples = ['<%= config.bin %> <%= command.id %>'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Peers);
    const { listPeers, ownKey } = await import('../../app/peers.js');
    this.data(ownKeyLine(await ownKey(homeDirectory()), flags));
    for (const peer of await listPeers(homeDirectory())) this.data(peerLine(peer, flags));
  }
}
