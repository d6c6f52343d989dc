import { describe, expect, it } from 'vitest';
import {
  encodeClose,
  encodeCodeFrame,
  encodeDataFlags,
  encodeFrame,
  encodeOpen,
  encodeUint64Frame,
} from '../../../src/mux/encode.js';
import { frameFlag, frameType } from '../../../src/mux/frame.js';
import { encodeHello } from '../../../src/mux/hello.js';
import type { CoreStream } from '../../../src/mux/core-stream.js';
import { LoneCore } from '../../support/mux-cores.js';

const t = frameType;
const open = (id: number): Uint8Array => encodeOpen(id, 1 << 20, 0, new Uint8Array(0));
const data = (id: number, bytes = 1, flags = 0): Uint8Array =>
  encodeFrame(t.streamData, flags, id, new Uint8Array(bytes));
const hello = {
  lowestVersion: 1,
  highestVersion: 1,
  maxStreams: 1,
  maxPendingOpens: 1,
  firstWindowBytes: 1,
  maxPayloadBytes: 16_384,
};

/** A listener with stream 1 open and stream 3 closed by a reset. */
function listener(): LoneCore {
  const lone = new LoneCore();
  lone.feed(open(1), open(3));
  lone.core.accept(lone.streams[0] as never);
  lone.core.reset(lone.streams[1] as never, 4);
  lone.take();
  return lone;
}

describe('what the other side may not do', () => {
  it.each([
    ['data for a stream never opened', data(5)],
    ['data for a stream of ours never opened', data(2)],
    ['WINDOW for a stream never opened', encodeUint64Frame(t.window, 5, 1)],
    ['an OPEN with our parity', open(2)],
    ['an OPEN of an id used before', open(3)],
    ['an OPEN of a lower id', open(1)],
    ['OPEN_ACK for a stream of its own', encodeUint64Frame(t.openAck, 1, 1 << 21)],
    ['OPEN_ERR for a stream of its own', encodeCodeFrame(t.openErr, 1, 2)],
    ['a WINDOW that shrinks', encodeUint64Frame(t.window, 1, 5)],
    ['FIN_READ before FIN_WRITE', encodeDataFlags(1, frameFlag.finRead)],
    ['CLOSE of a stream that has not ended', encodeClose(1)],
    ['a second hello', encodeHello(t.linkHello, hello)],
    ['GOAWAY with an id never opened', encodeUint64Frame(t.goaway, 0, 8)],
    ['a limit above 2^53 − 1', encodeUint64Frame(t.window, 1, 2 ** 53)],
  ])('%s ends the link', (_name, frame) => {
    expect(listener().feed(frame)).toMatch(/./);
  });

  it('data or a second end behind FIN_WRITE', () => {
    for (const frame of [data(1), encodeDataFlags(1, frameFlag.finWrite)]) {
      const lone = listener();
      expect(lone.feed(data(1, 5, frameFlag.finWrite))).toBeUndefined();
      expect(lone.feed(frame)).toMatch(/behind the end/);
    }
  });

  it('data before the OPEN_ACK of an open of ours', () => {
    const lone = new LoneCore({ dialer: true });
    lone.open();
    lone.take();
    expect(lone.feed(data(1))).toMatch(/before OPEN_ACK/);
  });

  it('anything before its hello', () => {
    for (const first of [
      open(1),
      data(1),
      encodeUint64Frame(t.keepalive, 0, 1),
      encodeHello(t.linkHelloAck, hello),
    ])
      expect(new LoneCore({ hello: false }).feed(first)).toMatch(/hello/);
  });

  it('speak another protocol or ask for tiny frames', () => {
    const other = encodeHello(t.linkHello, hello);
    other[14] = 0;
    expect(new LoneCore({ hello: false }).feed(other)).toMatch(/not an xfer/);
    const tiny = encodeHello(t.linkHello, { ...hello, maxPayloadBytes: 16_383 });
    expect(new LoneCore({ hello: false }).feed(tiny)).toMatch(/too small/);
    expect(new LoneCore({ hello: false }).feed(encodeFrame(t.linkHello, 0, 0, new Uint8Array(23)))).toMatch(
      /short/,
    );
  });

  it('speak no common version: it gets our hello and a fault that says so', () => {
    const lone = new LoneCore({ hello: false });
    const wrong = lone.core.handleData(
      0,
      encodeHello(t.linkHello, { ...hello, lowestVersion: 2, highestVersion: 9 }),
    );
    expect(wrong?.kind).toBe('version');
    expect(lone.takeNames()).toEqual(['linkHelloAck 0']);
    const later = new LoneCore({ hello: false });
    expect(later.feed(encodeHello(t.linkHello, { ...hello, highestVersion: 9 }))).toBeUndefined();
  });
});

describe('frames of a closed id', () => {
  it.each([
    ['data', data(3, 100)],
    ['WINDOW', encodeUint64Frame(t.window, 3, 1)],
    ['STOP', encodeCodeFrame(t.stop, 3, 4)],
    ['RESET', encodeCodeFrame(t.streamReset, 3, 4)],
    ['CLOSE', encodeClose(3)],
  ])('%s is dropped in silence', (_name, frame) => {
    const lone = listener();
    expect(lone.feed(frame, data(1, 3))).toBeUndefined();
    expect(lone.takeNames().filter((name) => name.endsWith(' 3'))).toEqual([]);
  });
});

