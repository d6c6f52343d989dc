import { expect, it } from 'vitest';
import { endpointFindings } from '../../../src/app/doctor-endpoints.js';
import { coreEndpoints } from '../../../src/pipe/core-endpoints.js';
import { EndpointRegistry } from '../../../src/pipe/endpoint-registry.js';
import {
  endpointApiVersion,
  type EndpointDescriptor,
  type EndpointKind,
} from '../../../src/pipe/endpoint.js';

const never = new AbortController().signal;
const kind = (probe?: EndpointKind['probe']): EndpointDescriptor => ({
  apiVersion: endpointApiVersion,
  name: 'odd',
  schemes: ['odd+a', 'odd+b'],
  load: () =>
    Promise.resolve({
      check: () => undefined,
      open: () => Promise.reject(new Error('not opened')),
      ...(probe ? { probe } : {}),
    }),
});
const findingsOf = async (descriptor: EndpointDescriptor, timeoutMs = 5000) => {
  const registry = new EndpointRegistry();
  registry.add(descriptor, 'odd-plugin');
  return endpointFindings(registry, timeoutMs, never);
};

it('tells what a pipe can end in, and which plugins failed', async () => {
  const registry = new EndpointRegistry();
  for (const descriptor of coreEndpoints()) registry.add(descriptor, 'xfer');
  registry.offer({ apiVersion: 0 }, 'old-plugin');
  expect(await endpointFindings(registry, 5000, never)).toEqual([
    { subject: 'endpoints', state: 'ok', detail: 'file:, exec:, unix:, tcp-connect:, tcp-listen:' },
    {
      subject: 'plugin old-plugin',
      state: 'missing',
      detail: expect.stringContaining('ERR_XFER_PLUGIN_VERSION') as string,
      remedy: 'the plugin is for another version of xfer: update it',
    },
  ]);
});

it('has none where there is none', async () => {
  expect(await endpointFindings(new EndpointRegistry(), 5000, never)).toEqual([
    { subject: 'endpoints', state: 'none', detail: 'none' },
  ]);
});

it('tells what a kind of endpoints says of itself', async () => {
  expect(await findingsOf(kind(() => Promise.resolve({ ok: true, detail: 'version 3' })))).toEqual([
    { subject: 'endpoints', state: 'none', detail: 'none' },
    { subject: 'endpoints odd', state: 'ok', detail: 'odd+a:, odd+b: version 3' },
  ]);
  const lacks = { ok: false, code: 'ERR_XFER_NO_ENDPOINT', reason: 'no odd', remedy: 'get one' } as const;
  expect((await findingsOf(kind(() => Promise.resolve(lacks)))).slice(1)).toEqual([
    {
      ...{ subject: 'endpoints odd', state: 'missing', remedy: 'get one' },
      detail: 'odd+a:, odd+b: no odd (ERR_XFER_NO_ENDPOINT)',
    },
  ]);
});

it('lists one that says nothing of itself, and says why one cannot be loaded or does not answer', async () => {
  expect(await findingsOf(kind())).toEqual([{ subject: 'endpoints', state: 'ok', detail: 'odd+a:, odd+b:' }]);
  const broken = { ...kind(), load: () => Promise.reject(new Error('no such file')) };
  expect((await findingsOf(broken))[1]).toMatchObject({
    ...{ subject: 'endpoints odd', state: 'missing' },
    detail: expect.stringContaining('no such file (ERR_XFER_PLUGIN_THREW)') as string,
  });
  const silent = kind(() => new Promise(() => undefined));
  expect((await findingsOf(silent, 1))[1]).toMatchObject({
    detail: expect.stringContaining('ERR_XFER_TIMEOUT') as string,
  });
});
