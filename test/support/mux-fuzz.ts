import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CoreStream } from '../../src/mux/core-stream.js';
import { LoneCore, type Witness } from './mux-cores.js';

/** Small, so that everything runs into its limits. */
export const fuzzConfig = {
  maxStreamsPerPeer: 6,
  maxPendingOpens: 3,
  earlyStreamBytes: 500,
  earlyBeforeHelloBytes: 500,
  earlyConnectionBytes: 900,
  initialWindowBytes: 1000,
  maxWindowBytes: 4000,
  // Above 512 bytes pieces are referenced and not copied: both must occur.
  framePayloadBytes: 900,
  sendQueueBytes: 2000,
};

/** One of two cores that talk, and what is on its way from it. */
export abstract class FuzzEnd extends LoneCore {
  /** By stream: bytes given to send(). */
  readonly sent = new Map<CoreStream, number>();
  /** How often each send was released. */
  readonly releases: number[] = [];

  send(stream: CoreStream, bytes: number): void {
    const from = stream.canSend ? (this.sent.get(stream) ?? 0) : 0;
    const content = Uint8Array.from({ length: bytes }, (_, i) => byteAt(stream.id, from + i));
    if (stream.canSend) this.sent.set(stream, from + bytes);
    const at = this.releases.push(0) - 1;
    this.core.send(stream, content, () => {
      this.releases[at] = (this.releases[at] ?? 0) + 1;
      // Only now may the owner change it: were it referenced still, the content check would show.
      content.fill(0xee);
    });
  }

  /** The link takes something from the core, of about so many bytes. False: there was nothing. */
  abstract flush(maxBytes: number): boolean;
  /** Streams of which the link keeps anything that arrived. */
  get kept(): number {
    return 0;
  }
  /** The link is done with something. */
  abstract finish(pick: number): boolean;
  /** Some of what is on its way arrives. */
  abstract deliver(to: FuzzEnd, pick: number, bytes: number): boolean;
}

/** What stands at this place of the stream's content. */
const byteAt = (id: number, at: number): number => (id * 31 + at * 7 + (at >> 8)) & 0xff;

type Ends = readonly [FuzzEnd, FuzzEnd];

const step = fc.record({
  op: fc.constantFrom(
    'open',
    'send',
    'send',
    'send',
    'fin',
    'accept',
    'read',
    'pause',
    'resume',
    'reset',
    'stop',
    'refuse',
    'flush',
    'flush',
    'deliver',
    'deliver',
    'deliver',
    'finish',
    'wait',
  ),
  side: fc.integer({ min: 0, max: 1 }),
  pick: fc.nat({ max: 50 }),
  size: fc.integer({ min: 1, max: 1500 }),
});

function apply(
  ends: Ends,
  { op, side, pick, size }: { op: string; side: number; pick: number; size: number },
): void {
  const here = ends[side] as FuzzEnd;
  const there = ends[1 - side] as FuzzEnd;
  if (op === 'open') {
    const stream = here.core.open(here.now, new Uint8Array(size % 7), (size % 3) - 1);
    if (!('refused' in stream)) here.watch(stream);
  } else if (op === 'flush') here.flush(size);
  else if (op === 'finish') here.finish(pick);
  else if (op === 'deliver') there.deliver(here, pick, size);
  else if (op === 'wait') for (const end of ends) end.now += size / 50;
  const stream = here.streams[pick % Math.max(1, here.streams.length)];
  if (!stream) return;
  if (op === 'send') here.send(stream, size);
  else if (op === 'fin') here.core.closeWrite(stream);
  else if (op === 'accept') here.core.accept(stream);
  else if (op === 'refuse' && pick % 4 === 0) here.core.refuse(stream, 2);
  else if (op === 'read' || op === 'resume') here.core.setReading(stream, true, false);
  else if (op === 'pause') here.core.setReading(stream, true, true);
  else if (op === 'reset' && pick % 5 === 0) {
    here.witnesses.get(stream)?.log.push('reset here');
    here.core.reset(stream, 4);
  } else if (op === 'stop' && pick % 5 === 0) {
    here.witnesses.get(stream)?.log.push('stop here');
    here.core.stopReading(stream, 4);
  }
}

function check(ends: Ends): void {
  for (const [side, end] of ends.entries()) {
    const other = ends[1 - side] as FuzzEnd;
    for (const stream of end.streams) {
      const { content } = end.witnesses.get(stream) as Witness;
      expect(content.findIndex((byte, at) => byte !== byteAt(stream.id, at))).toBe(-1);
      const partner = other.streams.find((theirs) => theirs.id === stream.id);
      expect(content.length).toBeLessThanOrEqual(partner ? (other.sent.get(partner) ?? 0) : 0);
      expect(stream.held.bytes).toBeLessThanOrEqual(stream.window?.sizeBytes ?? 0);
      expect(stream.window?.sizeBytes ?? 0).toBeLessThanOrEqual(fuzzConfig.maxWindowBytes);
    }
    expect(other.core.streams).toBeLessThanOrEqual(200);
  }
}

/** Everybody reads, ends and answers until nothing moves any more. */
function settle(ends: Ends): void {
  let moved = true;
  for (let round = 0; moved; round++) {
    expect(round).toBeLessThan(10_000);
    moved = false;
    for (const [side, end] of ends.entries()) {
      for (const stream of end.streams) {
        if (stream.phase === 'pending') end.core.accept(stream);
        end.core.setReading(stream, true, false);
        end.core.closeWrite(stream);
      }
      while (end.flush(5000)) moved = true;
      while (end.deliver(ends[1 - side] as FuzzEnd, round, 700)) moved = true;
      while (end.finish(round)) moved = true;
    }
  }
}

const broken = /reset|refused|stop/;

/** Whatever two cores do and whenever the link moves what: properties of both. */
export function describeTwoCores(name: string, makeEnds: () => Ends): void {
  describe(name, () => {
    it('deliver every byte once and in order, keep within windows and never lock up', () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 20, maxLength: 250 }), (steps) => {
          const ends = makeEnds();
          for (const one of steps) {
            apply(ends, one);
            check(ends);
          }
          settle(ends);
          check(ends);
          for (const [side, end] of ends.entries()) {
            const other = ends[1 - side] as FuzzEnd;
            expect(end.releases.every((count) => count === 1)).toBe(true);
            expect([end.core.streams, end.kept]).toEqual([0, 0]);
            expect([end.budget.grantedBytes, end.budget.streams]).toEqual([0, 0]);
            for (const stream of end.streams) {
              const partner = other.streams.find((theirs) => theirs.id === stream.id);
              const mine = end.witnesses.get(stream) as Witness;
              const theirs = partner && other.witnesses.get(partner);
              expect(stream.state).toBe('CLOSED');
              if (!partner || !theirs || broken.test([...mine.log, ...theirs.log].join())) continue;
              expect(mine.content.length).toBe(other.sent.get(partner) ?? 0);
              expect(mine.log.filter((entry) => entry === 'end').length).toBe(1);
            }
          }
        }),
        { numRuns: 300 },
      );
    });

    it('give everything back when the link ends in the middle', () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
          const ends = makeEnds();
          for (const one of steps) apply(ends, one);
          for (const end of ends) {
            end.core.end(1);
            while (end.finish(0));
            expect(end.releases.every((count) => count === 1)).toBe(true);
            expect([end.core.streams, end.budget.grantedBytes, end.budget.streams]).toEqual([0, 0, 0]);
          }
        }),
        { numRuns: 300 },
      );
    });
  });
}
