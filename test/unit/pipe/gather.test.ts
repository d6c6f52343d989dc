import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import type { Framing, PipeWriter } from '../../../src/pipe/channel.js';
import { drain, type DrainOptions } from '../../../src/pipe/drain.js';
import type { PipeSink } from '../../../src/pipe/endpoint.js';
import { memoryChannel } from '../../../src/pipe/memory-channel.js';
import { bytesOf, frame, len32, NotingBytes, NotingMessages, piecesOf } from './endpoint-fakes.js';

const KiB = 1024;
/** More than a block. */
const long = 'x'.repeat(1025 * KiB);

/** Counts what was written and not released. */
class Ledger {
  held = 0;

  write(writer: PipeWriter, content: Uint8Array | string): boolean {
    const bytes = typeof content === 'string' ? bytesOf(content) : content;
    this.held += 1;
    return writer.write({ bytes, release: () => (this.held -= 1) });
  }
}

const gathering = (
  framings: readonly Framing[],
  sink: PipeSink,
  options: DrainOptions = {},
  windowBytes = 8 * KiB,
) => {
  const channels = framings.map((framing) => ({ ...memoryChannel(windowBytes), framing }));
  const drained = drain(channels, sink, options);
  drained.catch(() => undefined);
  return { writers: channels.map(({ writer }) => writer), drained, ledger: new Ledger() };
};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const failure = () => new XferError('ERR_XFER_CONNECTION_LOST', 'gone');
const framingError: unknown = expect.objectContaining({ code: 'ERR_XFER_FRAMING' });

/** Pours each content in its pieces, waiting for room, all at once. */
const pourAll = (writers: readonly PipeWriter[], pieces: readonly Uint8Array[][], ledger: Ledger) =>
  Promise.all(
    writers.map(async (writer, index) => {
      for (const piece of pieces[index] ?? []) {
        if (!ledger.write(writer, piece)) await writer.drained();
        await turn();
      }
      writer.finish();
      await writer.done;
    }),
  );

