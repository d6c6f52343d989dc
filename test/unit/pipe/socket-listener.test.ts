import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import type { Endpoint } from '../../../src/pipe/endpoint.js';
import { listenOnSocket } from '../../../src/pipe/socket-listener.js';
import { optionsFor, readAll } from './endpoint-kit.js';

it('has so many connections at once: further ones wait, and past that are refused', async () => {
  const came: Endpoint[] = [];
  const notes: string[] = [];
  let onCome: () => void = () => undefined;
  const next = (): Promise<void> => new Promise((resolve) => (onCome = resolve));
  const listener = await listenOnSocket(
    {
      at: { host: '127.0.0.1', port: 0 },
      address: (server) => String((server.address() as AddressInfo).port),
      errorOf: (cause) => new XferError('ERR_XFER_INTERNAL', cause.message),
    },
    {
      ...optionsFor('source', (note) => notes.push(note)),
      onEndpoint(endpoint) {
        came.push(endpoint);
        onCome();
      },
    },
    { maxConnections: 2, maxWaiting: 1 },
  );
  const dial = (name: string): Socket => {
    const socket = connect({ host: '127.0.0.1', port: Number(listener.address) }).resume();
    socket.on('error', () => undefined);
    return socket.end(name);
  };
  for (const name of ['first', 'second', 'third']) await once(dial(name), 'connect');
  const refused = dial('fourth');
  await new Promise((resolve) => refused.once('close', resolve));
  const address = `${listener.address}: 2 connections at once, and more`;
  expect([came.length, ...notes]).toEqual([2, `${address} wait`, `${address} than 1 that wait are refused`]);
  const third = next();
  await came[0]?.close();
  await third;
  expect(await readAll(came[2]!)).toBe('third');
  expect(await readAll(came[1]!)).toBe('second');
  await Promise.all(came.map((endpoint) => endpoint.close()));
  await listener.close();
});
