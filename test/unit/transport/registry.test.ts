import { Config, Plugin } from '@oclif/core';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { registryFromHookResult, TransportRegistry } from '../../../src/transport/registry.js';

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const transport = {
  probe: () => Promise.resolve({ ok: true, detail: '' }),
  listen: () => Promise.reject(new Error('no')),
  dial: () => Promise.reject(new Error('no')),
};
const good = { apiVersion: 1, name: 'good', schemes: ['good'], load: () => Promise.resolve(transport) };

describe('TransportRegistry', () => {
  it('gives the transport of a scheme, loaded once and only when it is asked for', async () => {
    let loads = 0;
    const registry = new TransportRegistry();
    registry.add(
      { ...good, schemes: ['a', 'b'], load: () => (loads++, Promise.resolve(transport)) },
      'plugin',
    );
    expect([registry.schemes(), loads]).toEqual([['a', 'b'], 0]);
    expect(await registry.get('a')).toBe(transport);
    expect(await registry.get('b')).toBe(transport);
    expect(loads).toBe(1);
  });

  it('names the schemes that there are when asked for another', async () => {
    const registry = new TransportRegistry();
    registry.add(good, 'plugin');
    await expect(registry.get('carrier-pigeon')).rejects.toMatchObject({
      code: 'ERR_XFER_NO_TRANSPORT',
      message: expect.stringContaining('good') as string,
    });
  });

  it.each([
    ['nothing', undefined, 'ERR_XFER_PLUGIN_EXPORT'],
    ['a string', 'tcp', 'ERR_XFER_PLUGIN_EXPORT'],
    ['no apiVersion', { ...good, apiVersion: undefined }, 'ERR_XFER_PLUGIN_VERSION'],
    ['an empty object', {}, 'ERR_XFER_PLUGIN_EXPORT'],
    ['another apiVersion', { ...good, apiVersion: 2 }, 'ERR_XFER_PLUGIN_VERSION'],
    ['no name', { ...good, name: '' }, 'ERR_XFER_PLUGIN_EXPORT'],
    ['no schemes', { ...good, schemes: [] }, 'ERR_XFER_PLUGIN_EXPORT'],
    ['a scheme that is no scheme', { ...good, schemes: ['a://'] }, 'ERR_XFER_PLUGIN_EXPORT'],
    ['no load', { ...good, load: undefined }, 'ERR_XFER_PLUGIN_METHOD'],
  ])('refuses %s', (_name, descriptor, code) => {
    const registry = new TransportRegistry();
    expect(() => registry.add(descriptor, 'bad')).toThrow(expect.objectContaining({ code }) as Error);
    expect(registry.schemes()).toEqual([]);
  });

  it('refuses the second plugin for a scheme, whole, and keeps the first', async () => {
    const registry = new TransportRegistry();
    registry.add(good, 'first');
    const second = { ...good, schemes: ['other', 'good'], load: () => Promise.resolve({ ...transport }) };
    expect(() => registry.add(second, 'second')).toThrow(/second.*good.*first/);
    expect(registry.schemes()).toEqual(['good']);
    expect(await registry.get('good')).toBe(transport);
  });

  it.each(['probe', 'listen', 'dial'])('refuses a transport without %s', async (method) => {
    const registry = new TransportRegistry();
    registry.add({ ...good, load: () => Promise.resolve({ ...transport, [method]: undefined }) }, 'bad');
    await expect(registry.get('good')).rejects.toMatchObject({ code: 'ERR_XFER_PLUGIN_METHOD' });
  });

  it('says that a load threw, and tries again the next time', async () => {
    const registry = new TransportRegistry();
    let loads = 0;
    registry.add(
      {
        ...good,
        load: () => (loads++ === 0 ? Promise.reject(new Error('busy')) : Promise.resolve(transport)),
      },
      'flaky',
    );
    await expect(registry.get('good')).rejects.toMatchObject({
      code: 'ERR_XFER_PLUGIN_THREW',
      message: expect.stringContaining('busy') as string,
    });
    expect(await registry.get('good')).toBe(transport);
  });
});

describe('plugins loaded by oclif', () => {
  const load = async (...names: string[]): Promise<TransportRegistry> => {
    const config = await Config.load({ root: at('fixtures/plugins/good'), version: '1.0.0' });
    for (const name of names) {
      const plugin = new Plugin({ root: at(`fixtures/plugins/${name}`), type: 'user', ignoreManifest: true });
      await plugin.load();
      config.plugins.set(plugin.name, plugin);
    }
    return registryFromHookResult(await config.runHook('xfer:transports', {}));
  };

  it.each([
    ['throws', 'ERR_XFER_PLUGIN_THREW'],
    ['wrong-export', 'ERR_XFER_PLUGIN_EXPORT'],
    ['old-api', 'ERR_XFER_PLUGIN_VERSION'],
  ])('refuses the plugin that is bad by %s, and keeps the good one', async (name, code) => {
    const registry = await load(name);
    expect(registry.failures.map(({ plugin, error }) => [plugin, error.code])).toEqual([
      [`xfer-fixture-${name}`, code],
    ]);
    expect(registry.schemes()).toEqual(['good', 'good+more']);
    expect(await (await registry.get('good')).probe()).toEqual({ ok: true, detail: 'fixture' });
  });

  it('refuses a transport with a missing method when it is used', async () => {
    const registry = await load('missing-method');
    await expect(registry.get('missing')).rejects.toMatchObject({
      code: 'ERR_XFER_PLUGIN_METHOD',
      message: expect.stringContaining('xfer-fixture-missing-method') as string,
    });
  });

  it('takes all bad ones at once without losing the good one', async () => {
    const registry = await load('throws', 'wrong-export', 'old-api', 'missing-method');
    expect(registry.failures.map(({ error }) => error.code).sort()).toEqual([
      'ERR_XFER_PLUGIN_EXPORT',
      'ERR_XFER_PLUGIN_THREW',
      'ERR_XFER_PLUGIN_VERSION',
    ]);
    await registry.get('good');
  });
});
