import { afterEach, expect, it, vi } from 'vitest';
import { withCpu, type OnMeasure } from '../../../src/bench/bare-cpu.js';

const times = vi.hoisted(() => ({ seconds: 0, isStopped: false }));
vi.mock('../../../src/bench/process-times.js', () => ({
  sampleProcessTimes: () => ({
    seconds: () => times.seconds,
    stop: () => ((times.isStopped = true), times.seconds),
  }),
}));
afterEach(() => void vi.restoreAllMocks());

const result = { iterations: 1, totalBytes: 1, seconds: 1 };
/** Four seconds of this process and two of the other before `measured`, and one and three behind it. */
async function used(measured: (onMeasure: OnMeasure) => void, countsCpu = true) {
  let own = 100;
  vi.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: own * 1e6, system: 0 }));
  times.seconds = 10;
  const both = (ours: number, theirs: number): void => {
    own += ours;
    times.seconds += theirs;
  };
  const { cpu } = await withCpu(
    { countsCpu },
    { processes: [{ process: 'receiver', pid: 1 }] },
    (onMeasure) => {
      both(4, 2);
      measured(onMeasure);
      both(1, 3);
      return Promise.resolve(result);
    },
  );
  return cpu?.map(({ process: name, seconds }) => `${name} ${seconds}`);
}

it('processor time counts from where a run does, of several lanes from the first, less what warms up among it', async () => {
  expect(await used((onMeasure) => onMeasure())).toEqual(['sender 1', 'receiver 3']);
  expect(times.isStopped).toBe(true);
  expect(
    await used((onMeasure) => {
      onMeasure();
      onMeasure();
    }),
  ).toEqual(['sender 1', 'receiver 3']);
  expect(await used((onMeasure) => onMeasure(0.5))).toEqual(['sender 0.5', 'receiver 1.5']);
  expect(await used(() => undefined)).toEqual(['sender 5', 'receiver 5']);
  expect(await used((onMeasure) => onMeasure(), false)).toBeUndefined();
});
