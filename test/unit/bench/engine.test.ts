import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BenchSetup, Contestant, ContestantSource, RunResult } from '../../../src/bench/contract.js';
import { bench, type BenchOptions } from '../../../src/bench/engine.js';
import type { BenchProgress } from '../../../src/bench/report.js';
import { whyNothing } from '../../../src/bench/why-nothing.js';
import { XferError } from '../../../src/errors/index.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { reportOf, rowOf } from '../../support/bench-report.js';

const missing = { name: 'scp', code: 'ERR_XFER_NO_TRANSPORT', reason: 'no scp', remedy: 'install it' };
const result = (totalBytes = 1000): RunResult => ({ iterations: 1, totalBytes, seconds: 1 });

/** Contestants of these names, and a word in `told` for all that happens to them. */
function fake(
  names: readonly string[],
  run: (name: string, setup: BenchSetup) => Promise<RunResult> = () => Promise.resolve(result()),
  kindOf: (name: string) => Contestant['kind'] = () => 'xfer',
) {
  const told: string[] = [];
  const source: ContestantSource = async function* (setup) {
    yield missing;
    for (const name of names)
      yield await Promise.resolve<Contestant>({
        ...{ name, kind: kindOf(name), isSealed: true },
        run: (onProgress) => {
          told.push(name);
          onProgress({ seconds: 0.5, bytes: 500 });
          return run(name, setup);
        },
        close: () => Promise.resolve(void told.push(`${name} closed`)),
      });
  };
  return { told, source };
}

const run = (source: ContestantSource, more: Partial<BenchOptions> = {}) =>
  bench({
    ...{ transports: new TransportRegistry(), signal: new AbortController().signal, sources: [source] },
    ...{ patterns: ['file'], sizes: [1000], repeats: 3, ...more },
  });

