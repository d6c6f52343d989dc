import { Flags } from '@oclif/core';
import type { CommonOptions } from '../app/options.js';

/** The flags that say whom to trust, the same for both sides. */
export const pairingFlags = {
  code: Flags.string({
    description:
      'the code that both sides share; it shows in the list of processes, so rather set XFER_CODE or wait to be asked',
    helpValue: 'CODE',
  }),
  remember: Flags.boolean({
    description: 'trust the other side from now on: later transfers need no code',
  }),
  as: Flags.string({
    description: 'the name under which to remember the other side (default: what it calls itself)',
    helpValue: 'NAME',
    dependsOn: ['remember'],
  }),
};

/** Their values as options of the application; `--code` wins over XFER_CODE. */
export function pairingOptions(flags: {
  code: string | undefined;
  // oclif leaves it out where it was not given; a default would count as given for `--as`.
  remember: boolean | undefined;
  as: string | undefined;
}): Pick<CommonOptions, 'code' | 'remember' | 'rememberAs'> {
  const code = flags.code ?? (process.env['XFER_CODE'] || undefined);
  return {
    remember: flags.remember ?? false,
    ...(code === undefined ? {} : { code }),
    ...(flags.as === undefined ? {} : { rememberAs: flags.as }),
  };
}
