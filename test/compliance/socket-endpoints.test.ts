import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { endpointCompliance, endpointOptions, type EndpointPair } from 'xfer/compliance';
import type { Endpoint, EndpointKind } from '../../src/pipe/endpoint.js';
import { tcpConnect, tcpListen } from '../../src/pipe/tcp-endpoints.js';
import { unixEndpoint } from '../../src/pipe/unix-endpoint.js';

/** `listener` gives the far end, what dials its address the near one. */
async function connect(
  use: 'one-way' | 'both',
  listener: { kind: EndpointKind; url: string },
  dial: (address: string) => { kind: EndpointKind; url: string },
): Promise<EndpointPair> {
  let came: (endpoint: Endpoint) => void = () => undefined;
  const far = new Promise<Endpoint>((resolve) => (came = resolve));
  const listening = await listener.kind.listen?.(listener.url, {
    ...endpointOptions(use === 'both' ? 'both' : 'source'),
    onEndpoint: (endpoint) => came(endpoint),
  });
  const to = dial(listening?.address ?? '');
  const near = await to.kind.open(to.url, endpointOptions(use === 'both' ? 'both' : 'sink'));
  await far;
  await listening?.close();
  return { near, far: () => far };
}

for (const host of ['127.0.0.1', '[::1]'])
  endpointCompliance(`tcp over ${host}`, { isDuplex: true, abortCode: 'ERR_XFER_CONNECTION_LOST' }, () => ({
    kind: tcpConnect(),
    open: (use) =>
      connect(use, { kind: tcpListen, url: `tcp-listen:${host}:0` }, (address) => ({
        kind: tcpConnect(),
        url: address.replace('tcp-listen:', 'tcp-connect:'),
      })),
    good: `tcp-connect:${host}:1`,
    rubbish: [
      ...['tcp-connect:', 'tcp-connect:host', 'tcp-connect:80', 'tcp-connect:host:', 'tcp-connect:host:0'],
      ...['tcp-connect:host:65536', 'tcp-connect:host:http', 'tcp-connect:::1:80', 'tcp-connect:[::g]:80'],
      ...['tcp-connect:*:80', 'tcp-connect://host:80', 'tcp-connect:ho st:80', 'tcp-connect:host:80/'],
    ],
  }));

const directory = { path: '' };
let sockets = 0;
beforeAll(async () => {
  directory.path = await mkdtemp(join(tmpdir(), 'xfer-unix-'));
});
afterAll(() => rm(directory.path, { recursive: true }));

endpointCompliance('unix', { isDuplex: true }, () => {
  const path = join(directory.path, `${sockets++}`);
  return {
    kind: unixEndpoint,
    open: (use) =>
      connect(use, { kind: unixEndpoint, url: `unix:listen:${path}` }, () => ({
        kind: unixEndpoint,
        url: `unix:${path}`,
      })),
    good: `unix:${path}`,
    waiting: `unix:listen:${path}`,
    rubbish: ['unix:', 'unix:listen:', 'unix:a\0b', `unix:${'x'.repeat(200)}`],
  };
});
