import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LaneCountCore } from '../../../src/transfer/lane-count-core.js';

/** Ticks with what `bytesOf` so many lanes carry in each; lanes come and go as was said. When what was said. */
function climb(bytesOf: (lanes: number) => number, ticks: number, mostLanes = 8, isNetworkBound = true) {
  const core = new LaneCountCore(mostLanes);
  const said: [tick: number, verdict: 'add' | 'drop', lanes: number][] = [];
  let [lanes, receivedBytes] = [1, 0];
  for (let tick = 1; tick <= ticks; tick++) {
    receivedBytes += bytesOf(lanes);
    const verdict = core.handleTick({ receivedBytes, lanes, isNetworkBound });
    if (verdict === 'keep') continue;
    lanes += verdict === 'add' ? 1 : -1;
    said.push([tick, verdict, lanes]);
  }
  return { said, lanes };
}

describe('the number of lanes', () => {
  it('grows every four ticks while each brings a tenth, up to the most', () => {
    const { said } = climb((lanes) => 1000 * lanes, 100, 4);
    expect(said).toEqual([
      [4, 'add', 2],
      [8, 'add', 3],
      [12, 'add', 4],
    ]);
  });

  it('is one less again when the last one brought less than a tenth', () => {
    const worth = (second: number) => climb((lanes) => (lanes > 1 ? second : 1000), 27).said;
    expect(worth(1099)).toEqual([
      [4, 'add', 2],
      [8, 'drop', 1],
    ]);
    expect(worth(1101)[1]).toEqual([8, 'add', 3]);
  });

  it('is tried again after twenty ticks, then after twice as many each time, up to 640', () => {
    const { said, lanes } = climb(() => 1000, 5_000);
    const added = said.filter(([, verdict]) => verdict === 'add').map(([tick]) => tick);
    const gaps = added.slice(1).map((tick, i) => tick - (added[i] ?? 0));
    expect(gaps.slice(0, 8).map((gap) => gap - 4)).toEqual([20, 40, 80, 160, 320, 640, 640, 640]);
    expect(lanes).toBeLessThanOrEqual(2);
  });

  it('stays where the network is not the limit, or nothing arrives', () => {
    expect(climb((lanes) => 1000 * lanes, 100, 8, false).said).toEqual([]);
    expect(climb(() => 0, 100).said).toEqual([]);
  });

  it('stays when the network was not the limit in one of the four ticks', () => {
    const core = new LaneCountCore(8);
    const ticks = Array.from({ length: 12 }, (_, i) =>
      core.handleTick({ receivedBytes: 1000 * i + 1000, lanes: 1, isNetworkBound: i !== 2 && i !== 7 }),
    );
    expect(ticks.flatMap((verdict, i) => (verdict === 'add' ? [i + 1] : []))).toEqual([12]);
  });

  it('has nothing to drop where the other lane never came, and rests all the same', () => {
    const core = new LaneCountCore(8);
    const said = Array.from({ length: 28 }, (_, i) =>
      core.handleTick({ receivedBytes: 1000 * (i + 1), lanes: 1, isNetworkBound: true }),
    );
    expect(said.flatMap((verdict, i) => (verdict === 'keep' ? [] : [`${i + 1} ${verdict}`]))).toEqual([
      '4 add',
      '28 add',
    ]);
  });

  it('never leaves one to the most, whatever is measured', () => {
    const rates = fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 16 }), (all, most) => {
        let at = 0;
        const { said } = climb(() => all[at++ % all.length] ?? 0, 400, most);
        return said.every(([, , lanes]) => lanes >= 1 && lanes <= most);
      }),
    );
  });
});
