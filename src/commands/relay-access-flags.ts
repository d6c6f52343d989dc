import { Flags } from '@oclif/core';
import type { RelayAccessOptions } from '../app/relay-access.js';

/** Whom a relay lets in; a token may come by XFER_RELAY_TOKEN, too. */
export const relayAccessFlags = {
  allow: Flags.string({
    description: 'serve this known peer, or who has this key (xfer peers), and no stranger',
    helpValue: 'NAME|KEY',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'token-file': Flags.string({
    description: 'serve who has one of the tokens in this file, one a line, and no stranger',
    helpValue: 'FILE',
  }),
  name: Flags.string({
    description: 'what this relay is called: refuse proofs that were made for another host',
    helpValue: 'HOST',
    multiple: true,
    multipleNonGreedy: true,
  }),
  identify: Flags.boolean({
    default: false,
    description: "prove this relay's key to the relays that it dials",
  }),
};

export function relayAccessOptions(flags: {
  allow: string[] | undefined;
  'token-file': string | undefined;
  name: string[] | undefined;
  identify: boolean;
}): RelayAccessOptions {
  const token = process.env['XFER_RELAY_TOKEN'] || undefined;
  return {
    allow: flags.allow,
    tokenFile: flags['token-file'],
    tokens: token === undefined ? [] : [token],
    names: flags.name,
    identify: flags.identify,
  };
}
