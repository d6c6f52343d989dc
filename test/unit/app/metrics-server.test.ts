import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseMetricsAddress } from '../../../src/app/metrics-address.js';
import { MetricsServer } from '../../../src/app/metrics-server.js';

let isHealthy = true;

async function serve(text: () => Promise<string> = () => Promise.resolve('a 1\n')): Promise<MetricsServer> {
  const server = await MetricsServer.listen(parseMetricsAddress('0'), {
    contentType: 'text/plain; version=0.0.4',
    text,
    health: () => ({ isHealthy, report: { status: isHealthy ? 'ok' : 'draining' } }),
  });
  onTestFinished(() => server.close());
  return server;
}

describe('where metrics are served', () => {
  it.each([
    ['9100', '127.0.0.1', 9100],
    ['0', '127.0.0.1', 0],
    ['0.0.0.0:9100', '0.0.0.0', 9100],
    ['[::1]:9100', '::1', 9100],
    ['relay.example:80', 'relay.example', 80],
  ])('%s is a host and a port', (text, host, port) => {
    expect(parseMetricsAddress(text)).toMatchObject({ host, port });
  });

  it.each([':9100', 'localhost', '127.0.0.1', '70000', '[::1', 'http://127.0.0.1:9100', '', '::1:9100'])(
    '%j is none',
    (text) => {
      expect(() => parseMetricsAddress(text)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }));
    },
  );
});

describe('the server of metrics', () => {
  it('tells its real port, and answers there', async () => {
    const server = await serve();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics$/);
    expect(server.isLocal).toBe(true);
    const answer = await fetch(server.url);
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'text/plain; version=0.0.4',
      'a 1\n',
    ]);
  });

  it('says by its status whether it is healthy', async () => {
    const server = await serve();
    const health = server.url.replace('/metrics', '/healthz?x=1');
    const good = await fetch(health);
    expect([good.status, await good.json()]).toEqual([200, { status: 'ok' }]);
    isHealthy = false;
    const bad = await fetch(health);
    expect([bad.status, await bad.json()]).toEqual([503, { status: 'draining' }]);
    isHealthy = true;
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/metrics/x', 404],
    ['POST', '/metrics', 405],
    ['DELETE', '/healthz', 405],
    ['HEAD', '/metrics', 200],
  ])('answers %s %s with %d', async (method, path, status) => {
    const server = await serve();
    const answer = await fetch(new URL(path, server.url), { method });
    expect(answer.status).toBe(status);
    await answer.text();
  });

  it('says so when the metrics cannot be gathered', async () => {
    const server = await serve(() => Promise.reject(new Error('no')));
    expect((await fetch(server.url)).status).toBe(500);
  });

  it('takes no more headers than anybody needs', async () => {
    const server = await serve();
    const answer = await fetch(server.url, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
  });

  it('says which address is taken', async () => {
    const { url } = await serve();
    const { port } = new URL(url);
    await expect(
      MetricsServer.listen(parseMetricsAddress(port), {
        contentType: '',
        text: () => Promise.resolve(''),
        health: () => ({ isHealthy: true, report: {} }),
      }),
    ).rejects.toMatchObject({ code: 'ERR_XFER_ADDRESS_IN_USE' });
  });

  it('closes at once, whoever is connected', async () => {
    const server = await serve();
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /metrics HTTP/1.1\r\n');
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await server.close();
    await closed;
  });
});
