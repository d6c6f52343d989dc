import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { recordLayout } from '../../../src/native/api.js';
import { resetCode } from '../../../src/transport/contract.js';
import {
  bodyOf,
  codesOf,
  contentHeader,
  fileBytes,
  laneEnd,
  ratchetedKeys,
  sealedControls,
  text,
  textsOf,
} from './lane-kit.js';

const done = (): void => undefined;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('control messages on a lane', () => {
  it('arrive once and in order with their numbers, however their bytes are cut', () => {
    const texts = ['one', '', 'three', 'four'.repeat(500)];
    const wire = Buffer.concat(sealedControls('dialer', texts));
    fc.assert(
      fc.property(fc.array(fc.nat(wire.length), { maxLength: 12 }), (cuts) => {
        const listener = laneEnd('listener');
        const places = [0, ...cuts.sort((a, b) => a - b), wire.length];
        for (const [i, from] of places.entries()) listener.stream.deliver(wire.subarray(from, places[i + 1]));
        expect(textsOf(listener)).toEqual(texts);
        expect(listener.controls.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
        expect(codesOf(listener)).toEqual([]);
        expect(listener.buffers.out.size).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('that came with the handshake come before those that come later', () => {
    const wire = Buffer.concat(sealedControls('dialer', ['a', 'b', 'c']));
    const middle = Math.floor(wire.length / 2);
    const listener = laneEnd('listener', { leftover: wire.subarray(0, middle) });
    expect(textsOf(listener)).toEqual(['a']);
    listener.stream.deliver(wire.subarray(middle));
    expect(textsOf(listener)).toEqual(['a', 'b', 'c']);
  });

  it('name what was delivered', () => {
    const [dialer, listener] = [laneEnd('dialer'), laneEnd('listener')];
    dialer.lane.sendControl(7, 2 ** 40, text('x'));
    listener.stream.deliver(...dialer.stream.take());
    expect(listener.controls).toEqual([{ number: 7, acknowledged: 2 ** 40, text: 'x' }]);
  });
});

describe('content on a lane', () => {
  it('arrives with its header, and opens to what the file has there', () => {
    const [dialer, listener] = [laneEnd('dialer'), laneEnd('listener')];
    const header = contentHeader({ entry: 9, offset: 2 ** 41, number: 3, bodyBytes: 100_000 });
    dialer.lane.sendContent({ fd: 5, header }, done);
    dialer.seal.finish();
    listener.stream.deliver(...dialer.stream.take());
    const [content] = listener.contents;
    expect(content?.header).toEqual(header);
    expect(content && bodyOf(content)).toEqual(Buffer.from(fileBytes(2 ** 41, 100_000)));
    expect(listener.buffers.out.size).toBe(1);
    content?.release();
    expect(listener.buffers.out.size).toBe(0);
  });

  it('leaves in the order in which it was submitted, whichever is sealed first, control messages too', () => {
    const [dialer, listener] = [laneEnd('dialer'), laneEnd('listener')];
    dialer.lane.sendControl(1, 0, text('before'));
    for (const number of [0, 1]) dialer.lane.sendContent({ fd: 5, header: contentHeader({ number }) }, done);
    dialer.lane.sendControl(2, 0, text('behind'));
    expect(dialer.stream.sent).toHaveLength(1);
    dialer.seal.finish(1);
    expect(dialer.stream.sent).toHaveLength(1);
    dialer.seal.finish(0);
    const wire = dialer.stream.take();
    expect(wire).toHaveLength(4);
    listener.stream.deliver(...wire.slice(0, 3));
    expect(listener.contents.map(({ header }) => header.number)).toEqual([0, 1]);
    expect(textsOf(listener)).toEqual(['before']);
    listener.stream.deliver(...wire.slice(3));
    expect(textsOf(listener)).toEqual(['before', 'behind']);
    expect([dialer.lane.sealedRecords, listener.lane.openedRecords]).toEqual([4, 4]);
  });

  it('that stands in memory leaves in its turn, small pieces sealed at once and large ones beside the loop', () => {
    const [dialer, listener] = [laneEnd('dialer'), laneEnd('listener')];
    const sizes = [10, 2 ** 20, 0, 32 * 1024, 32 * 1024 + 1];
    const bodies = sizes.map((bytes, i) => fileBytes(i, bytes));
    const told: number[] = [];
    for (const [number, body] of bodies.entries()) {
      const header = contentHeader({ number, bodyBytes: body.length });
      dialer.lane.sendContent({ body, header }, (error, bytes) => told.push(error ? NaN : bytes));
    }
    expect(told).toEqual([10, 0, 32 * 1024]);
    expect(dialer.stream.sent).toHaveLength(1);
    dialer.seal.finishBody(1);
    expect(dialer.stream.sent).toHaveLength(1);
    dialer.seal.finishBody(0);
    expect(told).toEqual([10, 0, 32 * 1024, 32 * 1024 + 1, 2 ** 20]);
    listener.stream.deliver(...dialer.stream.take());
    expect(listener.contents.map(({ header }) => header.number)).toEqual([0, 1, 2, 3, 4]);
    for (const [i, content] of listener.contents.entries())
      expect(Buffer.from(bodyOf(content)).equals(bodies[i] ?? text('none'))).toBe(true);
    expect(dialer.buffers.out.size).toBe(0);
  });

  it('is shorter where the file ends early, and empty where it cannot be read, with the counters in step', () => {
    const [dialer, listener] = [laneEnd('dialer'), laneEnd('listener')];
    const told: (number | string)[] = [];
    const submit = (number: number) =>
      dialer.lane.sendContent({ fd: 5, header: contentHeader({ number }) }, (error, bytes) =>
        told.push(error ? error.message : bytes),
      );
    submit(0);
    submit(1);
    submit(2);
    dialer.seal.finish(0, 10);
    dialer.seal.fail(0, new Error('EIO'));
    dialer.seal.finish(0);
    expect(told).toEqual([10, 'EIO', 1000]);
    listener.stream.deliver(...dialer.stream.take());
    expect(listener.contents.map((content) => bodyOf(content).length)).toEqual([10, 0, 1000]);
    expect(listener.contents.map(({ header }) => header.bodyBytes)).toEqual([10, 0, 1000]);
    expect(dialer.buffers.out.size).toBe(0);
  });

  it('has room for four records being sealed, and says when there is room again', () => {
    const dialer = laneEnd('dialer');
    for (const number of [0, 1, 2, 3]) {
      expect(dialer.lane.hasRoom).toBe(true);
      dialer.lane.sendContent({ fd: 5, header: contentHeader({ number }) }, done);
    }
    expect([dialer.lane.hasRoom, dialer.rooms]).toEqual([false, 0]);
    dialer.seal.finish(2);
    expect([dialer.lane.hasRoom, dialer.rooms]).toEqual([true, 1]);
  });

  it('that is sealed and waits for the first one is no more than four records beside those being sealed', () => {
    const dialer = laneEnd('dialer');
    for (let number = 0; number < 8; number++) {
      expect(dialer.lane.hasRoom).toBe(true);
      dialer.lane.sendContent({ fd: 5, header: contentHeader({ number }) }, done);
      if (number > 0) dialer.seal.finish(1);
    }
    expect([dialer.lane.hasRoom, dialer.stream.sent.length]).toEqual([false, 0]);
    const before = dialer.rooms;
    dialer.seal.finish(0);
    expect([dialer.lane.hasRoom, dialer.rooms, dialer.stream.sent.length]).toEqual([true, before + 1, 8]);
  });

  it('waits while the stream is full, and goes on when it has drained', async () => {
    const dialer = laneEnd('dialer');
    dialer.stream.isFull = true;
    dialer.lane.sendContent({ fd: 5, header: contentHeader() }, done);
    dialer.seal.finish();
    expect(dialer.lane.hasRoom).toBe(false);
    const before = dialer.rooms;
    await turn();
    expect(dialer.rooms).toBe(before);
    dialer.stream.drain();
    await turn();
    expect(dialer.rooms).toBe(before + 1);
    expect(dialer.lane.hasRoom).toBe(true);
  });
});

describe('the memory of a sent record', () => {
  const submit = (end: ReturnType<typeof laneEnd>, number: number) =>
    end.lane.sendContent({ fd: 5, header: contentHeader({ number, bodyBytes: 2 ** 20 }) }, done);

  it('is not touched before the stream gives it back, and is used again then', () => {
    const dialer = laneEnd('dialer');
    for (let number = 0; number < 6; number++) {
      submit(dialer, number);
      dialer.seal.finish();
    }
    const { sent } = dialer.stream;
    expect(new Set(sent.map(({ memory }) => memory.buffer)).size).toBe(6);
    for (const { bytes, memory } of sent) expect(Buffer.compare(bytes, memory)).toBe(0);
    const memories = sent.map(({ memory }) => memory.buffer);
    dialer.stream.take();
    expect(dialer.buffers.out.size).toBe(0);
    submit(dialer, 6);
    dialer.seal.finish();
    expect(memories).toContain(dialer.stream.sent[0]?.memory.buffer);
  });

  it('is kept while it is being sealed although the lane is over, then given back', () => {
    const dialer = laneEnd('dialer');
    submit(dialer, 0);
    submit(dialer, 1);
    dialer.seal.finish(1);
    dialer.stream.deliverReset(resetCode.cancelled);
    // The second is sealed and never left; the first still belongs to the thread that seals it.
    expect(dialer.buffers.out.size).toBe(1);
    dialer.seal.finish();
    expect(dialer.buffers.out.size).toBe(0);
    expect(dialer.stream.sent).toHaveLength(0);
  });

  it('that the transport holds at a reset stays out until the transport gives it back', () => {
    const dialer = laneEnd('dialer');
    submit(dialer, 0);
    dialer.seal.finish();
    dialer.lane.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    expect(dialer.buffers.out.size).toBe(1);
    dialer.stream.take();
    expect(dialer.buffers.out.size).toBe(0);
  });
});

describe('the keys of a lane', () => {
  it('are ratcheted on both sides at the same record', () => {
    const [sender, receiver] = [ratchetedKeys(3), ratchetedKeys(3)];
    const dialer = laneEnd('dialer', { keys: sender });
    const listener = laneEnd('listener', { keys: receiver });
    const texts = Array.from({ length: 10 }, (_, i) => `message ${i}`);
    for (const [i, words] of texts.entries()) dialer.lane.sendControl(i + 1, 0, text(words));
    listener.stream.deliver(...dialer.stream.take());
    expect(textsOf(listener)).toEqual(texts);
    expect(codesOf(listener)).toEqual([]);
  });

  it('of before a ratchet open nothing behind it', () => {
    const dialer = laneEnd('dialer', { keys: ratchetedKeys(3) });
    const listener = laneEnd('listener', { keys: ratchetedKeys(2 ** 16) });
    for (let i = 1; i <= 4; i++) dialer.lane.sendControl(i, 0, text(`message ${i}`));
    listener.stream.deliver(...dialer.stream.take());
    expect(textsOf(listener)).toEqual(['message 1', 'message 2', 'message 3']);
    expect(codesOf(listener)).toEqual(['ERR_XFER_TAMPERED']);
  });
});

describe('the end of a lane', () => {
  it('by our side comes behind what was submitted', () => {
    const { lane, stream, seal } = laneEnd('dialer');
    lane.sendContent({ fd: 5, header: contentHeader() }, done);
    lane.finish();
    expect(stream.hasEnded).toBe(false);
    seal.finish();
    expect([stream.sent.length, stream.hasEnded, stream.resetWith]).toEqual([1, true, undefined]);
  });

  it('by our side is the last that is sent, however often it is asked for', () => {
    const [dialer, listener] = [laneEnd('dialer'), laneEnd('listener')];
    dialer.lane.sendControl(1, 0, text('a'));
    dialer.lane.finish();
    dialer.lane.sendControl(2, 0, text('b'));
    dialer.lane.finish();
    listener.stream.deliver(...dialer.stream.take());
    expect([textsOf(listener), dialer.lane.sealedRecords]).toEqual([['a'], 1]);
  });

  it('by a FIN between two records is in order', () => {
    const listener = laneEnd('listener');
    listener.stream.deliver(...sealedControls('dialer', ['a']));
    listener.stream.deliverFin();
    expect([textsOf(listener), codesOf(listener)]).toEqual([['a'], ['clean']]);
  });

  it.each([
    ['a reset', 'deliverReset'],
    ['a stop of the reader', 'deliverStop'],
  ] as const)('by %s is a lost connection', (_, how) => {
    const { stream, ends, lane } = laneEnd('dialer');
    stream[how](resetCode.internal);
    expect(ends).toEqual([expect.objectContaining({ code: 'ERR_XFER_CONNECTION_LOST', exit: 3 })]);
    expect(lane.hasRoom).toBe(false);
  });

  it('is told once, and nothing is sent, opened or told behind it', () => {
    const listener = laneEnd('listener');
    const error = new XferError('ERR_XFER_INTERRUPTED', 'stop');
    listener.lane.abort(error);
    listener.lane.abort(new XferError('ERR_XFER_INTERNAL', 'again'));
    expect(listener.stream.resetWith).toBe(resetCode.cancelled);
    listener.stream.deliver(...sealedControls('dialer', ['a']));
    listener.stream.deliverFin();
    listener.stream.deliverReset(resetCode.internal);
    listener.stream.deliverStop(resetCode.internal);
    listener.lane.sendControl(1, 0, text('b'));
    listener.lane.finish();
    expect(listener.ends).toEqual([error]);
    expect(listener.controls).toEqual([]);
    expect(listener.stream.sent).toHaveLength(0);
  });

  it('inside a handler stops what came in the same bytes', () => {
    const listener = laneEnd('listener', {
      onControl: (words) => {
        if (words === 'b') listener.lane.abort(new XferError('ERR_XFER_PROTOCOL', 'b'));
      },
    });
    listener.stream.deliver(Buffer.concat(sealedControls('dialer', ['a', 'b', 'c', 'd'])));
    expect(textsOf(listener)).toEqual(['a', 'b']);
    expect(codesOf(listener)).toEqual(['ERR_XFER_PROTOCOL']);
    expect(listener.buffers.out.size).toBe(0);
  });

  it('gives back the memory of a record that never became whole', () => {
    const listener = laneEnd('listener');
    const header = Buffer.alloc(recordLayout.bodyAt);
    header.writeUInt32BE(2 ** 20);
    listener.stream.deliver(header);
    expect(listener.buffers.out.size).toBe(1);
    listener.stream.deliverFin();
    expect(listener.buffers.out.size).toBe(0);
    expect(codesOf(listener)).toEqual(['ERR_XFER_TRUNCATED']);
  });
});
