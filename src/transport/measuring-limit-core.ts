import { measuringDefaults } from '../config/index.js';
import { sourceKey } from './source-key.js';
import { TokenBucketCore } from './token-bucket-core.js';

/** As measuringDefaults has them, with what each is for. */
export type MeasuringLimits = Readonly<Record<keyof typeof measuringDefaults, number>>;

interface Source {
  readonly bucket: TokenBucketCore;
  streams: number;
}

/** Who may measure the path to a listener, and whose turn it is to send content: a sans-IO core. Times in milliseconds. */
export class MeasuringLimitCore {
  readonly #limits: MeasuringLimits;
  /** The one heard of longest ago first. */
  readonly #sources = new Map<string, Source>();
  #streams = 0;
  #hasContent = false;

  constructor(limits: Partial<MeasuringLimits> = {}) {
    this.#limits = { ...measuringDefaults, ...limits };
  }

  /** A stream came; false: it is refused. Else `leave` follows once. */
  enter(now: number, source: string): boolean {
    const { maxStreams, maxStreamsPerAddress } = this.#limits;
    const known = this.#remember(sourceKey(source));
    if (this.#streams >= maxStreams || known.streams >= maxStreamsPerAddress) return false;
    if (!known.bucket.tryTake(1, now)) return false;
    this.#streams++;
    known.streams++;
    return true;
  }

  leave(source: string): void {
    this.#streams--;
    const known = this.#sources.get(sourceKey(source));
    if (known) known.streams--;
  }

  /** A stream has content to send; false: another has the turn. Else `endContent` follows once. */
  beginContent(): boolean {
    if (this.#hasContent) return false;
    return (this.#hasContent = true);
  }

  endContent(): void {
    this.#hasContent = false;
  }

  #remember(name: string): Source {
    const source = this.#sources.get(name) ?? { bucket: this.#bucket(), streams: 0 };
    this.#sources.delete(name);
    this.#sources.set(name, source);
    if (this.#sources.size > this.#limits.maxSources) this.#forget();
    return source;
  }

  /** Those with streams are few, and stay. */
  #forget(): void {
    for (const [name, { streams }] of this.#sources)
      if (streams === 0) {
        this.#sources.delete(name);
        return;
      }
  }

  #bucket(): TokenBucketCore {
    const { streamsPerMinute } = this.#limits;
    return new TokenBucketCore({
      ratePerSecond: streamsPerMinute / 60,
      capacityAt: () => streamsPerMinute,
    });
  }
}
