import { Flags } from '@oclif/core';
import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';

/** What only `send` has. */
export const sendFlags = {
  to: Flags.string({
    description: 'where to, once or for several targets at once; then every argument is a path',
    helpValue: 'TARGET',
    multiple: true,
    multipleNonGreedy: true,
  }),
  name: Flags.string({
    description: 'what the receiver is to call what comes from stdin (PATH is -)',
    helpValue: 'NAME',
  }),
  via: Flags.string({
    description:
      'go over this relay; several are passed in their order, the first is the nearest; a,b are alternatives for one',
    helpValue: 'RELAY',
    multiple: true,
    multipleNonGreedy: true,
  }),
  peer: Flags.string({ description: 'the known peer that must answer there', helpValue: 'NAME' }),
  update: Flags.boolean({
    char: 'u',
    description: 'leave out what the receiver has with the same size and time',
  }),
  checksum: Flags.boolean({
    char: 'c',
    description: 'compare what the receiver has by its content, and send the blocks that differ',
    exclusive: ['update'],
  }),
  delete: Flags.boolean({
    description:
      'delete in the received directories what is not here; takes --update, and --delete at the receiver',
    dependsOn: ['update'],
    exclusive: ['exclude', 'include', 'exclude-from', 'one-file-system'],
  }),
  yes: Flags.boolean({ char: 'y', description: 'delete without being asked' }),
  owner: Flags.boolean({ description: 'tell who owns files; a receiver with --owner, as root, sets it' }),
  xattrs: Flags.boolean({
    description: 'tell extended attributes (user.*); a receiver with --xattrs sets them',
  }),
  limit: Flags.string({
    description:
      'send no faster than this; @FILE reads it from a file, again at every SIGUSR2; + and - change it at a terminal',
    helpValue: 'RATE',
  }),
  transport: Flags.string({
    description:
      'for a target without a scheme: auto, or a transport that may be used (tcp, udp, quic, ws, wss), again for each',
    helpValue: 'auto|NAME',
    default: ['auto'],
    multiple: true,
    multipleNonGreedy: true,
  }),
  explain: Flags.boolean({
    description: 'tell of each decision about how to get there, with its numbers',
  }),
  lanes: Flags.string({
    description: 'connections to send over: a number up to 16, or auto for as many as help',
    helpValue: 'N|auto',
    default: 'auto',
  }),
  compress: Flags.option({
    description:
      'lz4: compress whatever shrinks; auto: that, where the network is what the transfer waits for; off: nothing',
    options: ['auto', 'lz4', 'off'] as const,
    default: 'auto',
  })(),
  exclude: Flags.string({
    description:
      'do not send what matches, as in a .gitignore; of all patterns the last that matches decides',
    helpValue: 'PATTERN',
    multiple: true,
    multipleNonGreedy: true,
  }),
  include: Flags.string({
    description: 'send what matches after all; nothing comes back below an excluded directory',
    helpValue: 'PATTERN',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'exclude-from': Flags.string({
    description: 'a file of patterns, in the syntax of a .gitignore; - is stdin',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'one-file-system': Flags.boolean({
    char: 'x',
    description: 'send directories on other file systems empty',
  }),
};

/** `--transport` as `SendOptions.use`. */
export function useOption(names: readonly string[]): { use?: readonly string[] } {
  if (!names.includes('auto')) return { use: [...new Set(names)] };
  if (names.every((name) => name === 'auto')) return {};
  throw new XferError('ERR_XFER_USAGE', '--transport takes auto or names of transports, not both');
}

/** `--lanes` as `SendOptions.lanes`. */
export function laneOption(text: string): { lanes?: number } {
  if (text === 'auto') return {};
  const lanes = Number(text);
  if (Number.isInteger(lanes) && lanes >= 1 && lanes <= sessionDefaults.maxLanes) return { lanes };
  throw new XferError(
    'ERR_XFER_USAGE',
    `--lanes takes auto or a number from 1 to ${sessionDefaults.maxLanes}`,
  );
}
