import { Flags } from '@oclif/core';
import { benchDefaults } from '../config/index.js';
import { parsePercent } from '../config/quantity.js';
import { benchFormats } from '../bench/formats/names.js';
import type { FinishOptions } from '../bench/finish.js';

/** What is done with the report of a bench, for CI. */
export const benchOutputFlags = {
  format: Flags.option({
    options: benchFormats,
    description: 'print the report for another program, in place of tables',
    exclusive: ['json'],
  })(),
  baseline: Flags.string({
    description: 'a report of --json to compare with: exit status 5 where a row of xfer has become slower',
    helpValue: 'FILE',
  }),
  tolerance: Flags.string({
    description: `how much slower is no regression (default: ${benchDefaults.tolerance * 100}%)`,
    helpValue: 'PERCENT',
    dependsOn: ['baseline'],
  }),
};

interface OutputFlags {
  readonly format: (typeof benchFormats)[number] | undefined;
  readonly baseline: string | undefined;
  readonly tolerance: string | undefined;
}

/** Their values as options of `benchFinish`. Throws ERR_XFER_USAGE. */
export function outputOption({
  format,
  baseline,
  tolerance,
}: OutputFlags): Pick<FinishOptions, 'format' | 'baseline'> {
  const share = tolerance === undefined ? benchDefaults.tolerance : parsePercent(tolerance);
  return {
    ...(format === undefined ? {} : { format }),
    ...(baseline === undefined ? {} : { baseline: { path: baseline, tolerance: share } }),
  };
}
