import { Flags } from '@oclif/core';

/** What only `recv` has. */
export const recvFlags = {
  listen: Flags.string({
    description:
      'where to listen, as scheme://host:port; port 0 is any free one (default: tcp, which takes ws too, and udp at port 4840, quic at 4841; every address)',
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
  rollout: Flags.option({
    options: ['off', 'on'] as const,
    default: 'on' as const,
    description:
      'off: take only files within --streaming-threshold, each whole, and refuse senders that have a larger one',
  })(),
  'no-measure': Flags.boolean({
    default: false,
    description: 'do not let others measure the path to here (xfer doctor)',
  }),
  output: Flags.option({
    options: ['-'] as const,
    char: 'o',
    description:
      '-: write one file (xfer send FILE) or stream (xfer send -, xfer pipe) to stdout, and no file; then end',
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
