import { describe, expect, it } from 'vitest';
import type { EndpointKind } from '../../../src/pipe/endpoint.js';
import { EndpointRegistry } from '../../../src/pipe/endpoint-registry.js';

const kind: EndpointKind = {
  check: () => undefined,
  open: () => Promise.reject(new Error('no')),
};
const good = { apiVersion: 1, name: 'good', schemes: ['good'], load: () => Promise.resolve(kind) };
const hookOf = (name: string, result: unknown) => ({ plugin: { name }, result });

describe('EndpointRegistry', () => {
  it('gives the kind of a URL, loaded once and only when it is asked for', async () => {
    let loads = 0;
    const registry = new EndpointRegistry();
    registry.add({ ...good, schemes: ['a', 'b+c'], load: () => (loads++, Promise.resolve(kind)) }, 'plugin');
    expect([registry.schemes(), loads]).toEqual([['a', 'b+c'], 0]);
    expect(await registry.kindOf('a:rest')).toBe(kind);
    expect(await registry.kindOf('b+c:')).toBe(kind);
    expect(loads).toBe(1);
  });

  it('tells its URLs from all others', () => {
    const registry = new EndpointRegistry();
    registry.add(good, 'plugin');
    expect(registry.schemeOf('good:anything at all')).toBe('good');
    for (const other of ['good', 'Good:x', 'better:x', ':x', '', 'host:4840', 'toString:x'])
      expect(registry.schemeOf(other), other).toBeUndefined();
  });

  it('names the endpoints that there are when asked for another', async () => {
    const registry = new EndpointRegistry();
    registry.add(good, 'plugin');
    await expect(registry.kindOf('carrier-pigeon:coop')).rejects.toMatchObject({
      code: 'ERR_XFER_NO_ENDPOINT',
      message: expect.stringContaining('good:') as string,
    });
  });

  it.each([
    ['nothing', undefined, 'ERR_XFER_PLUGIN_EXPORT'],
    ['a string', 'good', 'ERR_XFER_PLUGIN_EXPORT'],
    ['an empty object', {}, 'ERR_XFER_PLUGIN_EXPORT'],
    ['no apiVersion', { ...good, apiVersion: undefined }, 'ERR_XFER_PLUGIN_VERSION'],
    ['another apiVersion', { ...good, apiVersion: 2 }, 'ERR_XFER_PLUGIN_VERSION'],
    ['no name', { ...good, name: '' }, 'ERR_XFER_PLUGIN_EXPORT'],
    ['no schemes', { ...good, schemes: [] }, 'ERR_XFER_PLUGIN_EXPORT'],
    ['a scheme that is no scheme', { ...good, schemes: ['good:'] }, 'ERR_XFER_PLUGIN_EXPORT'],
    ['a scheme in upper case', { ...good, schemes: ['Good'] }, 'ERR_XFER_PLUGIN_EXPORT'],
    ['no load', { ...good, load: undefined }, 'ERR_XFER_PLUGIN_METHOD'],
  ])('refuses %s', (_name, descriptor, code) => {
    const registry = new EndpointRegistry();
    expect(() => registry.add(descriptor, 'bad')).toThrow(expect.objectContaining({ code }) as Error);
    expect(registry.schemes()).toEqual([]);
  });

  it('refuses the second plugin for a scheme, whole, and keeps the first', async () => {
    const registry = new EndpointRegistry();
    registry.add(good, 'first');
    const second = { ...good, schemes: ['other', 'good'], load: () => Promise.resolve({ ...kind }) };
    expect(() => registry.add(second, 'second')).toThrow(/second.*good.*first/);
    expect(registry.schemes()).toEqual(['good']);
    expect(await registry.kindOf('good:x')).toBe(kind);
  });

  it.each(['check', 'open'])('refuses a kind without %s', async (method) => {
    const registry = new EndpointRegistry();
    registry.add({ ...good, load: () => Promise.resolve({ ...kind, [method]: undefined }) }, 'bad');
    await expect(registry.kindOf('good:x')).rejects.toMatchObject({
      code: 'ERR_XFER_PLUGIN_METHOD',
      message: expect.stringContaining('bad') as string,
    });
  });

  it('refuses a load that gives nothing', async () => {
    const registry = new EndpointRegistry();
    registry.add({ ...good, load: () => Promise.resolve(undefined) }, 'bad');
    await expect(registry.kindOf('good:x')).rejects.toMatchObject({ code: 'ERR_XFER_PLUGIN_METHOD' });
  });

  it('says that a load threw, and tries again the next time', async () => {
    const registry = new EndpointRegistry();
    let loads = 0;
    const load = () => (loads++ === 0 ? Promise.reject(new Error('busy')) : Promise.resolve(kind));
    registry.add({ ...good, load }, 'flaky');
    await expect(registry.kindOf('good:x')).rejects.toMatchObject({
      code: 'ERR_XFER_PLUGIN_THREW',
      message: expect.stringContaining('busy') as string,
    });
    expect(await registry.kindOf('good:x')).toBe(kind);
  });
});

describe('what the hook gave', () => {
  it('takes the good ones, and says of each bad one what is wrong', async () => {
    const registry = new EndpointRegistry();
    registry.addHookResult({
      successes: [
        hookOf('list', { good: 'this is no list' }),
        hookOf('old', [{ ...good, apiVersion: 0 }]),
        hookOf('two', [{ ...good, load: 'not a function' }, good]),
        hookOf('late', [good]),
        hookOf('none', []),
      ],
      failures: [{ plugin: { name: 'thrown' }, error: new Error('no device here') }],
    });
    expect(registry.failures.map(({ plugin, error }) => [plugin, error.code])).toEqual([
      ['thrown', 'ERR_XFER_PLUGIN_THREW'],
      ['list', 'ERR_XFER_PLUGIN_EXPORT'],
      ['old', 'ERR_XFER_PLUGIN_VERSION'],
      ['two', 'ERR_XFER_PLUGIN_METHOD'],
      ['late', 'ERR_XFER_PLUGIN_EXPORT'],
    ]);
    expect(registry.failures[0]?.error.message).toContain('no device here');
    expect(await registry.kindOf('good:x')).toBe(kind);
  });
});
