import type { ForwardingOptions } from '../relay/forwarder.js';
import { laneFraming } from '../session/lane-framing.js';
import type { RelayConfig } from './relay-config.js';

/** How a relay forwards: as the options say, else as it is configured. */
export function relayForwarding(
  { rollout, limits = {} }: RelayConfig,
  options: ForwardingOptions = {},
): ForwardingOptions {
  return {
    rollout: options.rollout ?? rollout,
    storeLimitBytes: options.storeLimitBytes ?? limits.storeLimit,
    inactivityMs: options.inactivityMs ?? limits.inactivity,
    orphanMs: options.orphanMs ?? limits.orphan,
    framingOf: laneFraming,
  };
}
