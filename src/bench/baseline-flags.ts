import { XferError } from '../errors/index.js';
import type { BenchLinkWay, BenchParameters } from './report.js';
import { workWords } from './row-words.js';
import type { RunLimit } from './work.js';

/** What changes how fast anything is; a baseline with another of these is of something else. */
const decisive = {
  hops: '--hops',
  lanes: '--lanes',
  recordBytes: '--record',
  congestion: '--cc',
  mtuBytes: '--mtu',
  provider: '--provider',
  isSealed: '--no-seal',
  isBothWays: '--bidir',
  link: '--link',
} as const satisfies Partial<Record<keyof BenchParameters, string>>;

/** Throws ERR_XFER_USAGE where the baseline was made with other flags, which it names. */
export function refuseOtherFlags(now: BenchParameters, then: BenchParameters): void {
  const differing = [
    ...((now.target === null) === (then.target === null) ? [] : [{ name: 'the target' }]),
    ...(Object.keys(decisive) as (keyof typeof decisive)[])
      .map((name) => ({
        ...{ name: decisive[name], of: decisive[name] },
        ...{ then: wordsOf(then[name]), now: wordsOf(now[name]) },
      }))
      .filter((one) => one.then !== one.now),
    ...otherLimits(now, then),
  ];
  if (differing.length === 0) return;
  const names = [...new Set(differing.map(({ name }) => name))].join(', ');
  const first = differing.find((one) => 'now' in one);
  const how = first ? ` (${first.of} then: ${first.then}, now: ${first.now})` : '';
  throw new XferError('ERR_XFER_USAGE', `the baseline was made with another ${names}${how}`, {
    remedy: 'run with the same flags as the baseline, or make a new one',
  });
}

/** Of works that are in both. */
function otherLimits({ works, isBothWays }: BenchParameters, then: BenchParameters) {
  return works.flatMap((work) => {
    const { pattern, bytes, count } = work;
    const was = then.works.find(
      (one) => one.pattern === pattern && one.bytes === bytes && one.count === count,
    );
    if (!was || limitWords(was.limit) === limitWords(work.limit)) return [];
    const of = workWords({ ...work, isBothWays });
    return [{ name: '--time or --iterations', of, then: limitWords(was.limit), now: limitWords(work.limit) }];
  });
}

const limitWords = (limit: RunLimit): string =>
  'timeMs' in limit ? `--time ${limit.timeMs}ms` : `--iterations ${limit.iterations}`;

/** The seed of a link is no difference in what is measured, nor are its name and the order of fields. */
function wordsOf(value: BenchParameters[keyof typeof decisive]): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return JSON.stringify([value, value.back ?? value].map(wayOf));
}

const wayOf = ({ bitsPerSecond, delayMs, lossShare, queueBytes }: BenchLinkWay): BenchLinkWay => ({
  ...(bitsPerSecond === undefined ? {} : { bitsPerSecond }),
  ...{ delayMs, lossShare },
  ...(queueBytes === undefined ? {} : { queueBytes }),
});