describe('the life of a stream', () => {
  it('goes through its states and ends with CLOSE by the side that accepted', () => {
    const lone = new LoneCore();
    lone.feed(open(1));
    lone.take();
    const stream = lone.streams[0] as never as LoneCore['streams'][0];
    const states = [stream.state];
    lone.core.accept(stream);
    states.push(stream.state);
    lone.core.setReading(stream, true, false);
    lone.feed(data(1, 5, frameFlag.finWrite));
    states.push(stream.state);
    expect(lone.takeNames().slice(-1)).toEqual(['streamData 1']);
    lone.core.send(stream, Uint8Array.of(1, 2));
    lone.core.closeWrite(stream);
    const last = lone.take().at(-1);
    expect([last?.payload.length, last?.flags]).toEqual([2, frameFlag.finWrite]);
    states.push(stream.state);
    expect(lone.core.streams).toBe(1);
    lone.feed(encodeDataFlags(1, frameFlag.finRead));
    expect(lone.takeNames()).toEqual(['streamClose 1']);
    expect(lone.core.streams).toBe(0);
    expect(states).toEqual(['OPENING', 'OPEN', 'HALF_CLOSED_REMOTE', 'CLOSED']);
  });

  it('says that it is read behind OPEN_ACK alone, however much of it is read before', () => {
    const lone = new LoneCore();
    lone.take();
    lone.feed(open(1), data(1, lone.core.config.earlyStreamBytes, frameFlag.finWrite));
    const stream = lone.streams[0] as CoreStream;
    lone.core.setReading(stream, true, false);
    expect(lone.witnesses.get(stream)?.log).toEqual(['end']);
    expect(lone.takeNames()).toEqual([]);
    lone.core.accept(stream);
    expect(lone.takeNames()).toEqual(['openAck 1', 'streamData 1']);
  });

  it('is half closed on this side behind our FIN', () => {
    const lone = listener();
    const stream = lone.streams[0] as LoneCore['streams'][0];
    lone.core.closeWrite(stream);
    lone.take();
    expect(stream.state).toBe('HALF_CLOSED_LOCAL');
  });

  it('never tells of a stream that was reset before its OPEN went out', () => {
    const lone = new LoneCore({ dialer: true });
    lone.core.reset(lone.open(), 4);
    expect(lone.takeNames()).not.toContain('streamReset 1');
    expect(lone.feed(encodeUint64Frame(t.window, 1, 5))).toMatch(/never opened/);
  });

  it('lets RESET overtake queued data and ignore credit', () => {
    const lone = listener();
    const stream = lone.streams[0] as LoneCore['streams'][0];
    lone.core.send(stream, new Uint8Array(5 << 20));
    lone.core.reset(stream, 4);
    expect(lone.takeNames()).toEqual(['streamReset 1']);
  });

  it('gives its window back once when its reader resets it on its last bytes', () => {
    const lone = new LoneCore();
    lone.feed(open(1), data(1, 5, frameFlag.finWrite));
    const stream = lone.streams[0] as LoneCore['streams'][0];
    lone.core.accept(stream);
    const witness = lone.witnesses.get(stream) as NonNullable<ReturnType<typeof lone.witnesses.get>>;
    witness.handleData = () => lone.core.reset(stream, 4);
    lone.core.setReading(stream, true, false);
    expect([lone.budget.grantedBytes, lone.budget.streams]).toEqual([0, 0]);
    expect(witness.log).toEqual([]);
  });

  it('keeps what it was given when the caller uses its own header and list again', () => {
    const lone = new LoneCore({ dialer: true });
    const header = Buffer.from('hop');
    const stream = lone.core.open(0, header, 0) as LoneCore['streams'][0];
    const list = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    lone.core.send(stream, list);
    header.fill(0);
    list.length = 0;
    const frames = lone.take();
    expect(
      frames
        .find((f) => f.type === t.streamOpen)
        ?.payload.subarray(9)
        .toString(),
    ).toBe('hop');
    expect([...(frames.find((f) => f.type === t.streamData)?.payload ?? [])]).toEqual([1, 2, 3]);
  });

  it('releases what the link still reads only when the link is done, though the stream is reset', () => {
    const lone = new LoneCore({ dialer: true });
    const stream = lone.open();
    const released: string[] = [];
    lone.core.send(stream, new Uint8Array(100_000), () => released.push('partly sent'));
    lone.core.send(stream, new Uint8Array(10), () => released.push('not sent'));
    const batch = lone.core.poll(0, 1 << 20);
    lone.core.reset(stream, 4);
    expect(released).toEqual(['not sent']);
    lone.core.handleWritten(0, batch as NonNullable<typeof batch>);
    expect(released).toEqual(['not sent', 'partly sent']);
  });

  it('fails opens that a GOAWAY leaves out, and lets the others be', () => {
    const lone = new LoneCore({ dialer: true });
    const [first, second] = [lone.open(), lone.open()];
    lone.take();
    const queued = lone.open();
    lone.feed(encodeUint64Frame(t.goaway, 0, 1));
    expect([first, second, queued].map((s) => lone.witnesses.get(s)?.log)).toEqual([
      [],
      ['refused 2'],
      ['refused 2'],
    ]);
    expect(lone.core.open(0, new Uint8Array(0), 0)).toEqual({ refused: 2 });
  });

  it('refuses opens while draining, and says which id was the last', () => {
    const lone = listener();
    lone.core.drain();
    lone.feed(open(5));
    const frames = lone.take();
    expect(frames.find((f) => f.type === t.goaway)?.payload.readUInt32BE(4)).toBe(3);
    expect(frames.find((f) => f.type === t.openErr)?.payload.readUInt32BE(0)).toBe(2);
  });
});
