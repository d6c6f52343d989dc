import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { writeTogether } from '../../../src/ui/write-together.js';

function recorder(): { stream: Writable; calls: string[][] } {
  const calls: string[][] = [];
  const stream = new Writable({
    decodeStrings: false,
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  return { stream, calls };
}

it('writes with one call what is said in one go, and what follows with another', async () => {
  const { stream, calls } = recorder();
  const write = writeTogether(stream);
  write('a');
  write('b');
  await new Promise(setImmediate);
  write('c');
  await new Promise(setImmediate);
  expect(calls).toEqual([['a', 'b'], ['c']]);
});

it('is over before what is written to the stream behind it', async () => {
  const { stream, calls } = recorder();
  writeTogether(stream)('last');
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
  expect(calls).toEqual([['last', '']]);
});