describe('several readers into one sink', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 8 });
  const line = fc.integer({ min: 0, max: 3000 });

  it('give whole lines, each reader its own in order, wherever content is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(line, { maxLength: 8 }), cuts), { minLength: 2, maxLength: 4 }),
        fc.constantFrom<Framing>('lines', 'bytes'),
        async (sides, framing) => {
          const sink = new NotingBytes();
          const { writers, drained, ledger } = gathering(
            sides.map(() => framing),
            sink,
          );
          const texts = sides.map(([lengths], side) =>
            lengths.map((length, index) => `${side}:${index}:${'x'.repeat(length)}`),
          );
          const pieces = sides.map(([, at], side) =>
            piecesOf(bytesOf((texts[side] ?? []).join('\n')), at).filter(({ length }) => length > 0),
          );
          await Promise.all([pourAll(writers, pieces, ledger), drained]);
          const lines = sink.text.split('\n').slice(0, -1);
          for (const [side, expected] of texts.entries())
            expect(lines.filter((each) => each.startsWith(`${side}:`))).toEqual(expected);
          expect(lines).toHaveLength(texts.flat().length);
          expect(ledger.held).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each<[Framing | undefined]>([[undefined], ['lines']])(
    'give whole messages, however long (wanted: %s)',
    async (wanted) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.array(line, { maxLength: 6 }), cuts), { minLength: 2, maxLength: 3 }),
          async (sides) => {
            const sink = new NotingBytes();
            const { writers, drained, ledger } = gathering(
              sides.map(() => 'len32' as const),
              sink,
              { framing: wanted },
            );
            const texts = sides.map(([lengths], side) =>
              lengths.map((length, index) => [`${side}:${index}:`, 'x'.repeat(length)]),
            );
            const pieces = sides.map(([, at], side) =>
              piecesOf(len32(texts[side] ?? []), at).filter(({ length }) => length > 0),
            );
            await Promise.all([pourAll(writers, pieces, ledger), drained]);
            const expected = texts.flat();
            const frames = expected.map((message) =>
              wanted === 'lines' ? bytesOf(message.join('') + '\n') : len32([message]),
            );
            let rest = sink.text;
            for (const each of frames) rest = rest.replace(Buffer.from(each).toString('latin1'), '');
            expect(rest).toBe('');
            expect(ledger.held).toBe(0);
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('give messages to a sink of messages', async () => {
    const sink = new NotingMessages();
    const { writers, drained, ledger } = gathering(['len32', 'lines'], sink);
    await Promise.all([
      pourAll(writers, [[len32([['a', 'b'], ['c']])], [bytesOf('line\nlast')]], ledger),
      drained,
    ]);
    expect(sink.messages.sort()).toEqual([['a', 'b'], ['c'], ['last'], ['line']]);
    expect(ledger.held).toBe(0);
  });

  it('wait with the beginning of a line, and others go on', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['lines', 'lines'], sink);
    const [a, b] = writers as [PipeWriter, PipeWriter];
    ledger.write(a, 'begun ');
    await turn();
    ledger.write(b, 'whole\n');
    await turn();
    expect(sink.text).toBe('whole\n');
    ledger.write(a, 'and ended\nbegun again');
    await turn();
    expect(sink.text).toBe('whole\nbegun and ended\n');
    a.finish();
    b.finish();
    await drained;
    expect(sink.text).toBe('whole\nbegun and ended\nbegun again\n');
  });

  it('have a frame that is too long to be kept written as it comes, and the others wait for its end', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['lines', 'lines'], sink);
    const [a, b] = writers as [PipeWriter, PipeWriter];
    ledger.write(a, long);
    await turn();
    ledger.write(b, 'other\n');
    await turn();
    expect(sink.text).toBe(long);
    ledger.write(a, 'y\n');
    await turn();
    expect(sink.text).toBe(`${long}y\nother\n`);
    a.finish();
    b.finish();
    await drained;
    expect(ledger.held).toBe(0);
  });

  it('take turns: none waits for all that another has', async () => {
    const sink = new NotingBytes();
    sink.hold();
    const { writers, ledger, drained } = gathering(['lines', 'lines'], sink);
    for (const [side, writer] of writers.entries()) {
      for (let i = 0; i < 4; i++) ledger.write(writer, `${side}\n`);
      writer.finish();
    }
    await turn();
    sink.letGo();
    await drained;
    expect(sink.text.replaceAll('\n', '')).toBe('01010101');
  });
});

describe('one of several readers that fails', () => {
  it('loses what it began, the others go on, and the drain rejects at the end', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['lines', 'lines'], sink);
    const [a, b] = writers as [PipeWriter, PipeWriter];
    const error = failure();
    ledger.write(a, 'whole\npart');
    await turn();
    a.reset(error);
    await turn();
    ledger.write(b, 'goes on\n');
    b.finish();
    await expect(drained).rejects.toBe(error);
    await expect(b.done).resolves.toBeUndefined();
    expect(sink.text).toBe('whole\ngoes on\n');
    expect([sink.isEnded, sink.aborted, ledger.held]).toEqual([true, undefined, 0]);
  });

  it('with a message that is not all at its end is stopped with that', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['len32', 'len32'], sink);
    const [a, b] = writers as [PipeWriter, PipeWriter];
    ledger.write(a, Buffer.concat([frame('whole'), frame('half').subarray(0, 6)]));
    a.finish();
    b.finish();
    await expect(drained).rejects.toEqual(framingError);
    await expect(a.done).rejects.toEqual(framingError);
    await expect(b.done).resolves.toBeUndefined();
    expect(Buffer.compare(sink.bytes, frame('whole'))).toBe(0);
    expect(ledger.held).toBe(0);
  });

  it('within a frame that is in the sink already takes all with it', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['lines', 'lines'], sink);
    const [a, b] = writers as [PipeWriter, PipeWriter];
    const error = failure();
    ledger.write(a, long);
    await turn();
    ledger.write(b, 'other\n');
    await turn();
    a.reset(error);
    await expect(drained).rejects.toBe(error);
    await expect(b.done).rejects.toBe(error);
    await turn();
    expect([sink.aborted, sink.isEnded, ledger.held]).toEqual([error, false, 0]);
  });

  it('with messages among lines is stopped: nobody could tell them apart', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['lines', 'len32'], sink);
    const [a, b] = writers as [PipeWriter, PipeWriter];
    ledger.write(a, 'line\n');
    await turn();
    ledger.write(b, frame('message'));
    await turn();
    a.finish();
    await expect(drained).rejects.toEqual(framingError);
    expect([sink.text, ledger.held]).toEqual(['line\n', 0]);
  });

  it('with a newline in what is to be a line is stopped, and the others go on', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['len32', 'len32'], sink, { framing: 'lines' });
    const [a, b] = writers as [PipeWriter, PipeWriter];
    ledger.write(a, frame('two\nlines'));
    await turn();
    ledger.write(b, frame('one'));
    b.finish();
    await expect(drained).rejects.toEqual(framingError);
    expect([sink.text, ledger.held]).toEqual(['one\n', 0]);
  });
});

