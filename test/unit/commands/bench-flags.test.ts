import { expect, test } from 'vitest';
import { benchOptions } from '../../../src/commands/bench-flags.js';

const optionsOf = (flags: { transport?: string; peers?: string }) =>
  benchOptions({ bidir: false, 'no-seal': false, cpu: false, ...flags });

test('all transports, and all tools that are found, are said alone', () => {
  expect(optionsOf({ transport: 'all', peers: 'found' })).toMatchObject({ peers: 'found' });
  expect(optionsOf({ transport: 'all' })).not.toHaveProperty('use');
  expect(optionsOf({ transport: 'tcp, udp,tcp', peers: 'scp' })).toMatchObject({
    ...{ use: ['tcp', 'udp'], peers: ['scp'] },
  });
  expect(optionsOf({})).not.toHaveProperty('peers');
});

test.each([
  [{ transport: 'all,tcp' }, '--transport all goes with no other name'],
  [{ transport: 'tcp,all' }, '--transport all goes with no other name'],
  [{ peers: 'found,scp' }, '--peers found goes with no other name'],
])('%j is refused before anything runs', (flags, message) => {
  expect(() => optionsOf(flags)).toThrow(
    expect.objectContaining({ code: 'ERR_XFER_USAGE', message }) as Error,
  );
});
