import { Kept } from '../../src/bench/kept.js';
import type { BenchSetup } from '../../src/bench/contract.js';
import type { BenchWork } from '../../src/bench/work.js';
import { TransportRegistry } from '../../src/transport/registry.js';

/** A bench on loopback whose contestants are asked for by a test; a small file, unless the work says otherwise. */
export function loopback(
  directory: string,
  work: Partial<BenchWork> = {},
  signal: AbortSignal = new AbortController().signal,
): BenchSetup {
  return {
    work: {
      ...{ pattern: 'file', bytes: 1 << 20, count: 1, limit: { iterations: 1 }, isBothWays: false },
      ...work,
    },
    ...{ transports: new TransportRegistry(), use: [], tuning: {}, hops: 0, isSealed: true },
    place: { farHost: '127.0.0.1', near: [], far: [], isHere: true },
    ...{ peers: 'found', countsCpu: false, directory, kept: new Kept(), signal },
  };
}
