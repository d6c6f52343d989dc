import { bareStreams } from './bare-streams.js';
import { bareTransports } from './bare.js';
import type { ContestantSource } from './contract.js';
import { reference } from './reference.js';
import { streamLayer } from './stream-layer.js';

/** Everybody who may do a work, in the order in which rows are told. */
export const benchSources: readonly ContestantSource[] = [
  bareTransports,
  bareStreams,
  streamLayer,
  reference,
];
