import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pipeDefaults } from '../../../src/config/index.js';
import { WindowSharesCore, type ChannelWindowCore } from '../../../src/pipe/window-shares-core.js';
import { MiB } from './pipe-kit.js';

const { firstCreditBytes, maxSessionWindowBytes, maxChannels } = pipeDefaults;

const added = (shares: WindowSharesCore): ChannelWindowCore => {
  const window = shares.add();
  if (!window) throw new Error('there is no room for another');
  return window;
};

describe('the windows of a session', () => {
  it('give the first channel all that one may have, at once', () => {
    const window = added(new WindowSharesCore(64 * MiB));
    expect([window.limit, window.pollCredit(0), window.pollCredit(0)]).toEqual([
      ...[firstCreditBytes, 64 * MiB, undefined],
    ]);
  });

  it('tell of more when a quarter is free', () => {
    const window = added(new WindowSharesCore(8 * MiB));
    window.pollCredit(0);
    window.handleUsed(2 * MiB - 1);
    expect(window.pollCredit(8 * MiB)).toBeUndefined();
    window.handleUsed(1);
    expect(window.pollCredit(8 * MiB)).toBe(10 * MiB);
  });

  it('tell of more at once when all that may come has come and is used up', () => {
    const shares = new WindowSharesCore(8 * MiB);
    const window = added(shares);
    window.handleUsed(firstCreditBytes);
    expect(window.pollCredit(firstCreditBytes)).toBe(8 * MiB + firstCreditBytes);
  });

  it('grow with their use where a channel is not the first', () => {
    const shares = new WindowSharesCore(64 * MiB);
    added(shares);
    const window = added(shares);
    const limits: number[] = [];
    for (let used = 0; limits.length < 12;) {
      window.handleUsed(window.limit - used);
      used = window.limit;
      limits.push((window.pollCredit(used) ?? 0) - used);
    }
    expect(limits.slice(0, 3)).toEqual([2 * firstCreditBytes, 4 * firstCreditBytes, 8 * firstCreditBytes]);
    expect(limits.at(-1)).toBe(64 * MiB);
  });

  it('have room for hundreds of idle channels beside one that has all of its own, and then for no more', () => {
    const shares = new WindowSharesCore(64 * MiB);
    added(shares).pollCredit(0);
    let count = 1;
    for (let window = shares.add(); window; window = shares.add()) {
      window.pollCredit(0);
      count++;
    }
    expect(count).toBe(1 + (192 * MiB) / firstCreditBytes);
    expect(shares.promisedBytes).toBeLessThanOrEqual(maxSessionWindowBytes);
  });

  it('keep what a channel that is over still holds, until that is used up', () => {
    const shares = new WindowSharesCore(64 * MiB);
    const window = added(shares);
    window.pollCredit(0);
    window.handleUsed(MiB);
    window.close(3 * MiB);
    expect([shares.promisedBytes, window.pollCredit(64 * MiB)]).toEqual([3 * MiB, undefined]);
    window.handleUsed(2 * MiB);
    window.handleUsed(MiB);
    expect(shares.promisedBytes).toBe(0);
  });

  it('keep to the bound whatever is used, opened and closed, and never take anything back', () => {
    const step = fc.record({
      which: fc.nat(30),
      act: fc.nat(5),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const shares = new WindowSharesCore(64 * MiB);
      const open: { window: ChannelWindowCore; used: number }[] = [];
      const closed: { window: ChannelWindowCore; held: number }[] = [];
      for (const { which, act, share } of steps) {
        const at = which % Math.max(1, open.length);
        const each = open[at];
        if (act === 0) {
          const window = shares.add();
          if (window) open.push({ window, used: 0 });
        } else if (each && act === 1) {
          const held = Math.floor((each.window.limit - each.used) * share);
          each.window.close(held);
          closed.push({ window: each.window, held });
          open.splice(at, 1);
        } else if (act === 5) {
          const last = closed.pop();
          last?.window.handleUsed(last.held);
        } else if (each) {
          const bytes = Math.floor((each.window.limit - each.used) * (act === 2 ? 1 : share));
          each.used += bytes;
          each.window.handleUsed(bytes);
          const before = each.window.limit;
          expect(each.window.pollCredit(each.used) ?? before).toBeGreaterThanOrEqual(before);
          // Nobody is left without: what is used up may come again.
          if (bytes > 0 && each.used === before) expect(each.window.limit).toBeGreaterThan(before);
        }
        const promised = open.reduce(
          (sum, { window, used }) => sum + Math.max(firstCreditBytes, window.limit - used),
          closed.reduce((sum, { held }) => sum + held, 0),
        );
        expect(shares.promisedBytes).toBe(promised);
        expect(promised).toBeLessThanOrEqual(maxSessionWindowBytes);
        expect(open.length).toBeLessThanOrEqual(maxChannels);
      }
      for (const { window } of open) window.close(0);
      for (const { window, held } of closed) window.handleUsed(held);
      expect(shares.promisedBytes).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
