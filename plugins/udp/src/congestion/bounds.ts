/** What controllers answer is finite, whatever they were told. */
export const clampWindow = (bytes: number, leastBytes: number): number =>
  bytes >= leastBytes ? Math.min(bytes, Math.max(leastBytes, maxWindowBytes)) : leastBytes;

export const clampRate = (rate: number): number => (rate >= leastRate ? Math.min(rate, maxRate) : leastRate);

/** A first window of so many packets, where they are of usual size: with 64 KiB datagrams it is a few. */
export const firstWindowBytes = (packets: number, datagramBytes: number): number =>
  Math.max(packets * Math.min(datagramBytes, usualDatagramBytes), 4 * datagramBytes);

/** A round trip that can be divided by; `otherwise` where there is none. */
export const orMs = (rttMs: number, otherwise: number): number =>
  rttMs > 0 && rttMs <= maxRttMs ? Math.max(rttMs, leastRttMs) : otherwise;

/** To pace the first window where the hellos measured nothing. */
export const unknownRttMs = 10;

const leastRttMs = 0.001;
const maxRttMs = 600_000;
const maxWindowBytes = 2 ** 32;
const usualDatagramBytes = 1500;
/** Bytes a second: below it the first packet after a silence would come never. */
const leastRate = 1000;
const maxRate = 1e12;
