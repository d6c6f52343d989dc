import { describe, expect, it } from 'vitest';
import { coreEndpoints } from '../../../src/pipe/core-endpoints.js';
import { EndpointRegistry } from '../../../src/pipe/endpoint-registry.js';

const registry = (): EndpointRegistry => {
  const made = new EndpointRegistry();
  for (const descriptor of coreEndpoints()) made.add(descriptor, 'xfer');
  return made;
};

describe('coreEndpoints', () => {
  it.each([
    ['file:out.bin', 'sink'],
    ['exec:gzip -c', 'both'],
    ['unix:/run/some.sock', 'both'],
    ['unix:listen:/run/some.sock', 'source'],
    ['tcp-connect:[::1]:80', 'both'],
    ['tcp-listen:*:0', 'source'],
  ] as const)('has what reads %s', async (url, use) => {
    (await registry().kindOf(url)).check(url, use);
  });

  it.each(['tcp://host:4840', 'host:4840', 'room:abc', 'user@host:dir', '-', 'FILE:x'])(
    'leaves %s to others',
    (url) => {
      expect(registry().schemeOf(url)).toBeUndefined();
    },
  );
});
