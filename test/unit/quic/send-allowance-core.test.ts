import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SendAllowanceCore } from '../../../plugins/quic/src/send-allowance-core.js';

const limits = { leastUnsentBytes: 128 * 1024, maxUnsentBytes: 1024 * 1024 };

/** A quinn that sends what it was given in datagrams of 1200 bytes of content and 40 others. */
class Sender {
  datagrams = 0;
  bytes = 0;
  #left = 0;

  send(content: number): void {
    this.#left += content;
    const datagrams = Math.ceil(this.#left / 1200);
    this.datagrams += datagrams;
    this.bytes += this.#left + 40 * datagrams;
    this.#left = 0;
  }

  get sample() {
    return { sentBytes: this.bytes, sentDatagrams: this.datagrams, cwndBytes: 50_000 };
  }
}

describe('how much quinn is given', () => {
  it('is nothing more while what it was given is not sent', () => {
    const core = new SendAllowanceCore(limits);
    expect(core.roomBytes).toBe(limits.leastUnsentBytes);
    core.handleTaken(limits.leastUnsentBytes);
    expect([core.roomBytes, core.unsentBytes, core.inFlightBytes]).toEqual([0, limits.leastUnsentBytes, 0]);
    const sender = new Sender();
    core.handleSample(0, sender.sample);
    expect([core.roomBytes, core.inFlightBytes]).toEqual([0, 50_000]);
    sender.send(60_000);
    core.handleSample(1, sender.sample);
    expect(core.roomBytes).toBeGreaterThanOrEqual(60_000);
  });

  it('leaves nothing unsent to a peer without a connection id, whose datagrams have the least beside content', () => {
    const core = new SendAllowanceCore(limits);
    const content = limits.leastUnsentBytes;
    core.handleTaken(content);
    const datagrams = content / 1024;
    core.handleSample(0, {
      sentBytes: content + 19 * datagrams,
      sentDatagrams: datagrams,
      cwndBytes: 50_000,
    });
    expect(core.unsentBytes).toBe(0);
  });

  it('doubles where it ran dry, up to the most', () => {
    const core = new SendAllowanceCore(limits);
    const sender = new Sender();
    const rooms = [];
    for (let now = 0; now < 6; now++) {
      const room = core.roomBytes;
      rooms.push(room / limits.leastUnsentBytes);
      core.handleTaken(room);
      expect(core.roomBytes).toBe(0);
      sender.send(room);
      core.handleSample(now, sender.sample);
    }
    expect(rooms).toEqual([1, 2, 4, 8, 8, 8]);
  });

  it('shrinks to what goes within 100 ms where the path slows down', () => {
    const core = new SendAllowanceCore(limits);
    const sender = new Sender();
    for (let now = 0; now < 4; now++) {
      const room = core.roomBytes;
      core.handleTaken(room);
      expect(core.roomBytes).toBe(0);
      sender.send(room);
      core.handleSample(now, sender.sample);
    }
    core.handleTaken(core.roomBytes);
    for (let now = 10; now < 4000; now += 10) {
      core.handleTaken(core.roomBytes);
      expect(core.roomBytes).toBe(0);
      // 2 MB/s.
      sender.send(20_000);
      core.handleSample(now, sender.sample);
    }
    expect(core.rate).toBeGreaterThan(1_900_000);
    expect(core.rate).toBeLessThan(2_300_000);
    expect(core.unsentBytes + core.roomBytes).toBeLessThanOrEqual(300_000);
  });

  it('is looked at again when a quarter of it may have gone, neither at every turn nor too late', () => {
    expect(new SendAllowanceCore(limits).waitMs).toBe(1);
    const waitAt = (bytesPerMs: number): number => {
      const core = new SendAllowanceCore(limits);
      const sender = new Sender();
      let unsent = 0;
      for (let now = 0; now < 2000; now += 5) {
        const room = core.roomBytes;
        core.handleTaken(room);
        expect(core.roomBytes).toBe(0);
        unsent += room;
        const sent = Math.min(unsent, 5 * bytesPerMs);
        sender.send(sent);
        unsent -= sent;
        core.handleSample(now, sender.sample);
      }
      return core.waitMs;
    };
    expect(waitAt(100)).toBe(20);
    // A quarter of 1 MiB at 40 MB/s.
    expect(waitAt(40_000)).toBeGreaterThanOrEqual(5);
    expect(waitAt(40_000)).toBeLessThanOrEqual(8);
  });

  it('counts what came to nothing no more', () => {
    const core = new SendAllowanceCore(limits);
    core.handleTaken(100_000);
    core.handleDropped(100_000);
    expect([core.unsentBytes, core.roomBytes]).toEqual([0, limits.leastUnsentBytes]);
  });

  it('is whole bytes, and has room again when all is sent, whatever was sent twice or dropped', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            share: fc.double({ min: 0, max: 1, noNaN: true }),
            again: fc.nat(100),
            drop: fc.boolean(),
          }),
          {
            maxLength: 60,
          },
        ),
        (steps) => {
          const core = new SendAllowanceCore(limits);
          const sender = new Sender();
          let [given, sent, now] = [0, 0, 0];
          for (const { share, again, drop } of steps) {
            const room = core.roomBytes;
            expect(Number.isInteger(room)).toBe(true);
            core.handleTaken(room);
            if (drop) core.handleDropped(room);
            else given += room;
            const part = Math.floor((given - sent) * share);
            sent += part;
            sender.send(part);
            sender.send(again * 1200);
            core.handleSample((now += 3), sender.sample);
            // Never more than there is.
            expect(core.unsentBytes).toBeLessThanOrEqual(given - sent);
            expect(core.unsentBytes).toBeGreaterThanOrEqual(0);
          }
          sender.send(given - sent);
          core.handleSample(now + 3, sender.sample);
          expect(core.unsentBytes).toBe(0);
          expect(core.roomBytes).toBeGreaterThan(0);
        },
      ),
    );
  });
});
