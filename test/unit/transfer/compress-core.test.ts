import { describe, expect, it } from 'vitest';
import { CompressCore, type CompressMode } from '../../../src/transfer/compress-core.js';

const slow = 10_000_000;
const fast = 250_000_000;

/** A core that is told every half second of what the transfer waited for since the last time. */
function told(mode: CompressMode) {
  const core = new CompressCore<object>(mode);
  let [networkMs, sealMs, now] = [0, 0, 0];
  core.handle({ networkMs, sealMs, bytesPerSecond: slow }, now);
  const tell = (passed: { network?: number; seal?: number; ms?: number; bytesPerSecond?: number }) => {
    networkMs += passed.network ?? 0;
    sealMs += passed.seal ?? 0;
    now += passed.ms ?? 500;
    core.handle({ networkMs, sealMs, bytesPerSecond: passed.bytesPerSecond ?? slow }, now);
    return core.wants({});
  };
  return { core, tell };
}

describe('whether content is compressed', () => {
  it.each([
    ['off', false],
    ['lz4', true],
  ] as const)('is said by the mode %s, whatever is waited for', (mode, isWanted) => {
    const { tell } = told(mode);
    expect([tell({}), tell({ network: 500 }), tell({ seal: 500 }), tell({ ms: 60_000 })]).toEqual(
      Array(4).fill(isWanted),
    );
  });

  it('is no in mode auto before anything was measured, however much was waited before', () => {
    const core = new CompressCore<object>('auto');
    expect(core.wants({})).toBe(false);
    core.handle({ networkMs: 1e6, sealMs: 0, bytesPerSecond: slow }, 1e6);
    expect(core.wants({})).toBe(false);
  });

  it('is yes in mode auto when the network was waited for more than half of the time', () => {
    expect(told('auto').tell({ network: 250 })).toBe(false);
    expect(told('auto').tell({ network: 251 })).toBe(true);
    expect(told('auto').tell({ network: 499, ms: 1000 })).toBe(false);
  });

  it('is concluded from half a second at least', () => {
    const { tell } = told('auto');
    expect(tell({ network: 499, ms: 499 })).toBe(false);
    expect(tell({ network: 1, ms: 1 })).toBe(true);
  });

  it('is no in mode auto where so much arrives that it costs more than it saves', () => {
    expect(told('auto').tell({ network: 500, bytesPerSecond: fast })).toBe(false);
    expect(told('auto').tell({ network: 500, bytesPerSecond: fast - 1 })).toBe(true);
  });

  it('stays as it is while nothing is waited for', () => {
    const { tell } = told('auto');
    expect([tell({ network: 400 }), tell({}), tell({ bytesPerSecond: fast })]).toEqual([true, true, true]);
  });

  it('is no for five seconds after the processor was what held things up', () => {
    const { tell } = told('auto');
    expect(tell({ network: 500 })).toBe(true);
    expect(tell({ seal: 250 })).toBe(true);
    expect(tell({ seal: 251 })).toBe(false);
    const later = Array.from({ length: 10 }, () => tell({ network: 500 }));
    expect(later).toEqual([...Array<boolean>(9).fill(false), true]);
  });
});

describe('a file whose records do not shrink', () => {
  const tries = (core: CompressCore<object>, source: object, count: number) =>
    Array.from({ length: count }, () => core.wants(source));

  it('is left alone in mode auto for sixteen records, others are not', () => {
    const { core, tell } = told('auto');
    tell({ network: 500 });
    const [dull, other] = [{}, {}];
    core.handleTried(dull, false);
    expect(tries(core, dull, 18)).toEqual([...Array<boolean>(16).fill(false), true, true]);
    core.handleTried(dull, false);
    expect([core.wants(dull), core.wants(other)]).toEqual([false, true]);
  });

  it('is tried again and again in mode lz4, and without a sample', () => {
    const core = new CompressCore<object>('lz4');
    const dull = {};
    core.handleTried(dull, false);
    expect(tries(core, dull, 3)).toEqual([true, true, true]);
    expect([core.samples, new CompressCore('auto').samples]).toEqual([false, true]);
  });

  it('is not left alone for what shrank', () => {
    const { core, tell } = told('auto');
    tell({ network: 500 });
    const source = {};
    core.handleTried(source, true);
    expect(core.wants(source)).toBe(true);
  });
});
