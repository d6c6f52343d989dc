import { describe, expect, it } from 'vitest';
import { muxDefaults } from '../../../src/config/index.js';
import { MuxBudget } from '../../../src/mux/budget.js';
import { muxConfig } from '../../../src/mux/config.js';
import { encodeFrame, encodeOpen, encodeUint64Frame } from '../../../src/mux/encode.js';
import { frameType } from '../../../src/mux/frame.js';
import { LoneCore } from '../../support/mux-cores.js';

const KiB = 1024;
const open = (id: number, limit = 1 << 20): Uint8Array => encodeOpen(id, limit, 0, new Uint8Array(0));
const data = (id: number, bytes: number, flags = 0): Uint8Array =>
  encodeFrame(frameType.streamData, flags, id, new Uint8Array(bytes));
const codeOf = (frames: ReturnType<LoneCore['take']>): string[] =>
  frames.filter((f) => f.type === frameType.openErr).map((f) => `${f.id}: ${f.payload.readUInt32BE(0)}`);

describe('limits of the mux', () => {
  it('maxStreamsPerPeer: the next OPEN gets OPEN_ERR 9', () => {
    const lone = new LoneCore({ config: { maxStreamsPerPeer: 2 } });
    expect(lone.feed(open(1), open(3))).toBeUndefined();
    for (const stream of lone.streams) lone.core.accept(stream);
    lone.feed(open(5));
    expect(codeOf(lone.take())).toEqual(['5: 9']);
    expect(lone.streams.length).toBe(2);
  });

  it('maxStreamsTotal: shared by all connections of a process', () => {
    const budget = new MuxBudget({ grantBudgetBytes: 1 << 30, maxStreamsTotal: 1 });
    expect([budget.takeStream(), budget.takeStream()]).toEqual([true, false]);
    budget.giveStream();
    expect(budget.takeStream()).toBe(true);
    const lone = new LoneCore({ config: { maxStreamsTotal: 1 } });
    lone.feed(open(1), open(3));
    expect(codeOf(lone.take())).toEqual(['3: 9']);
  });

  it('maxPendingOpens: an OPEN past it gets OPEN_ERR 9', () => {
    const lone = new LoneCore({ config: { maxPendingOpens: 2 } });
    lone.feed(open(1), open(3), open(5));
    expect(codeOf(lone.take())).toEqual(['5: 9']);
    lone.core.accept(lone.streams[0] as never);
    lone.feed(open(7));
    expect(codeOf(lone.take())).toEqual([]);
  });

  it('maxPendingOpens: the opener queues what the other side would refuse', () => {
    const lone = new LoneCore({ dialer: true, hello: { maxPendingOpens: 2 } });
    for (let i = 0; i < 4; i++) lone.open();
    const opens = (): number[] =>
      lone
        .take()
        .filter((f) => f.type === frameType.streamOpen)
        .map((f) => f.id);
    expect(opens()).toEqual([1, 3]);
    lone.feed(encodeUint64Frame(frameType.openAck, 1, 1000));
    expect(opens()).toEqual([5]);
  });

  it('keeps opens back before the hello is answered', () => {
    const lone = new LoneCore({ dialer: true, hello: false });
    for (let i = 0; i < 50; i++) lone.open();
    expect(lone.take().filter((f) => f.type === frameType.streamOpen).length).toBe(16);
  });

  it('openTimeoutMs: an OPEN without an answer fails with 3 on either side', () => {
    const dialer = new LoneCore({ dialer: true, config: { openTimeoutMs: 100, keepaliveIdleMs: 1e6 } });
    const stream = dialer.open();
    dialer.take();
    expect(dialer.core.nextTimeout).toBe(100);
    dialer.now = 100;
    dialer.core.handleTimeout(100);
    expect(dialer.witnesses.get(stream)?.log).toEqual(['refused 3']);
    expect(dialer.takeNames()).toContain('streamReset 1');
    const listener = new LoneCore({ config: { openTimeoutMs: 100 } });
    listener.feed(open(1));
    listener.core.handleTimeout(100);
    expect(codeOf(listener.take())).toEqual(['1: 3']);
    expect(listener.core.streams).toBe(0);
  });

  it('initialWindowBytes: content past it ends the link', () => {
    const config = { initialWindowBytes: 70 * KiB };
    const lone = new LoneCore({ config });
    lone.feed(open(1));
    lone.core.accept(lone.streams[0] as never);
    for (let i = 0; i < 7; i++) expect(lone.feed(data(1, 10 * KiB))).toBeUndefined();
    expect(lone.feed(data(1, 1))).toBe('more content than was granted');
  });

  it('earlyStreamBytes: neither sent nor taken past it before OPEN_ACK', () => {
    const lone = new LoneCore();
    lone.feed(open(1));
    expect(lone.feed(data(1, 64 * KiB))).toBeUndefined();
    expect(lone.feed(data(1, 1))).toBe('more content than was granted');
    const dialer = new LoneCore({ dialer: true });
    dialer.core.send(dialer.open(), new Uint8Array(1 << 20));
    const sent = dialer.take().filter((f) => f.type === frameType.streamData);
    expect(sent.reduce((sum, f) => sum + f.payload.length, 0)).toBe(64 * KiB);
    dialer.feed(encodeUint64Frame(frameType.openAck, 1, 100 * KiB));
    const more = dialer.take().filter((f) => f.type === frameType.streamData);
    expect(more.reduce((sum, f) => sum + f.payload.length, 0)).toBe(36 * KiB);
  });

  it('earlyStreamBytes: told in the hello, kept to by a dialer that has it', () => {
    const lone = new LoneCore({ config: { earlyStreamBytes: 8 * KiB } });
    const ids = Array.from({ length: 17 }, (_, i) => 2 * i + 1);
    for (const id of ids) lone.feed(open(id));
    // The first 16 may have been opened before the hello was there.
    expect(lone.feed(data(31, 64 * KiB))).toBeUndefined();
    expect(lone.feed(data(33, 8 * KiB))).toBeUndefined();
    expect(lone.feed(data(33, 1))).toBe('more content than was granted');
    const dialer = new LoneCore({ dialer: true, hello: { earlyStreamBytes: 8 * KiB } });
    dialer.core.send(dialer.open(), new Uint8Array(1 << 20));
    const sent = dialer.take().filter((f) => f.type === frameType.streamData);
    expect(sent.reduce((sum, f) => sum + f.payload.length, 0)).toBe(8 * KiB);
  });

  it('earlyConnectionBytes: neither sent nor taken past it before OPEN_ACK', () => {
    const lone = new LoneCore();
    for (let i = 0; i < 16; i++)
      expect(lone.feed(open(2 * i + 1), data(2 * i + 1, 64 * KiB))).toBeUndefined();
    lone.feed(open(33));
    expect(lone.feed(data(33, 1))).toBe('too much content before OPEN_ACK');
    const dialer = new LoneCore({ dialer: true });
    for (let i = 0; i < 20; i++) dialer.core.send(dialer.open(), new Uint8Array(64 * KiB));
    const bytes = (): number =>
      dialer
        .take()
        .filter((f) => f.type === frameType.streamData)
        .reduce((sum, f) => sum + f.payload.length, 0);
    expect(bytes()).toBe(1024 * KiB);
    dialer.feed(encodeUint64Frame(frameType.openAck, 1, 256 * KiB));
    expect(bytes()).toBe(64 * KiB);
  });

  it('maxWindowBytes: a window grows while it is too small for the rate, and no further', () => {
    const lone = new LoneCore({ config: { maxWindowBytes: 1024 * KiB } });
    lone.feed(open(1));
    const stream = lone.streams[0];
    lone.core.accept(stream as never);
    lone.core.setReading(stream as never, true, false);
    const grown: number[] = [];
    for (let i = 0; i < 40; i++) {
      lone.feed(data(1, 200 * KiB));
      lone.take();
      grown.push(stream?.window?.sizeBytes ?? 0);
    }
    expect(Math.max(...grown)).toBe(1024 * KiB);
    expect(lone.budget.grantedBytes).toBe(1024 * KiB);
  });

  it('a window that is consumed slowly stays as it is', () => {
    const lone = new LoneCore();
    lone.feed(open(1));
    const stream = lone.streams[0];
    lone.core.accept(stream as never);
    lone.core.setReading(stream as never, true, false);
    for (let i = 0; i < 40; i++) {
      lone.now += 100;
      lone.feed(data(1, 200 * KiB));
      lone.take();
    }
    expect(stream?.window?.sizeBytes).toBe(256 * KiB);
  });

  it('grantBudgetBytes: growth and new opens are refused, readers go on', () => {
    const lone = new LoneCore({ config: { grantBudgetBytes: 300 * KiB } });
    lone.feed(open(1));
    const stream = lone.streams[0];
    lone.core.accept(stream as never);
    lone.core.setReading(stream as never, true, false);
    expect(lone.budget.grantedBytes).toBe(256 * KiB);
    lone.feed(open(3));
    expect(codeOf(lone.take())).toEqual(['3: 9']);
    for (let i = 0; i < 20; i++) {
      expect(lone.feed(data(1, 200 * KiB))).toBeUndefined();
      lone.take();
    }
    expect(lone.budget.grantedBytes).toBe(256 * KiB);
    expect(lone.core.open(0, new Uint8Array(0), 0)).toEqual({ refused: 9 });
  });

  it('new streams start small once a quarter of the budget is gone, so that a thousand fit on both sides', () => {
    const budget = new MuxBudget();
    expect(budget.takeBytes(64 * 1024 * KiB)).toBe(true);
    expect(budget.scarce).toBe(false);
    expect(budget.takeBytes(1)).toBe(true);
    expect(budget.scarce).toBe(true);
  });

  it('framePayloadBytes and maxFramePayloadBytes: frames are as long as both sides take', () => {
    const longest = (hello: object | false): number => {
      const lone = new LoneCore({ dialer: true, hello: hello as never });
      lone.core.send(lone.open(), new Uint8Array(64 * KiB));
      return Math.max(...lone.take().map((f) => f.payload.length));
    };
    expect(longest(false)).toBe(16 * KiB);
    expect(longest({ maxFramePayloadBytes: 20 * KiB })).toBe(20 * KiB);
    expect(longest({})).toBe(64 * KiB);
    const lone = new LoneCore({ config: { maxFramePayloadBytes: 20 * KiB } });
    expect(lone.feed(open(1), data(1, 20 * KiB))).toBeUndefined();
    expect(lone.feed(data(1, 20 * KiB + 1))).toMatch(/20481 bytes/);
  });

  it('frameTimeMs: on a slow link frames are short, but never below 16 KiB', () => {
    const longestAt = (bytesPerSecond: number): number => {
      const lone = new LoneCore({ dialer: true });
      const stream = lone.open();
      lone.take();
      lone.feed(encodeUint64Frame(frameType.openAck, 1, 1 << 30));
      lone.core.send(stream, new Uint8Array(8 << 20));
      for (let i = 0; i < 3; i++) {
        const batch = lone.core.poll(lone.now, 256 * KiB);
        lone.now += ((batch?.bytes ?? 0) / bytesPerSecond) * 1000;
        if (batch) lone.core.handleWritten(lone.now, batch);
      }
      return Math.max(...lone.take(1).map((f) => f.payload.length));
    };
    expect(longestAt(1e6)).toBe(16 * KiB);
    expect(Math.abs(longestAt(10e6) - 50_000)).toBeLessThan(50);
    expect(longestAt(1e9)).toBe(muxDefaults.maxFramePayloadBytes);
  });

  it('maxQueuedControlBytes: answers that the other side does not take end the link', () => {
    const lone = new LoneCore({ config: { maxPendingOpens: 1, maxQueuedControlBytes: 1000 } });
    lone.take();
    let wrong: string | undefined;
    let opens = 0;
    while (!wrong && opens < 10_000) wrong = lone.feed(open(2 * opens++ + 1));
    expect(wrong).toMatch(/control output/);
    expect(opens).toBeLessThan(1000 / 18 + 3);
  });

  it('coalesces: however many probes and credits wait, one of each goes out', () => {
    const lone = new LoneCore();
    lone.feed(open(1));
    const stream = lone.streams[0];
    lone.core.accept(stream as never);
    lone.core.setReading(stream as never, true, false);
    lone.take();
    for (let i = 0; i < 1000; i++) lone.feed(encodeUint64Frame(frameType.keepalive, 0, i));
    for (let i = 0; i < 50; i++) lone.feed(data(1, 5 * KiB));
    const frames = lone.take();
    expect(frames.filter((f) => f.type === frameType.window).length).toBe(1);
    const answers = frames.filter((f) => f.type === frameType.keepaliveAck);
    expect(answers.map((f) => f.payload.readUInt32BE(4))).toEqual([999]);
  });

  it('sendQueueBytes: send() says full at it, and the stream drains at half of it', () => {
    const lone = new LoneCore({ dialer: true, config: { sendQueueBytes: 100 * KiB } });
    const stream = lone.open();
    expect(lone.core.send(stream, new Uint8Array(99 * KiB))).toBe(true);
    expect(lone.core.send(stream, new Uint8Array(KiB))).toBe(false);
    lone.take();
    expect(lone.witnesses.get(stream)?.log).toEqual(['drained']);
  });

  it('holds single bytes as compactly as frames', () => {
    const lone = new LoneCore();
    lone.feed(open(1));
    const stream = lone.streams[0];
    for (let i = 0; i < 60 * KiB; i++) lone.feed(data(1, 1));
    let pieces = 0;
    while (stream?.held.shift()) pieces++;
    expect(pieces).toBe(4);
  });

  it('refuses options that make no sense', () => {
    const bad = [
      { openTimeoutMs: 0 },
      { maxWindowBytes: 1 },
      { earlyStreamBytes: 1 << 24 },
      { deadMs: 1.5 },
      { maxFramePayloadBytes: 100 },
    ];
    for (const options of bad)
      expect(() => muxConfig(options)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }) as Error);
  });
});
