import { Flags } from '@oclif/core';
import { benchDefaults } from '../config/index.js';
import { parsePercent } from '../config/quantity.js';
import { benchFormats } from '../bench/formats/names.js';
import { baselineProgram } from '../bench/baseline-build.js';
import type { BenchOptions } from '../bench/engine.js';
import type { FinishOptions } from '../bench/finish.js';

/** What is done with the report of a bench, for CI. */
export const benchOutputFlags = {
  format: Flags.option({
    options: benchFormats,
    description: 'print the report for another program, in place of tables',
    exclusive: ['json'],
  })(),
  baseline: Flags.string({
    description:
      'a report of --json, or a directory with another build of xfer: exit status 5 where a row of xfer is slower',
    helpValue: 'FILE|DIRECTORY',
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

/** Their values as options of `benchFinish`, and of `bench` where the baseline is another build. Rejects with ERR_XFER_USAGE. */
export async function outputOption({
  format,
  baseline,
  tolerance,
}: OutputFlags): Promise<Pick<FinishOptions, 'format' | 'baseline'> & Pick<BenchOptions, 'baselineProgram'>> {
  const program = baseline === undefined ? undefined : await baselineProgram(baseline);
  const share = tolerance === undefined ? benchDefaults.tolerance : parsePercent(tolerance);
  return {
    ...(format === undefined ? {} : { format }),
    ...(program === undefined ? {} : { baselineProgram: program }),
    ...(baseline === undefined
      ? {}
      : { baseline: { tolerance: share, ...(program === undefined ? { path: baseline } : {}) } }),
  };
}
