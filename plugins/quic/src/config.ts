import { quicDefaults, XferError, type TransportTuning } from 'xfer/plugin';

/** Every limit; what each means stands in `quicDefaults`. */
export type QuicConfig = { readonly [Name in keyof typeof quicDefaults]: number };

/** `quicDefaults` with the given values in their place. Throws ERR_XFER_USAGE for a value that makes no sense. */
export function quicConfig(overrides: Partial<QuicConfig> = {}): QuicConfig {
  const config = { ...quicDefaults, ...overrides };
  for (const [name, value] of Object.entries(config))
    if (!(value > 0 && Number.isFinite(value)))
      throw new XferError('ERR_XFER_USAGE', `quic option ${name} must be a positive number, not ${value}`);
  return Object.freeze(config);
}

/** quinn's binding has one congestion control, and finds the largest packet by itself. Throws ERR_XFER_USAGE. */
export function checkTuning({ congestion = 'cubic' }: TransportTuning = {}): void {
  if (congestion === 'cubic') return;
  throw new XferError('ERR_XFER_USAGE', `quic has no congestion control but cubic, so not ${congestion}`, {
    remedy: 'leave --cc out, or use udp://',
  });
}
