import { describe, expect, it } from 'vitest';
import { encodeDataFlags, encodeFrame, encodeOpen, encodeUint64Frame } from '../../../src/mux/encode.js';
import { frameFlag, frameType } from '../../../src/mux/frame.js';
import type { FrameTotals } from '../../../src/mux/frame-counts.js';
import { LoneCore } from '../../support/mux-cores.js';

/** Only those that there were. */
const seen = (totals: FrameTotals) => Object.fromEntries(Object.entries(totals).filter(([, count]) => count));

describe('frames by type', () => {
  it('are counted as they come in, whatever pieces they come in', () => {
    const lone = new LoneCore();
    const frames = Buffer.concat([
      encodeOpen(1, 65_536, 0, Uint8Array.of(1)),
      encodeFrame(frameType.streamData, 0, 1, Buffer.from('content')),
      encodeDataFlags(1, frameFlag.finWrite),
      encodeUint64Frame(frameType.keepalive, 0, 1),
      encodeFrame(0xf0, 0, 0, Buffer.from('nobody knows this type')),
    ]);
    for (const byte of frames) expect(lone.feed(Uint8Array.of(byte))).toBeUndefined();
    expect(seen(lone.core.frames.received)).toEqual({
      linkHello: 1,
      streamOpen: 1,
      streamData: 2,
      keepalive: 1,
      other: 1,
    });
  });

  it('are counted as they go out, details apart from the frames that they stand before', () => {
    const lone = new LoneCore();
    lone.feed(encodeOpen(1, 65_536, 0, new Uint8Array(0)));
    const [stream] = lone.streams;
    lone.core.accept(stream!, Buffer.from('an answer'));
    lone.core.send(stream!, Buffer.from('content'));
    const sent = lone.take();
    const totals = lone.core.frames.sent;
    expect(seen(totals)).toMatchObject({ streamDetail: 1, openAck: 1, streamData: 1 });
    expect(Object.values(totals).reduce((sum, count) => sum + count)).toBe(sent.length);
  });

  it('leave out what ends the link', () => {
    const lone = new LoneCore();
    expect(lone.feed(encodeFrame(0x33, 0, 1, new Uint8Array(0)))).toContain('unknown');
    expect(seen(lone.core.frames.received)).toEqual({ linkHello: 1 });
  });
});

describe('round trips', () => {
  it('are told one by one', () => {
    const lone = new LoneCore();
    const told: number[] = [];
    lone.core.liveness.onRoundTrip = (ms) => told.push(ms);
    const [, probe] = lone.take();
    lone.now = 40;
    lone.feed(encodeFrame(frameType.keepaliveAck, 0, 0, probe!.payload));
    expect(told).toEqual([40]);
    expect(lone.core.liveness.rttMs).toBe(40);
  });
});
