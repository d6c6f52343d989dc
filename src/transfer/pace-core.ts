import { TokenBucketCore } from '../transport/token-bucket-core.js';

/**
 * The pace of one transfer, `--limit`: a token bucket that starts empty and keeps little, since what is measured of a
 * transfer is its mean from the first byte on.
 */
export class PaceCore extends TokenBucketCore {
  /** `bytesPerSecond`: undefined for no limit. */
  constructor(bytesPerSecond?: number) {
    super({
      ratePerSecond: bytesPerSecond,
      capacityAt: (rate) => (rate * burstMs) / 1000,
      startsFull: false,
    });
  }

  /** The largest record that goes at this rate without a gap that anybody would notice. */
  get recordBytes(): number {
    const rate = this.ratePerSecond;
    return rate === undefined ? Infinity : Math.max(leastRecordBytes, (rate * recordMs) / 1000);
  }
}

/** Unused rate is kept for this long. */
const burstMs = 50;
const recordMs = 50;
const leastRecordBytes = 4 * 1024;
