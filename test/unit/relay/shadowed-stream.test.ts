import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { MuxBudget } from '../../../src/mux/index.js';
import { BlockPool } from '../../../src/relay/block-pool.js';
import type { Framing } from '../../../src/relay/framing.js';
import type { ForwardingHandlers } from '../../../src/relay/piped-stream.js';
import { ShadowedStream, type ShadowOptions } from '../../../src/relay/shadowed-stream.js';
import { resetCode } from '../../../src/transport/contract.js';
import { settled, TestStream } from '../../support/test-stream.js';

/** Units of one byte of length, which counts what follows. */
class ToyFraming implements Framing {
  readonly headBytes = 1;

  take([length = 0]: Uint8Array): number {
    return 1 + length;
  }
}

/** Says of units that they are longer than they are: it is never done with the last. */
class WrongFraming implements Framing {
  readonly headBytes = 1;

  take([length = 0]: Uint8Array): number {
    return 1_000_000 + length;
  }
}

/** Hands out the same memory again while it is being sent. */
class FaultyPool extends BlockPool {
  readonly #block = super.take();

  override take() {
    this.#block.used = 0;
    return this.#block;
  }
}

interface Options {
  readonly framing?: Framing | undefined;
  readonly pool?: BlockPool;
  readonly handlers?: ForwardingHandlers;
  readonly limitBytes?: number;
  readonly budgetBytes?: number;
  readonly tamper?: ShadowOptions['tamper'];
}

function shadowed(options: Options = {}) {
  const { pool = new BlockPool(), handlers = {}, ...rest } = options;
  const [from, next] = [new TestStream(1024 * 1024), new TestStream()];
  const [onCompared, onDropped] = [vi.fn<(isSame: boolean) => void>(), vi.fn<(reason: string) => void>()];
  const { tamper, limitBytes = 512 * 1024, budgetBytes = 1024 * 1024 } = rest;
  const stream = new ShadowedStream(from, [next], pool, handlers, {
    framing: 'framing' in options ? options.framing : new ToyFraming(),
    budget: new MuxBudget({ grantBudgetBytes: budgetBytes, maxStreamsTotal: 0 }),
    limits: { limitBytes, inactivityMs: undefined, pauseMs: 20 },
    onCompared,
    onDropped,
    ...(tamper ? { tamper } : {}),
  });
  return { from, next, stream, onCompared, onDropped };
}

/** Enough for all of the units that are delivered at once here. */
const manySteps = 500;

const content = Buffer.concat([5, 200, 0, 77].map((length) => Buffer.alloc(length + 1, length)));

