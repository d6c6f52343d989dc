import { Flags } from '@oclif/core';
import { BaseCommand } from './base-command.js';
import { relayAccessFlags, relayAccessOptions } from './relay-access-flags.js';

export default class Relay extends BaseCommand {
  static override summary = 'Forward transfers of others, without being able to read them.';
  static override usage = ['relay [FLAGS]'];
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --listen tcp://127.0.0.1:0 --json',
  ];
  static override flags = {
    listen: Flags.string({
      description:
        'where to listen, as scheme://host:port; port 0 is any free one (default: tcp, every address, port 4840)',
      helpValue: 'URL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...relayAccessFlags,
    dial: Flags.string({
      description:
        'dial for strangers too: public, private, loopback, any, an address or a network such as 10.1.0.0/16 (default: nothing; they meet in rooms)',
      helpValue: 'WHAT',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Relay);
    await this.transfer(flags, async (common) => {
      const { relay } = await import('../app/relay.js');
      await relay({
        ...common,
        listen: flags.listen ?? [],
        ...(flags.dial ? { dial: flags.dial } : {}),
        access: relayAccessOptions(flags),
      });
    });
  }
}
