import { describe, expect, it, vi } from 'vitest';
import type { Endpoint, EndpointKind, EndpointOptions } from '../../../src/pipe/endpoint.js';
import { EndlessSources } from '../../../src/pipe/endless-sources.js';

const options: EndpointOptions = {
  use: 'source',
  signal: new AbortController().signal,
  onNote: () => undefined,
};
const stop = vi.fn();
const close = () => Promise.resolve();
const messages: Endpoint = {
  label: 'sub:',
  source: { kind: 'messages', read: () => new Promise(() => undefined), stop },
  close,
};
const bytes: Endpoint = {
  label: 'cat:',
  source: { kind: 'bytes', read: () => Promise.resolve(0), stop },
  close,
};

/** A registry with an endpoint of messages and one of bytes. */
function registry(): EndlessSources {
  const endpoints = new EndlessSources();
  for (const [scheme, endpoint] of Object.entries({ sub: messages, cat: bytes })) {
    const kind: EndpointKind = {
      check: (url) => {
        if (url === 'sub:bad') throw new Error('bad');
      },
      open: () => Promise.resolve(endpoint),
      listen: (url, { onEndpoint }) => {
        onEndpoint(endpoint);
        return Promise.resolve({ address: url, close });
      },
    };
    const load = () => Promise.resolve(kind);
    endpoints.add({ apiVersion: 1, name: scheme, schemes: [scheme], load }, 'test');
  }
  return endpoints;
}

describe('sources that never end', () => {
  it('are those of messages, brought to an end in order', async () => {
    stop.mockClear();
    const endpoints = registry();
    expect(endpoints.stop()).toBe(false);
    const kind = await endpoints.kindOf('sub:x');
    const opened = await kind.open('sub:x', options);
    expect([opened.label, opened.source]).toEqual([messages.label, messages.source]);
    expect(endpoints.stop()).toBe(true);
    expect(stop).toHaveBeenCalledOnce();
  });

  it('are those that came to a listener, too', async () => {
    stop.mockClear();
    const endpoints = registry();
    const onEndpoint = vi.fn();
    const listener = await (await endpoints.kindOf('sub:x')).listen?.('sub:x', { ...options, onEndpoint });
    expect(listener?.address).toBe('sub:x');
    expect(onEndpoint).toHaveBeenCalledWith(expect.objectContaining({ source: messages.source }));
    expect(endpoints.stop()).toBe(true);
  });

  it('are forgotten when they are closed', async () => {
    stop.mockClear();
    const endpoints = registry();
    const kind = await endpoints.kindOf('sub:x');
    await (await kind.open('sub:x', options)).close();
    expect(endpoints.stop()).toBe(false);
    expect(stop).not.toHaveBeenCalled();
  });

  it('are not those of bytes', async () => {
    stop.mockClear();
    const endpoints = registry();
    await (await endpoints.kindOf('cat:x')).open('cat:x', options);
    expect(endpoints.stop()).toBe(false);
    expect(stop).not.toHaveBeenCalled();
  });

  it('are checked as they are', async () => {
    const kind = await registry().kindOf('sub:x');
    expect(() => kind.check('sub:bad', 'source')).toThrow('bad');
    expect(() => kind.check('sub:x', 'source')).not.toThrow();
  });
});
