import { describe, expect, it } from 'vitest';
import { fabricGain } from '../../../src/app/fabric-gain.js';
import type { FabricApi, FabricFinding } from 'xfer/plugin';

/** A machine with these devices and providers, and how often libfabric was asked for. */
function machine(devices: readonly string[], providers: readonly string[] | Error) {
  const seen = { loads: 0 };
  const api = {
    version: '1.17',
    providers: () =>
      providers instanceof Error
        ? Promise.reject(providers)
        : Promise.resolve(providers.map((provider) => ({ provider }))),
  } as unknown as FabricApi;
  const source = {
    devices: () => Promise.resolve(devices.map((name) => ({ name }))),
    fabric: (): Promise<FabricFinding> => {
      seen.loads++;
      return Promise.resolve({ ok: true, api });
    },
  };
  return { source, seen };
}

const all = ['efa', 'verbs;ofi_rxm', 'tcp;ofi_rxm', 'shm'];

describe('what a fabric gains', () => {
  it('is what hardware does, to another host', async () => {
    const { source } = machine(['rdmap0s6'], all);
    expect(await fabricGain(false, source)).toEqual({
      ...{ ok: true, providers: ['efa', 'verbs'], isOffloaded: true },
    });
  });

  it('is nothing without a device, and then libfabric is not even loaded', async () => {
    const { source, seen } = machine([], all);
    expect(await fabricGain(false, source)).toMatchObject({ ok: false });
    expect(seen.loads).toBe(0);
  });

  it('is shared memory on one host, which no hardware moves', async () => {
    const { source } = machine([], all);
    expect(await fabricGain(true, source)).toEqual({ ok: true, providers: ['shm'], isOffloaded: false });
  });

  it('is nothing where libfabric knows the device not', async () => {
    const { source } = machine(['rdmap0s6'], ['tcp;ofi_rxm', 'shm']);
    expect(await fabricGain(false, source)).toEqual({
      ok: false,
      reason: 'libfabric has no provider here that gains something over tcp',
    });
  });

  it('is nothing where libfabric cannot be asked, whose words are the reason', async () => {
    const broken = machine(['rdmap0s6'], new Error('fi_getinfo: no data available'));
    expect(await fabricGain(false, broken.source)).toEqual({
      ok: false,
      reason: 'fi_getinfo: no data available',
    });
    const missing = { code: 'ERR_XFER_NO_TRANSPORT', reason: 'no libfabric', remedy: 'install it' };
    const source = { ...broken.source, fabric: () => Promise.resolve({ ok: false, ...missing } as const) };
    expect(await fabricGain(true, source)).toEqual({ ok: false, reason: 'no libfabric' });
  });
});
