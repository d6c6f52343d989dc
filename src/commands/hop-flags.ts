import { Flags } from '@oclif/core';
import type { HopOptions } from '../app/options.js';

/** What both sides of a transfer may tell the first relay; its token comes by XFER_RELAY_TOKEN alone. */
export const hopFlags = {
  identify: Flags.boolean({
    description: "prove this machine's key to the first relay, for its allow list and weights",
    dependsOn: ['via'],
  }),
};

export function hopOptions(flags: { identify: boolean | undefined }): HopOptions {
  const relayToken = process.env['XFER_RELAY_TOKEN'] || undefined;
  return { identify: flags.identify ?? false, ...(relayToken === undefined ? {} : { relayToken }) };
}
