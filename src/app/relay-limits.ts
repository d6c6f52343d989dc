import { muxDefaults, relayDefaults } from '../config/index.js';
import type { RelayLimits } from '../relay/relay-guard.js';
import type { RelayConfig } from './relay-config.js';

/** What a configuration says of limits, in the words of those who keep them. */
export function relayLimits({ limits = {} }: RelayConfig): Partial<RelayLimits> {
  const said: { readonly [Name in keyof RelayLimits]?: RelayLimits[Name] | undefined } = {
    maxConnections: limits.maxConnections,
    // Those whose handshake is under way come on top, in the proportion that the defaults have.
    maxAdmittedConnections: limits.maxConnections && Math.ceil(limits.maxConnections * admittedShare),
    maxConnectionsPerSource: limits.connectionsPerAddress,
    connectionsPerMinutePerSource: limits.newConnectionsPerMinute,
    maxStreamsTotal: limits.maxStreams,
    maxStreamsPerPeer: limits.streamsPerPeer,
    streamsPerSecond: limits.streamsPerSecond,
    opensPerSecond: limits.streamsPerSecondPerPeer,
    openBurst: limits.streamsPerSecondPerPeer,
    maxRooms: limits.maxRooms,
    maxRoomsPerPeer: limits.roomsPerPeer,
    bytesPerSecondPerPeer: limits.bytesPerSecondPerPeer,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

const admittedShare = relayDefaults.maxAdmittedConnections / relayDefaults.maxConnections;

/** The limits of things at once that a health check tells of. */
export type HealthLimits = Readonly<Record<(typeof toldLimits)[number], number>>;

const toldLimits = [
  'maxConnections',
  'maxConnectionsPerSource',
  'maxConnectionsPerPeer',
  'maxStreamsTotal',
  'maxStreamsPerPeer',
  'maxPendingOpens',
  'maxRooms',
  'maxRoomsPerPeer',
] as const;

export function healthLimits(config: RelayConfig): HealthLimits {
  const all = { ...muxDefaults, ...relayDefaults, ...relayLimits(config) };
  return Object.fromEntries(toldLimits.map((name) => [name, all[name]])) as HealthLimits;
}
