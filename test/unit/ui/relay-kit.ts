import type { RelayStatus } from '../../../src/app/relay-status.js';
import { healthLimits } from '../../../src/app/relay-limits.js';
import type { HopPeer, HopView } from '../../../src/relay/observer.js';

const nobody: HopPeer = { key: undefined, name: 'tcp://192.0.2.7:50000', trust: 'stranger', weight: 0 };

/** A connection of a stranger, with what a test wants to be different. */
export function hop(changes: Partial<HopView> = {}): HopView {
  return {
    id: 1,
    source: '192.0.2.7',
    transport: 'tcp',
    peer: nobody,
    connectedAt: 0,
    streams: 1,
    pendingOpens: 0,
    bytesFrom: 0,
    bytesTo: 0,
    bufferedBytes: 0,
    rttMs: 0,
    ...changes,
  };
}

export const known = (name: string, weight = 10): HopPeer => ({ key: 'aa', name, trust: 'trusted', weight });

/** A relay with these connections. */
export function status(hops: readonly HopView[], changes: Partial<RelayStatus> = {}): RelayStatus {
  return {
    startedAt: 0,
    addresses: ['tcp://[::]:4840'],
    hops,
    links: new Map(),
    rooms: 0,
    streams: hops.reduce((sum, { streams }) => sum + streams, 0),
    pendingOpens: 0,
    load: { isForwardingFull: false, isOpeningFull: false, waitingStreams: 0 },
    bufferedBytes: 0,
    refused: new Map(),
    limits: healthLimits({}),
    isDraining: false,
    ...changes,
  };
}
