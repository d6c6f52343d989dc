import { udpDefaults, XferError } from 'xfer/plugin';

/** Every limit of DESIGN §5; what each means stands in `udpDefaults`. */
export type UdpConfig = { readonly [Name in keyof typeof udpDefaults]: number } & {
  /** Datagrams are this long, and the path is not probed. Undefined: probed. */
  readonly pinnedDatagramBytes?: number;
};

/** `udpDefaults` with the given values in their place. Throws ERR_XFER_USAGE for a value that makes no sense. */
export function udpConfig(overrides: Partial<UdpConfig> = {}): UdpConfig {
  const config = { ...udpDefaults, ...overrides };
  for (const [name, value] of Object.entries(config))
    if (!(value > 0 && Number.isFinite(value)))
      throw new XferError('ERR_XFER_USAGE', `udp option ${name} must be a positive number, not ${value}`);
  return Object.freeze(config);
}
