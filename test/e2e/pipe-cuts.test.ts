import { afterEach, describe, expect, it } from 'vitest';
import { chosen } from '../support/campaign.js';
import { netLab, whyNoLab, type NetLab } from '../support/net-lab.js';
import { pipeCuts } from '../support/pipe-cuts.mjs';
import { temporaryDirectory } from '../support/run-xfer.js';

const MiB = 2 ** 20;
let lab: NetLab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

describe('a pipe whose way is cut at random places', () => {
  // The second seed has all three kinds of cuts.
  it.each(chosen([1, 2], [2]))(
    'brings every byte once, over loopback, seed %i',
    async (seed) => {
      const directory = await temporaryDirectory();
      const found = await pipeCuts({ bytes: 192 * MiB, cuts: 6, seed, directory, downMs: 500 });
      expect(found.statuses, found.said.join('\n')).toEqual([0, 0]);
      expect(found.cuts).toHaveLength(6);
      expect({ bytes: found.bytes, digest: found.arrived }).toEqual({
        bytes: 192 * MiB,
        digest: found.expected,
      });
    },
    120_000,
  );

  it.skipIf(whyNoLab !== undefined)(
    'brings every byte once, where the link itself goes down',
    async () => {
      lab = await netLab({ wire: 'veth' });
      const directory = await temporaryDirectory();
      const found = await pipeCuts({ bytes: 128 * MiB, cuts: 4, seed: 3, directory, lab });
      expect(found.statuses, found.said.join('\n')).toEqual([0, 0]);
      expect(found.cuts).toHaveLength(4);
      expect(found.arrived).toBe(found.expected);
    },
    120_000,
  );
});
