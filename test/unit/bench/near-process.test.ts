import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/app/histogram.js';
import type { BenchSetup, ContestantSource, RunResult } from '../../../src/bench/contract.js';
import {
  packResult,
  unpackResult,
  type NearAnswer,
  type NearRequest,
  type NearSetup,
} from '../../../src/bench/near-message.js';
import { serveNear } from '../../../src/bench/near-process.js';
import { XferError } from '../../../src/errors/index.js';
import { TransportRegistry } from '../../../src/transport/registry.js';

const setup: NearSetup = {
  work: { pattern: 'latency', bytes: 64, count: 1, limit: { iterations: 3 }, isBothWays: false },
  ...{ use: ['tcp'], tuning: {}, hops: 0, isSealed: true, countsCpu: false, directory: '/nowhere' },
  ...{ target: 'tcp://10.91.0.2:1', farHost: '10.91.0.2' },
};
const skipped = { name: 'udp', code: 'ERR_XFER_NO_TRANSPORT', reason: 'there is none', remedy: 'none' };

describe('a process at the near end', () => {
  it('runs what it found there, tells how far it is and what came of it, and ends all behind the last', async () => {
    const { source, seen } = fakeSource();
    const answers = await served(source, [
      { ask: 'find', setup },
      { ask: 'run', number: 0 },
      { ask: 'run', number: 0 },
    ]);
    expect(answers.map(({ answer }) => answer)).toEqual(['found', 'progress', 'ran', 'progress', 'ran']);
    expect(answers[0]).toEqual({
      answer: 'found',
      found: [
        {
          number: 0,
          about: { name: 'tcp', kind: 'xfer', isSealed: false, transport: 'tcp', loops: 'javascript' },
        },
        skipped,
      ],
    });
    const ran = answers[4];
    if (ran?.answer !== 'ran') throw new Error('it did not run');
    const { halfTrips, ...figures } = unpackResult(ran.result);
    expect(figures).toEqual({ iterations: 3, totalBytes: 384, seconds: 2 });
    expect(halfTrips?.quantileUs(0.5)).toBe(trips().quantileUs(0.5));
    expect(seen).toEqual(['near end', 'kept', 'run', 'run', 'contestant closed', 'kept closed']);
  });

  it('is at the near end: what runs there is told so, with the target that was started for it', async () => {
    let got: BenchSetup | undefined;
    await served(
      async function* (given) {
        got = given;
        yield* [];
      },
      [{ ask: 'find', setup }],
    );
    expect(got?.place).toEqual({ farHost: '10.91.0.2', near: [], far: [], isHere: true, isAlone: true });
    expect([got?.target, got?.use, got?.work]).toEqual([setup.target, setup.use, setup.work]);
  });

  it('tells what went wrong, and goes on', async () => {
    const { source } = fakeSource(new XferError('ERR_XFER_TIMEOUT', 'it fell silent', { remedy: 'wake it' }));
    const answers = await served(source, [
      { ask: 'find', setup },
      { ask: 'run', number: 0 },
      { ask: 'run', number: 7 },
      { ask: 'close', number: 0 },
      { ask: 'run', number: 0 },
    ]);
    expect(answers.slice(2)).toEqual([
      { answer: 'failed', code: 'ERR_XFER_TIMEOUT', message: 'it fell silent', remedy: 'wake it' },
      expect.objectContaining({ answer: 'failed', code: 'ERR_XFER_INTERNAL' }),
      { answer: 'closed' },
      expect.objectContaining({ answer: 'failed', code: 'ERR_XFER_INTERNAL' }),
    ]);
  });
});

describe('a histogram that another process took', () => {
  it('is the same, joined with others as any', () => {
    const result: RunResult = { iterations: 1, totalBytes: 1, seconds: 1, halfTrips: trips() };
    const packed = JSON.parse(JSON.stringify(packResult(result))) as ReturnType<typeof packResult>;
    const [all, direct] = [new Histogram(), new Histogram()];
    for (const times of [1, 2]) {
      const { halfTrips } = unpackResult(packed);
      all.addAll(halfTrips ?? new Histogram());
      direct.addAll(trips());
      expect(all.count).toBe(3 * times);
    }
    for (const share of [0, 0.5, 0.99, 1]) expect(all.quantileUs(share)).toBe(direct.quantileUs(share));
    expect([all.leastUs, all.mostUs, all.averageUs]).toEqual([
      direct.leastUs,
      direct.mostUs,
      direct.averageUs,
    ]);
  });

  it('may be empty', () => {
    const [all, empty] = [trips(), new Histogram().packed()];
    all.addPacked(empty);
    expect(all.packed()).toEqual(trips().packed());
  });
});

function trips(): Histogram {
  const taken = new Histogram();
  for (const us of [10.5, 3, 700]) taken.add(us);
  return taken;
}

/** One contestant, which keeps something, and one that is not there. */
function fakeSource(failure?: XferError): { source: ContestantSource; seen: string[] } {
  const seen: string[] = [];
  const source: ContestantSource = async function* ({ kept, place }) {
    seen.push(place.isHere ? 'near end' : 'elsewhere');
    await kept.get('fake', () => {
      seen.push('kept');
      return Promise.resolve({ close: () => void seen.push('kept closed') });
    });
    yield {
      ...{ name: 'tcp', kind: 'xfer', transport: 'tcp', loops: 'javascript', isSealed: false },
      run: (onProgress) => {
        seen.push('run');
        onProgress({ seconds: 1, bytes: 192 });
        if (failure) return Promise.reject(failure);
        return Promise.resolve({ iterations: 3, totalBytes: 384, seconds: 2, halfTrips: trips() });
      },
      close: () => Promise.resolve(void seen.push('contestant closed')),
    };
    yield skipped;
  };
  return { source, seen };
}

async function served(source: ContestantSource, asked: readonly NearRequest[]): Promise<NearAnswer[]> {
  const answers: NearAnswer[] = [];
  await serveNear({
    ...{ sources: [source], transports: new TransportRegistry(), signal: new AbortController().signal },
    requests: lines(asked),
    // As the other process reads it.
    tell: (answer) => answers.push(JSON.parse(JSON.stringify(answer)) as NearAnswer),
  });
  return answers;
}

async function* lines(asked: readonly NearRequest[]): AsyncGenerator<string> {
  for (const one of asked) yield await Promise.resolve(JSON.stringify(one));
}
