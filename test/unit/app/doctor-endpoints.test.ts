import { expect, it } from 'vitest';
import { endpointFindings } from '../../../src/app/doctor-endpoints.js';
import { coreEndpoints } from '../../../src/pipe/core-endpoints.js';
import { EndpointRegistry } from '../../../src/pipe/endpoint-registry.js';

it('tells what a pipe can end in, and which plugins failed', () => {
  const registry = new EndpointRegistry();
  for (const descriptor of coreEndpoints()) registry.add(descriptor, 'xfer');
  registry.offer({ apiVersion: 0 }, 'old-plugin');
  expect(endpointFindings(registry)).toEqual([
    { subject: 'endpoints', state: 'ok', detail: 'file:, exec:, unix:, tcp-connect:, tcp-listen:' },
    {
      subject: 'plugin old-plugin',
      state: 'missing',
      detail: expect.stringContaining('ERR_XFER_PLUGIN_VERSION') as string,
      remedy: 'the plugin is for another version of xfer: update it',
    },
  ]);
});

it('has none where there is none', () => {
  expect(endpointFindings(new EndpointRegistry())).toEqual([
    { subject: 'endpoints', state: 'none', detail: 'none' },
  ]);
});
