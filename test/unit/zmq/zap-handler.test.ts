import { expect, it } from 'vitest';
import type { ZmqBinding, ZmqContext } from '../../../plugins/zmq/src/binding.js';
import { zapHandler } from '../../../plugins/zmq/src/zap-handler.js';

/** Nothing is asked of it here. */
const context = undefined as unknown as ZmqContext;

/** A socket on which so many clients are asked about, of whom the first gets no answer, and which fails then. */
function routerOf(clients: number) {
  const answered: unknown[] = [];
  const parts = (name: string) =>
    [name, '', '1.0', 'request', '', '', '', 'NULL'].map((part) => Buffer.from(part));
  class Router {
    closed = false;
    bind = () => Promise.resolve();
    close = () => void (this.closed = true);
    send = ([peer, , , , code]: readonly unknown[]) => {
      if (String(peer) === 'client 0') return Promise.reject(new Error('it has gone'));
      answered.push([String(peer), code]);
      return Promise.resolve();
    };
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < clients; i++) yield await Promise.resolve(parts(`client ${i}`));
      throw new Error('the context is gone');
    }
  }
  return { answered, binding: { Router } as unknown as ZmqBinding };
}

it('goes on where one cannot be answered, and tells of its end', async () => {
  const { answered, binding } = routerOf(3);
  const told = await new Promise<string>((resolve) => {
    void zapHandler(binding, context, new Set(), resolve);
  });
  expect(told).toContain('the context is gone');
  expect(answered).toEqual([
    ['client 1', '400'],
    ['client 2', '400'],
  ]);
});

it('has no more to say when it is closed', async () => {
  const { binding } = routerOf(0);
  const notes: string[] = [];
  const handler = await zapHandler(binding, context, new Set(), (note) => notes.push(note));
  handler.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(notes).toEqual([]);
});
