import { expect, test, vi } from 'vitest';
import { peersWithoutWork } from '../../../src/bench/peers-without-work.js';
import { loopback } from '../../../src/bench/places.js';
import type { BenchWork } from '../../../src/bench/work.js';
import { XferError } from '../../../src/errors/index.js';

vi.mock('../../../src/bench/programs.js', () => ({
  findProgram: ({ name }: { name: string }) =>
    name === 'mbuffer'
      ? Promise.reject(new XferError('ERR_XFER_NOT_FOUND', 'there is no mbuffer'))
      : Promise.resolve({ path: `/usr/bin/${name}`, said: '' }),
}));

const work = (pattern: BenchWork['pattern'], isBothWays = false): BenchWork => ({
  ...{ pattern, bytes: 1, count: 1, limit: { iterations: 1 }, isBothWays },
});
const file = [work('file'), work('latency')];

test('of the tools that are found those that can do none of the works are named, with what they can do', async () => {
  const skipped = await peersWithoutWork({ peers: 'found', place: loopback, works: file });
  expect(skipped.map(({ name }) => name)).toEqual(['socat-tls', 'socat', 'nc', 'ncat', 'iperf3']);
  expect(skipped[1]).toEqual({
    ...{ name: 'socat', code: 'ERR_XFER_USAGE', reason: 'socat cannot do file, latency' },
    remedy: 'leave it out, or add --pattern pipe',
  });
  const all = [...file, work('pipe'), work('memory')];
  expect(await peersWithoutWork({ peers: 'found', place: loopback, works: all })).toEqual([]);
});

test('of those that were asked for, too, wherever they are, and with what keeps them from it', async () => {
  const peers = ['mbuffer', 'cp', 'scp', 'nobody knows it'];
  const of = async (works: BenchWork[], far: readonly string[] = []) =>
    (await peersWithoutWork({ peers, place: { ...loopback, far }, works })).map(({ reason }) => reason);
  expect(await of([work('file')])).toEqual(['mbuffer cannot do file']);
  expect(await of([work('pipe', true), work('file')])).toEqual([
    'mbuffer cannot do pipe, file both ways at once',
  ]);
  expect(await of([work('file'), work('pipe')], ['nsenter'])).toEqual([
    'cp copies on one machine, not over a link',
  ]);
  expect(await peersWithoutWork({ peers: [], place: loopback, works: [work('streams')] })).toEqual([]);
});