describe('a bench', () => {
  it('has each contestant once a round, another one first in each, and tells in order', async () => {
    const { told, source } = fake(['a', 'b', 'c']);
    const events: string[] = [];
    const progress: BenchProgress[] = [];
    const report = await run(source, {
      onWork: ({ pattern }, entries) => events.push(`${pattern} by ${entries.map(({ id }) => id).join(' ')}`),
      onProgress: (one) => progress.push(one),
      onSample: ({ contestant }, round, { bytesPerSecond }) =>
        events.push(`${contestant} ${round}: ${bytesPerSecond}`),
      onRow: ({ contestant }) => events.push(`row of ${contestant}`),
      onSkipped: ({ name }) => events.push(`no ${name}`),
    });
    const rounds = ['a', 'b', 'c', 'c', 'b', 'a', 'b', 'c', 'a'];
    expect(told).toEqual([...rounds, 'a closed', 'b closed', 'c closed']);
    expect(events).toEqual([
      ...['no scp', 'file by file/1000/a file/1000/b file/1000/c'],
      ...rounds.map((name, at) => `${name} ${Math.floor(at / 3) + 1}: 1000`),
      ...['row of a', 'row of b', 'row of c'],
    ]);
    expect(progress.map(({ entry, round }) => `${entry.contestant}${round}`)).toEqual(
      rounds.map((name, at) => `${name}${Math.floor(at / 3) + 1}`),
    );
    expect(progress[0]).toMatchObject({ rounds: 3, seconds: 0.5, bytes: 500 });
    expect(report).toMatchObject({ schema: 'xfer-bench', version: 2, skipped: [missing] });
    expect(report.rows.map(({ id, samples }) => [id, samples.length])).toEqual([
      ['file/1000/a', 3],
      ['file/1000/b', 3],
      ['file/1000/c', 3],
    ]);
  });

  it('goes on without one whose run fails, and lists it', async () => {
    let runs = 0;
    const { told, source } = fake(['a', 'b'], (name) =>
      name === 'b' && ++runs === 2
        ? Promise.reject(new XferError('ERR_XFER_CONNECTION_LOST', 'it is gone'))
        : Promise.resolve(result()),
    );
    const report = await run(source, { repeats: 4 });
    expect(told).toEqual(['a', 'b', 'b', 'a', 'a', 'a', 'a closed', 'b closed']);
    expect(report.rows.map(({ contestant }) => contestant)).toEqual(['a']);
    expect(report.skipped).toMatchObject([
      missing,
      { name: 'b', code: 'ERR_XFER_CONNECTION_LOST', reason: 'it is gone' },
    ]);
    expect(whyNothing(report)).toBeUndefined();
  });

  it.each([
    ['ERR_XFER_TAMPERED', 5],
    ['ERR_XFER_TRUNCATED', 5],
    ['ERR_XFER_INTERNAL', 1],
  ] as const)(
    'ends with %s of xfer, and goes on without a tool or another build that has it',
    async (code, exit) => {
      const fails = (name: string): Promise<RunResult> =>
        name === 'b' ? Promise.reject(new XferError(code, 'wrong')) : Promise.resolve(result());
      await expect(run(fake(['a', 'b'], fails).source)).rejects.toMatchObject({ code, exit });
      for (const kind of ['peer', 'baseline'] as const) {
        const { source } = fake(['a', 'b'], fails, (name) => (name === 'b' ? kind : 'xfer'));
        const { rows, skipped } = await run(source);
        expect(rows.map(({ contestant }) => contestant)).toEqual(['a']);
        expect(skipped).toMatchObject([missing, { name: 'b', code }]);
      }
    },
  );

  it('ends with the error of a target, a defect, or the reason of its signal, and leaves nothing behind', async () => {
    const gone = new XferError('ERR_XFER_CONNECTION_LOST', 'gone');
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'interrupted');
    const ending = new AbortController();
    const interrupted = (): Promise<never> => {
      ending.abort(reason);
      return Promise.reject(new Error('whatever'));
    };
    const cases = [
      { fails: () => Promise.reject(gone), more: { target: 'host', patterns: ['memory'] }, error: gone },
      { fails: () => Promise.reject(new TypeError('oh')), error: { code: 'ERR_XFER_INTERNAL' } },
      { fails: interrupted, more: { signal: ending.signal }, error: reason },
    ] as const;
    for (const { fails, error, ...rest } of cases) {
      let directory = '';
      let hasEnded = false;
      const { told, source } = fake(['a', 'b'], async (_name, setup) => {
        directory = setup.directory;
        expect(existsSync(directory)).toBe(true);
        await setup.kept.get('thing', () =>
          Promise.resolve({ close: () => Promise.resolve(void (hasEnded = true)) }),
        );
        return fails();
      });
      const more: Partial<BenchOptions> = 'more' in rest ? rest.more : {};
      await expect(run(source, more)).rejects.toMatchObject(error);
      expect(told).toEqual(['a', 'a closed', 'b closed']);
      expect(hasEnded).toBe(true);
      expect(existsSync(directory)).toBe(false);
    }
  });

  it('names a tool that was asked for and can do none of the works, once', async () => {
    const told: string[] = [];
    const report = await run(fake(['a']).source, {
      ...{ peers: ['iperf3'], sizes: [1000, 2000], onSkipped: ({ name }) => told.push(name) },
    });
    expect(report.skipped).toMatchObject([{ name: 'iperf3', reason: 'iperf3 cannot do file' }, missing]);
    expect(told.filter((name) => name === 'iperf3')).toHaveLength(1);
  });

  it.each<[readonly string[] | undefined, boolean]>([
    [undefined, true],
    [['memory'], false],
  ])('tells its sources whether somebody asked for the transports: %j', async (use, usesAll) => {
    const told: boolean[] = [];
    const { source } = fake(['a'], (_name, setup) => {
      told.push(setup.usesAll === true);
      return Promise.resolve(result());
    });
    await run(source, { repeats: 1, ...(use ? { use } : {}) });
    expect(told).toEqual([usesAll]);
  });

  it('keeps what lasts through all works, and makes anew what could not be made', async () => {
    let made = 0;
    let closed = 0;
    const make = () =>
      ++made === 1
        ? Promise.reject(new Error('not yet'))
        : Promise.resolve({
            close: () => {
              closed++;
            },
          });
    const { source } = fake(['a'], async (_name, { kept }) => {
      await kept.get('thing', make).catch(() => undefined);
      expect(closed).toBe(0);
      return result();
    });
    await run(source, { sizes: [1000, 2000] });
    expect([made, closed]).toEqual([2, 1]);
  });

  it('says why nothing was measured, of several reasons the worst', async () => {
    const skips: ContestantSource = async function* () {
      yield missing;
      yield await Promise.resolve({ ...missing, name: 'tcp', code: 'ERR_XFER_CONNECTION_REFUSED' });
    };
    expect(whyNothing(await run(skips))).toMatchObject({ exit: 3, message: 'tcp: no scp' });
    expect(whyNothing(await run(fake([]).source))).toMatchObject({ exit: 7, remedy: 'install it' });
  });

  it.each<[string, string, number | undefined]>([
    ['udp', 'ERR_XFER_CONNECTION_LOST', 3],
    ['udp, native', 'ERR_XFER_TIMEOUT', 3],
    ['udp', 'ERR_XFER_NO_TRANSPORT', undefined],
    ['ssh', 'ERR_XFER_COMMAND_FAILED', undefined],
  ])('with rows of others alone: of xfer that %s had %s is %j', (name, code, exit) => {
    const skipped = [{ ...missing, name, code }];
    const parameters = { ...reportOf([]).parameters, transports: ['tcp', 'udp'] };
    const ofPeer = rowOf([1e9], { kind: 'peer', contestant: 'scp' });
    expect(whyNothing(reportOf([ofPeer], { skipped, parameters }))?.exit).toBe(exit);
    expect(whyNothing(reportOf([ofPeer, rowOf([1e9])], { skipped, parameters }))).toBeUndefined();
  });

  it.each<[Partial<BenchOptions>, string]>([
    [{ hops: 1, target: 'host', patterns: ['memory'] }, 'relays'],
    [{ peers: 'found', target: 'host', patterns: ['memory'] }, 'tools'],
    [{ target: 'host', patterns: ['file'], isBothWays: true }, 'file'],
    [{ target: 'host', patterns: ['file'], baselineProgram: 'run.js' }, 'build'],
    [{ target: 'room:1' }, 'target'],
    [{ hops: 17 }, '--hops'],
    [{ lanes: 0 }, '--lanes'],
    [{ recordBytes: 1 }, '--record'],
    [{ isSealed: false, patterns: ['memory'] }, 'sealed'],
    [{ recordBytes: 4096, patterns: ['latency'] }, 'records'],
  ])('refuses %j before anything is done', async (more, word) => {
    const { told, source } = fake(['a']);
    await expect(run(source, more)).rejects.toMatchObject({
      ...{ code: 'ERR_XFER_USAGE', message: expect.stringContaining(word) as string },
    });
    expect(told).toEqual([]);
  });
});
