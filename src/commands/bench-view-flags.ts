import { Flags } from '@oclif/core';

/** How a bench is looked at. */
export const benchViewFlags = {
  watch: Flags.boolean({
    default: false,
    description: 'repeat all of it until interrupted, and keep what each pass came to beside the others',
    exclusive: ['serve', 'baseline', 'format'],
  }),
};
