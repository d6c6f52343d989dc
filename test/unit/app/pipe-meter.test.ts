import { expect, it } from 'vitest';
import { PipeMeter } from '../../../src/app/pipe-meter.js';
import { HandWriter } from '../pipe/feed-kit.js';
import { bytesOf } from '../pipe/endpoint-fakes.js';

const holding = (bytes: number): HandWriter => {
  const writer = new HandWriter(100);
  writer.write({ bytes: bytesOf('x'.repeat(bytes)), release: () => undefined });
  return writer;
};

it.each([
  ['the same', true, { heldBytes: 30, windowBytes: 100, bytes: 20 }],
  ['parts of it', false, { heldBytes: 40, windowBytes: 200, bytes: 10 }],
] as const)('what writers hold that get %s', (_, isSame, told) => {
  const meter = new PipeMeter();
  const way = meter.begin(true, [holding(10), holding(30)], isSame);
  way.movedBytes = 50;
  expect(meter.progress).toMatchObject({ sent: 50, ...told });
});
