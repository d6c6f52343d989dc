import { benchDefaults } from '../config/index.js';
import { parseRate, parseSize } from '../config/quantity.js';
import { asXferError, XferError } from '../errors/index.js';
import type { BenchLink, BenchLinkWay } from './report.js';

type Profile = BenchLinkWay & { readonly back?: BenchLinkWay };

const megabit = 1e6;
const geostationary = { delayMs: 300, lossShare: 0.0001 };

/**
 * What is typical, to compare by: no claim about any one network. Where no queue stands it is what a round trip carries.
 *
 * - `lan`: Gigabit Ethernet through a switch or two.
 * - `metro`: fibre of some 300 km, at 5 µs a km, and routers.
 * - `transatlantic`: London and Virginia, whose regions of large clouds tell round trips of 75 to 80 ms of each other.
 * - `lte`: 12 Mbit/s both ways and 70 ms there and back are the profile of that name of WebPageTest. A base station repeats
 *   what was lost, so that little of that is seen, and has a long queue.
 * - `satellite`: geostationary. RFC 2488 (section 2) has 240 to 280 ms one way for light alone, which with coding and
 *   access is about 600 ms there and back; 50 Mbit/s down and 10 up are a consumer's. The near end is the one on the ground.
 * - `lossy`: 100 Mbit/s over half a continent with 1 % loss, as by a radio link, or a policer, on the way.
 */
export const linkProfiles: Readonly<Record<string, Profile>> = {
  lan: { bitsPerSecond: 1000 * megabit, delayMs: 0.1, lossShare: 0 },
  metro: { bitsPerSecond: 1000 * megabit, delayMs: 2, lossShare: 0.00001 },
  transatlantic: { bitsPerSecond: 1000 * megabit, delayMs: 40, lossShare: 0.0001 },
  lte: { bitsPerSecond: 12 * megabit, delayMs: 35, lossShare: 0.0001, queueBytes: 300_000 },
  satellite: {
    ...{ ...geostationary, bitsPerSecond: 10 * megabit },
    back: { ...geostationary, bitsPerSecond: 50 * megabit },
  },
  lossy: { bitsPerSecond: 100 * megabit, delayMs: 25, lossShare: 0.01 },
};

/** `RATE,DELAY,LOSS[,QUEUE]` or the name of a profile. Throws ERR_XFER_USAGE. */
export function parseLink(text: string, seed: number = benchDefaults.linkSeed): BenchLink {
  if (!Number.isInteger(seed) || seed < 0 || seed > benchDefaults.maxLinkSeed)
    throw usage(`the seed must be from 0 to ${benchDefaults.maxLinkSeed}, not ${seed}`);
  const name = text.trim();
  const profile = Object.hasOwn(linkProfiles, name) ? linkProfiles[name] : undefined;
  if (profile) return { name, ...profile, seed };
  const [rate, delay, loss, queue, ...more] = text.split(',').map((word) => word.trim());
  if (rate === undefined || delay === undefined || loss === undefined || more.length > 0)
    throw usage(`not a link: ${JSON.stringify(text)}`);
  const bitsPerSecond = rateOf(rate);
  return {
    name: null,
    ...(bitsPerSecond === undefined ? {} : { bitsPerSecond }),
    ...{ delayMs: delayOf(delay), lossShare: lossOf(loss) },
    ...(queue === undefined ? {} : { queueBytes: queueOf(queue, bitsPerSecond) }),
    seed,
  };
}

/** Bits a second, as tc and iperf3 count; undefined: no limit. */
function rateOf(text: string): number | undefined {
  if (text === 'max') return undefined;
  const bits = read(parseRate, text) * 8;
  const { minLinkBits: least, maxLinkBits: most } = benchDefaults;
  if (bits < least || bits > most)
    throw usage(`the rate of a link is from ${least / 1e3}kbit to ${most / 1e9}gbit, or max, not ${text}`);
  return bits;
}

function delayOf(text: string): number {
  const ms = timeOf(text);
  if (ms === undefined) throw usage(`not a delay: ${JSON.stringify(text)}`);
  if (ms > benchDefaults.maxLinkDelayMs)
    throw usage(`the delay of a link is at most ${benchDefaults.maxLinkDelayMs} ms, not ${text}`);
  return ms;
}

function lossOf(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const percent = Number(digits);
  // 0.01 alone might be a share or per cent.
  if (digits === undefined || (unit === '' && percent !== 0))
    throw usage(`not a loss: ${JSON.stringify(text)}`);
  if (percent >= 100) throw usage(`a link that loses ${text} carries nothing`);
  return percent / 100;
}

/** Bytes, or what the rate carries in a time. */
function queueOf(text: string, bitsPerSecond: number | undefined): number {
  const ms = timeOf(text);
  if (ms !== undefined && bitsPerSecond === undefined)
    throw usage('a queue is a time at a rate: with max give its bytes');
  const bytes =
    ms === undefined ? read(parseSize, text) : Math.round(((bitsPerSecond ?? 0) / 8) * (ms / 1000));
  const { minLinkQueueBytes: least, maxLinkQueueBytes: most } = benchDefaults;
  if (bytes < least || bytes > most)
    throw usage(`the queue of a link has from ${least} to ${most} bytes, not ${bytes} (${text})`);
  return bytes;
}

/** Milliseconds and parts of them; undefined: it is no time. */
function timeOf(text: string): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?(us|µs|ms|s)$/.exec(text) ?? [];
  if (digits === undefined) return text === '0' ? 0 : undefined;
  return Number(digits) * (unit === 's' ? 1000 : unit === 'ms' ? 1 : 0.001);
}

/** What is not understood is told as all of a link is. */
function read(parse: (text: string) => number, text: string): number {
  try {
    return parse(text);
  } catch (thrown) {
    throw usage(asXferError(thrown).message);
  }
}

function usage(reason: string): XferError {
  const names = Object.keys(linkProfiles).join(', ');
  return new XferError('ERR_XFER_USAGE', reason, {
    remedy: `write RATE,DELAY,LOSS[,QUEUE] as in 100mbit,20ms,0.1%,256KiB, or one of ${names}`,
  });
}