describe('a sink that fails', () => {
  it('stops all readers, also those that wait for their turn', async () => {
    const sink = new NotingBytes();
    sink.hold();
    const { writers, ledger, drained } = gathering(['lines', 'lines', 'lines'], sink);
    for (const writer of writers) ledger.write(writer, 'line\nbegun');
    await turn();
    sink.failure = failure();
    sink.letGo();
    await expect(drained).rejects.toBe(sink.failure);
    for (const writer of writers) await expect(writer.done).rejects.toBe(sink.failure);
    await turn();
    expect([sink.writes, ledger.held]).toEqual([1, 0]);
  });

  it('at its end leaves the other sides without their word', async () => {
    const sink = new NotingBytes();
    const { writers, ledger, drained } = gathering(['bytes'], sink);
    ledger.write(writers[0] as PipeWriter, 'all');
    await turn();
    sink.failure = failure();
    writers[0]?.finish();
    await expect(drained).rejects.toBe(sink.failure);
    await expect(writers[0]?.done).rejects.toBe(sink.failure);
  });
});

describe('a drain', () => {
  it('of content that is not cut refuses a sink of messages', async () => {
    const sink = new NotingMessages();
    const { writers, ledger, drained } = gathering(['bytes'], sink);
    ledger.write(writers[0] as PipeWriter, 'any');
    await expect(drained).rejects.toMatchObject({
      code: 'ERR_XFER_FRAMING',
      remedy: 'start the other side with --frame lines or len32',
    });
    expect([sink.aborted?.code, ledger.held]).toEqual(['ERR_XFER_FRAMING', 0]);
  });

  it('that is aborted stops its readers and aborts its sink', async () => {
    const sink = new NotingBytes();
    const aborter = new AbortController();
    const { writers, drained } = gathering(['bytes'], sink, { signal: aborter.signal });
    const error = failure();
    aborter.abort(error);
    await expect(drained).rejects.toBe(error);
    await expect(writers[0]?.done).rejects.toBe(error);
    expect(sink.aborted).toBe(error);
  });

  it('tells how much has gone, and reads on while the sink is busy', async () => {
    const told: number[] = [];
    const sink = new NotingBytes();
    sink.hold();
    const { writers, ledger, drained } = gathering(['bytes'], sink, { onProgress: (n) => told.push(n) });
    for (const text of ['ab', 'cde', 'f']) ledger.write(writers[0] as PipeWriter, text);
    writers[0]?.finish();
    await turn();
    expect([sink.writes, told]).toEqual([1, []]);
    sink.letGo();
    await drained;
    expect([sink.text, told]).toEqual(['abcdef', [2, 5, 6]]);
  });
});
