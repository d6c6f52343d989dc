import { rdmaDefaults, XferError } from 'xfer/plugin';

/** Every limit; what each means stands in `rdmaDefaults`. */
export type RdmaConfig = { readonly [Name in keyof typeof rdmaDefaults]: number };

/** `rdmaDefaults` with the given values in their place. Throws ERR_XFER_USAGE for a value that makes no sense. */
export function rdmaConfig(overrides: Partial<RdmaConfig> = {}): RdmaConfig {
  const config = { ...rdmaDefaults, ...overrides };
  for (const [name, value] of Object.entries(config))
    if (!(value > 0 && Number.isFinite(value)))
      throw new XferError('ERR_XFER_USAGE', `rdma option ${name} must be a positive number, not ${value}`);
  return Object.freeze(config);
}
