import { Flags } from '@oclif/core';

export const reportFlag = {
  report: Flags.string({
    description: 'also write what was measured as one HTML page with charts',
    helpValue: 'FILE.html',
  }),
};
