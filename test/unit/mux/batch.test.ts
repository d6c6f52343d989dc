import { expect, it } from 'vitest';
import { BatchWriter, type Batch } from '../../../src/mux/batch.js';
import { encodeUint64Frame } from '../../../src/mux/encode.js';
import { frameType } from '../../../src/mux/frame.js';
import { LoneCore } from '../../support/mux-cores.js';

const rounds = 50;

/** What other connections write meanwhile: more than a slab. */
function othersWrite(): void {
  const writer = new BatchWriter();
  writer.start(false);
  for (let piece = 0; piece < 50; piece++) writer.append(new Uint8Array(500));
  writer.finish();
}

/** How much memory is kept by those who keep these pieces. */
const pinnedBytes = (pieces: readonly Uint8Array[]): number =>
  [...new Set(pieces.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);

it('keeps little memory for small batches that a link has not written, whatever others write between them', () => {
  const lone = new LoneCore();
  lone.take();
  const waiting: Uint8Array[] = [];
  for (let round = 0; round < rounds; round++) {
    othersWrite();
    lone.feed(encodeUint64Frame(frameType.keepalive, 0, round));
    const batch = lone.core.poll(lone.now, 1 << 20);
    expect(batch?.bytes).toBe(22);
    waiting.push(...(batch?.chunks ?? []));
  }
  expect(waiting).toHaveLength(rounds);
  expect(pinnedBytes(waiting)).toBeLessThanOrEqual(32 * 1024);
});

it('does so for small pieces of content that a link carries beside the frames', () => {
  const lone = new LoneCore({ contentBeside: true, dialer: true });
  lone.takeControl();
  const stream = lone.open();
  lone.takeControl();
  const waiting: Uint8Array[] = [];
  for (let round = 0; round < rounds; round++) {
    othersWrite();
    lone.core.send(stream, new Uint8Array(20));
    waiting.push(...(lone.core.pollContent(lone.now, 1 << 20)?.chunks ?? []));
  }
  expect(waiting).toHaveLength(rounds);
  expect(pinnedBytes(waiting)).toBeLessThanOrEqual(32 * 1024);
});

it('shares memory with others again once the link has written all', () => {
  const [one, other] = [new LoneCore(), new LoneCore()];
  othersWrite();
  for (const lone of [one, other]) lone.take();
  const next = (lone: LoneCore): Batch => {
    lone.feed(encodeUint64Frame(frameType.keepalive, 0, 1));
    return lone.core.poll(lone.now, 1 << 20) as Batch;
  };
  const memory = (batch: Batch): ArrayBufferLike | undefined => batch.chunks[0]?.buffer;
  const [first, second] = [next(one), next(one)];
  expect(memory(second)).not.toBe(memory(first));
  for (const batch of [first, second]) one.core.handleWritten(one.now, batch);
  expect(memory(next(one))).toBe(memory(next(other)));
});
