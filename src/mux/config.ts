import { muxDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { leastPayloadBytes } from './hello.js';

/** Every limit of §4; what each means stands in `muxDefaults`. */
export type MuxConfig = { readonly [Name in keyof typeof muxDefaults]: number };

const names = Object.keys(muxDefaults) as (keyof MuxConfig)[];
/** Connections of a process have mostly the same one, and share it. */
let latest: MuxConfig | undefined;

/** `muxDefaults` with the given values in their place. Throws ERR_XFER_USAGE for a value that makes no sense. */
export function muxConfig(overrides: Partial<MuxConfig> = {}): MuxConfig {
  const config = { ...muxDefaults, ...overrides };
  const known = latest;
  if (known && names.every((name) => known[name] === config[name])) return known;
  for (const [name, value] of Object.entries(config))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new XferError(
        'ERR_XFER_USAGE',
        `mux option ${name} must be a positive whole number, not ${value}`,
      );
  if (config.maxFramePayloadBytes < leastPayloadBytes || config.framePayloadBytes > leastPayloadBytes)
    throw new XferError('ERR_XFER_USAGE', `frames of ${leastPayloadBytes} bytes must be allowed`);
  if (
    config.initialWindowBytes < config.earlyStreamBytes ||
    config.maxWindowBytes < config.initialWindowBytes
  )
    throw new XferError('ERR_XFER_USAGE', 'the windows of a stream must not shrink: early ≤ initial ≤ max');
  return (latest = Object.freeze(config));
}