describe('a pipe with a shadow', () => {
  it('passes on what comes as it comes, and finds no difference', async () => {
    const { from, next, onCompared, onDropped } = shadowed();
    from.deliver(content.subarray(0, 3));
    expect(next.take()).toEqual([content.subarray(0, 3)]);
    from.deliver(content.subarray(3));
    from.deliverEnd();
    expect(next.hasEnded).toBe(true);
    await settled(manySteps);
    expect(onCompared).not.toHaveBeenCalled();
    next.take();
    await settled(manySteps);
    expect(onCompared.mock.calls).toEqual([[true]]);
    expect(onDropped).not.toHaveBeenCalled();
  });

  it.each(['piped', 'stored'] as const)(
    'tells of a byte that is wrong in what is %s, and only there',
    async (way) => {
      let isDone = false;
      const { from, next, onCompared } = shadowed({
        tamper: (at, bytes) => {
          if (at !== way || isDone) return bytes;
          isDone = true;
          const changed = Buffer.from(bytes);
          changed[0] = Number(changed[0]) ^ 1;
          return changed;
        },
      });
      from.deliver(content);
      from.deliverEnd();
      const got = next.take();
      await settled(manySteps);
      expect(onCompared.mock.calls).toEqual([[false]]);
      expect(Buffer.concat(got)).toEqual(content);
    },
  );

  it('tells of memory that the pipe used again while it was being sent', async () => {
    const { from, next, onCompared } = shadowed({ pool: new FaultyPool(), framing: undefined });
    from.deliver(Buffer.alloc(20_000, 1));
    from.deliver(Buffer.alloc(250_000, 2));
    from.deliverEnd();
    next.take();
    await settled(manySteps);
    expect(onCompared.mock.calls).toEqual([[false]]);
  });

  it('tells of bytes that storing would have lost', async () => {
    const { from, next, onCompared } = shadowed({
      tamper: (way, bytes) => (way === 'stored' ? bytes.subarray(0, -1) : bytes),
    });
    from.deliver(content);
    from.deliverEnd();
    next.take();
    await settled(manySteps);
    expect(onCompared.mock.calls).toEqual([[false]]);
  });

  it.each<[string, Options, string]>([
    ['a unit is longer than is stored', { framing: new WrongFraming() }, 'store-limit'],
    ['all memory is taken', { budgetBytes: 100 }, 'memory'],
    [
      'it throws while storing',
      {
        tamper: (way, bytes) => {
          if (way === 'stored') throw new Error('a fault');
          return bytes;
        },
      },
      'failed',
    ],
    [
      'it throws while piping',
      {
        tamper: (way, bytes) => {
          if (way === 'piped') throw new Error('a fault');
          return bytes;
        },
      },
      'failed',
    ],
  ])('goes on without the shadow when %s', async (_name, options, reason) => {
    const { from, next, onCompared, onDropped } = shadowed(options);
    const got: Buffer[] = [];
    for (let i = 0; i < 3; i++) {
      from.deliver(content);
      await settled(manySteps);
      got.push(...next.take());
    }
    from.deliverEnd();
    await settled(manySteps);
    expect(Buffer.concat(got)).toEqual(Buffer.concat([content, content, content]));
    expect([next.hasEnded, onDropped.mock.calls, onCompared.mock.calls]).toEqual([true, [[reason]], []]);
  });

  it.each<[string, (from: TestStream, next: TestStream) => void]>([
    ['is reset', (from) => from.deliverReset(resetCode.cancelled)],
    ['is not read any more', (_from, next) => next.deliverStop(resetCode.cancelled)],
    ['is reset by the relay', (from) => from.reset(resetCode.internal)],
  ])('compares nothing where the stream %s', async (_name, happen) => {
    const { from, next, stream, onCompared, onDropped } = shadowed();
    from.deliver(content.subarray(0, 4));
    happen(from, next);
    next.take();
    await settled(manySteps);
    expect([onCompared.mock.calls, onDropped.mock.calls, stream.bufferedBytes]).toEqual([[], [], 0]);
  });

  it('tells its owner all that a pipe does', async () => {
    const seen: string[] = [];
    const handlers: ForwardingHandlers = {
      onBytes: ({ length }) => void seen.push(`bytes ${length}`),
      onTaken: ({ length }) => void seen.push(`taken ${length}`),
      onEnd: () => void seen.push('end'),
      onReset: (code) => void seen.push(`reset ${code}`),
      onBranchEnd: (_branch, { kind }) => void seen.push(kind),
    };
    const ended = shadowed({ handlers });
    ended.from.deliver(Buffer.of(0));
    ended.next.take();
    ended.from.deliverEnd();
    const reset = shadowed({ handlers });
    reset.stream.cancel(reset.next, resetCode.cancelled);
    reset.from.deliverReset(resetCode.timeout);
    await settled(manySteps);
    expect(seen).toEqual(['bytes 1', 'taken 1', 'end', 'cancelled', 'reset 3']);
  });

  it('finds no difference however the stream is cut and taken, in units that are known or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(255), { maxLength: 20 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.boolean()), { minLength: 1, maxLength: 10 }),
        fc.boolean(),
        async (lengths, turns, isKnown) => {
          const { from, next, onCompared, onDropped } = shadowed({
            framing: isKnown ? new ToyFraming() : undefined,
          });
          const all = Buffer.concat(
            lengths.map((length, i) => Buffer.alloc(length + 1, i).fill(length, 0, 1)),
          );
          const got: Buffer[] = [];
          for (let at = 0, turn = 0; at < all.length; turn++) {
            const [bytes, takes] = turns[turn % turns.length] ?? [1, true];
            from.deliver(all.subarray(at, at + bytes));
            at += bytes;
            if (takes) got.push(...next.take());
            await settled(manySteps);
          }
          from.deliverEnd();
          got.push(...next.take());
          await settled(manySteps);
          expect([Buffer.concat(got).equals(all), onCompared.mock.calls, onDropped.mock.calls]).toEqual([
            true,
            [[true]],
            [],
          ]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
