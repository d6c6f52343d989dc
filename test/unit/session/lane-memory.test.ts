import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { recordLayout } from '../../../src/native/api.js';
import { PagedMemory } from '../../support/paged-memory.js';
import { HandStream } from './hand-stream.js';
import {
  bodyOf,
  codesOf,
  contentHeader,
  fileBytes,
  laneEnd,
  sealedControls,
  text,
  textsOf,
} from './lane-kit.js';

const done = (): void => undefined;
const enough = () => new XferError('ERR_XFER_INTERRUPTED', 'enough');
const large = 100_000;

/** A lane over a stream that sends from memory of its own, so many buffers at once. */
function sender(most?: number) {
  const memory = new PagedMemory(most);
  return { memory, ...laneEnd('dialer', { stream: new HandStream({ memory }) }) };
}

/** A lane over a stream that lets so many pieces be kept. */
const receiver = (mostKept: number) => laneEnd('listener', { stream: new HandStream({ mostKept }) });

describe('what a lane sends', () => {
  it("is sealed in the transport's memory, and goes back there when it is sent", () => {
    const { lane, seal, stream, memory, buffers } = sender();
    lane.sendContent({ fd: 5, header: contentHeader({ bodyBytes: large }) }, done);
    expect([memory.out, buffers.out.size]).toEqual([1, 0]);
    const [job] = seal.jobs;
    expect(((job?.job.out.byteOffset ?? 0) + recordLayout.bodyAt) % 4096).toBe(0);
    seal.finish();
    expect(stream.sent.map(({ memory: sent }) => memory.has(sent))).toEqual([true]);
    const listener = laneEnd('listener');
    listener.stream.deliver(...stream.take());
    const [content] = listener.contents;
    expect(content && Buffer.from(bodyOf(content)).equals(fileBytes(0, large))).toBe(true);
    expect(memory.out).toBe(0);
  });

  it('is sealed elsewhere where it is small, or the transport has none', () => {
    const { lane, memory, buffers } = sender(1);
    const submit = (bodyBytes: number, number: number) =>
      lane.sendContent({ fd: 5, header: contentHeader({ bodyBytes, number }) }, done);
    submit(64 * 1024 - recordLayout.overheadBytes, 0);
    expect([memory.out, buffers.out.size]).toEqual([0, 1]);
    submit(large, 1);
    submit(large, 2);
    expect([memory.out, memory.acquired, buffers.out.size]).toEqual([1, 1, 2]);
  });

  it('takes nothing of it for control messages', () => {
    const { lane, memory } = sender();
    lane.sendControl(1, 0, text('x'.repeat(large)));
    expect(memory.acquired).toBe(0);
  });

  it('is sealed in memory that is used again where it is a large control message', () => {
    const { lane, stream, buffers } = sender();
    for (const number of [1, 2]) {
      lane.sendControl(number, 0, text('x'.repeat(large)));
      expect(buffers.out.size).toBe(1);
      const listener = laneEnd('listener');
      if (number === 1) listener.stream.deliver(...stream.take());
      if (number === 1) expect(listener.controls.map(({ text: words }) => words.length)).toEqual([large]);
      if (number === 1) expect(buffers.out.size).toBe(0);
    }
    lane.abort(enough());
    stream.take();
    expect(buffers.out.size).toBe(0);
  });

  it('is not given back before the job that writes it is over, whatever ends the lane', () => {
    const { lane, seal, memory } = sender();
    for (const number of [0, 1])
      lane.sendContent({ fd: 5, header: contentHeader({ bodyBytes: large, number }) }, done);
    seal.finish(1);
    expect(memory.out).toBe(2);
    // What is sealed and was not sent goes back at once, what is being sealed when it is.
    lane.abort(enough());
    expect(memory.out).toBe(1);
    seal.finish(0);
    expect(memory.out).toBe(0);
  });

  it('goes back where the file cannot be read', () => {
    const { lane, seal, stream, memory } = sender();
    lane.sendContent({ fd: 5, header: contentHeader({ bodyBytes: large }) }, done);
    seal.fail(0, new Error('no'));
    expect(memory.out).toBe(1);
    stream.take();
    expect(memory.out).toBe(0);
  });

  it('is given back exactly once, and by nobody too early, whatever happens', () => {
    type Step = { readonly kind: 'file' | 'body' | 'seal' | 'fail' | 'send' | 'full' | 'drain' } & {
      pick: number;
    };
    const kinds = ['file', 'file', 'body', 'seal', 'seal', 'fail', 'send', 'send', 'full', 'drain'] as const;
    const step: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom(...kinds), pick: fc.nat(1000) });
    const end = fc.constantFrom('abort', 'reset', 'stop', 'fin', 'finish', 'none');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), end, fc.nat(40), fc.nat(4), (steps, how, at, most) => {
        const { lane, seal, stream, memory, buffers } = sender(most);
        const stop = () => {
          if (how === 'abort') lane.abort(enough());
          if (how === 'reset') stream.deliverReset(1);
          if (how === 'stop') stream.deliverStop(1);
          if (how === 'fin') stream.deliverFin();
          if (how === 'finish') lane.finish();
        };
        let number = 0;
        const run = ({ kind, pick }: Step) => {
          const header = contentHeader({ bodyBytes: 40_000 + 100 * pick, number });
          if ((kind === 'file' || kind === 'body') && lane.hasRoom) {
            const content = kind === 'file' ? { fd: 5 } : { body: fileBytes(0, header.bodyBytes) };
            lane.sendContent({ ...content, header }, done);
            number++;
          }
          if (kind === 'seal') {
            seal.finish(pick % 3, 70_000);
            seal.finishBody(pick % 2);
          }
          if (kind === 'fail') seal.fail(pick % 3, new Error('no'));
          if (kind === 'send') stream.sent.splice(pick % 3, 1).forEach(({ release }) => release());
          if (kind === 'full') stream.isFull = true;
          if (kind === 'drain') stream.drain();
        };
        for (const [i, each] of steps.entries()) {
          if (i === at) stop();
          run(each);
          // Nobody writes into what somebody else may have.
          for (const { job } of [...seal.jobs, ...seal.bodies])
            expect(
              memory.has(job.out) || [...buffers.out].some(({ buffer }) => buffer === job.out.buffer),
            ).toBe(true);
          // Nor is what was sent changed.
          for (const { bytes, memory: sent } of stream.sent) expect(Buffer.compare(bytes, sent)).toBe(0);
        }
        if (at >= steps.length) stop();
        for (let left = seal.jobs.length; left > 0; left--) seal.finish();
        for (let left = seal.bodies.length; left > 0; left--) seal.finishBody();
        stream.take();
        expect([memory.out, buffers.out.size]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('what a lane receives', () => {
  /** Records of a file, each `bodyBytes` long. */
  const records = (count: number, bodyBytes = large): Uint8Array[] => {
    const { lane, seal, stream } = laneEnd('dialer');
    const sealed: Uint8Array[] = [];
    for (let number = 0; number < count; number++) {
      lane.sendContent({ fd: 5, header: contentHeader({ bodyBytes, number, offset: number }) }, done);
      seal.finish();
      sealed.push(...stream.take());
    }
    return sealed;
  };

  it('stays where it came until it is released, and takes none of our memory', () => {
    const { stream, contents, buffers } = receiver(8);
    stream.deliver(...records(2));
    expect([stream.lender.kept, buffers.asked]).toEqual([2, []]);
    for (const [at, content] of contents.entries()) {
      expect(Buffer.from(bodyOf(content)).equals(fileBytes(at, large))).toBe(true);
      content.release();
    }
    expect(stream.lender.kept).toBe(0);
  });

  it('stays past the end of its lane', () => {
    const { stream, lane, contents } = receiver(8);
    stream.deliver(...records(1));
    lane.abort(enough());
    expect(stream.lender.kept).toBe(1);
    const [content] = contents;
    expect(content && Buffer.from(bodyOf(content)).equals(fileBytes(0, large))).toBe(true);
    content?.release();
    expect(stream.lender.kept).toBe(0);
  });

  it('goes back when nothing can be read of it', () => {
    const end = receiver(8);
    const [record] = records(1);
    record?.fill(0, 20, 30);
    end.stream.deliver(record ?? text(''));
    expect(codesOf(end)).toEqual(['ERR_XFER_TAMPERED']);
    expect(end.stream.lender.kept).toBe(0);
    // As it does where it was copied.
    const copying = receiver(0);
    copying.stream.deliver(record ?? text(''));
    expect([codesOf(copying), copying.buffers.out.size]).toEqual([['ERR_XFER_TAMPERED'], 0]);
  });

  it('goes back at once where it is a control message', () => {
    const { stream, controls } = receiver(8);
    stream.deliver(...sealedControls('dialer', ['x'.repeat(large)]));
    expect(controls.map(({ text: words }) => words.length)).toEqual([large]);
    expect(stream.lender.kept).toBe(0);
  });

  it.each([8, 0])('is kept where it is a large control message that is retained (most: %i)', (mostKept) => {
    const releases: (() => void)[] = [];
    const end = laneEnd('listener', {
      stream: new HandStream({ mostKept }),
      onControl: (words, retain) => {
        expect(retain === undefined).toBe(words.length < large);
        const release = retain?.();
        if (release) releases.push(release);
      },
    });
    end.stream.deliver(...sealedControls('dialer', ['x'.repeat(large), 'small']));
    const kept = () => end.stream.lender.kept + end.buffers.out.size;
    expect([textsOf(end).map(({ length }) => length), kept(), releases.length]).toEqual([[large, 5], 1, 1]);
    releases[0]?.();
    expect(kept()).toBe(0);
  });

  it('goes back where it is a control message that nobody can bear', () => {
    const end = laneEnd('listener', {
      stream: new HandStream({ mostKept: 8 }),
      onControl: () => {
        throw enough();
      },
    });
    end.stream.deliver(...sealedControls('dialer', ['x'.repeat(large)]));
    expect([codesOf(end), end.stream.lender.kept]).toEqual([['ERR_XFER_INTERRUPTED'], 0]);
  });

  it('is given back exactly once, wherever it lay and however it was cut', () => {
    const sealed = records(6, 70_000);
    const wire = Buffer.concat(sealed);
    const whole = sealed.map((_, i) => sealed.slice(0, i).reduce((sum, { length }) => sum + length, 0));
    const cuts = fc.array(fc.oneof(fc.constantFrom(...whole), fc.nat(wire.length)), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, fc.nat(4), fc.nat(wire.length), fc.boolean(), (places, most, at, isCut) => {
        const { stream, lane, contents, buffers } = receiver(most);
        const ordered = [0, ...places.sort((a, b) => a - b), wire.length];
        for (const [i, from] of ordered.entries()) {
          if (isCut && from > at) lane.abort(enough());
          stream.deliver(wire.subarray(from, ordered[i + 1]));
        }
        if (!isCut) expect(contents).toHaveLength(6);
        for (const [i, content] of contents.entries()) {
          expect(Buffer.from(bodyOf(content)).equals(fileBytes(i, 70_000))).toBe(true);
          content.release();
        }
        expect([stream.lender.kept, buffers.out.size]).toEqual([0, 0]);
      }),
      { numRuns: 40 },
    );
  });
});
