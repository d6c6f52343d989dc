import { describe, expect, it } from 'vitest';
import {
  commonProviders,
  pinnedProvider,
  usableProviders,
} from '../../../plugins/rdma/src/provider-choice.js';
import { memoryFabric } from '../../support/memory-fabric.js';

const found = (...providers: string[]) => memoryFabric({ providers }).providers();
const names = (of: readonly { readonly provider: string }[]) => of.map(({ provider }) => provider);
const offered = (...providers: string[]) =>
  providers.map((provider) => ({ provider, fabric: 'f', domain: 'd', version: '1.0' }));
const usage = expect.objectContaining({ code: 'ERR_XFER_USAGE' });

describe('the provider that is pinned', () => {
  it.each([
    ['rdma', undefined, undefined],
    ['rdma+efa', undefined, 'efa'],
    ['rdma+verbs', undefined, 'verbs;ofi_rxm'],
    ['rdma+tcp', undefined, 'tcp;ofi_rxm'],
    ['rdma+shm', undefined, 'shm'],
    ['rdma', 'verbs', 'verbs;ofi_rxm'],
    ['rdma', 'tcp;ofi_rxm', 'tcp;ofi_rxm'],
    ['rdma+tcp', 'tcp', 'tcp;ofi_rxm'],
  ])('by %s:// and %s is %s', (scheme, provider, pinned) => {
    expect(pinnedProvider(scheme, provider === undefined ? {} : { provider })).toBe(pinned);
  });

  it('may not be one by the scheme and another by the option', () => {
    expect(() => pinnedProvider('rdma+tcp', { provider: 'efa' })).toThrow(usage);
  });

  it('must be one of those that there are', () => {
    expect(() => pinnedProvider('rdma', { provider: 'udp;ofi_rxd' })).toThrow(usage);
  });
});

describe('what this machine has', () => {
  it('goes by the order of libfabric, but for shared memory, each provider once', async () => {
    const all = await found('efa', 'tcp;ofi_rxm', 'tcp;ofi_rxm', 'sockets', 'shm');
    expect(names(usableProviders(all, undefined))).toEqual(['shm', 'efa', 'tcp;ofi_rxm']);
  });

  it('is named where it lacks the one that is pinned', async () => {
    const all = await found('tcp;ofi_rxm', 'shm');
    expect(() => usableProviders(all, 'efa')).toThrow(
      expect.objectContaining({
        code: 'ERR_XFER_NO_TRANSPORT',
        message: 'libfabric has no provider efa on this machine, but tcp;ofi_rxm, shm',
      }),
    );
  });
});

describe('what both ends have', () => {
  it("goes by the dialer's order, shared memory within one host alone", async () => {
    const ours = await found('tcp;ofi_rxm', 'shm', 'efa');
    const offers = offered('shm', 'efa', 'verbs;ofi_rxm', 'tcp;ofi_rxm');
    expect(names(commonProviders(offers, ours, true))).toEqual(['shm', 'efa', 'tcp;ofi_rxm']);
    expect(names(commonProviders(offers, ours, false))).toEqual(['efa', 'tcp;ofi_rxm']);
  });
});
