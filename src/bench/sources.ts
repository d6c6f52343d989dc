import { bareStreams } from './bare-streams.js';
import { bareTransports } from './bare.js';
import type { ContestantSource } from './contract.js';
import { nearEnd } from './near-end.js';
import { otherTools } from './peers.js';
import { xferProcesses } from './processes.js';
import { reference } from './reference.js';
import { streamLayer } from './stream-layer.js';

/** Whose contestants run inside of a process, which is at the near end, see `near-end.ts`. */
export const insideSources: readonly ContestantSource[] = [bareTransports, bareStreams];

/** Everybody who may do a work, in the order in which rows are told. */
export const benchSources: readonly ContestantSource[] = [
  ...insideSources,
  ...[nearEnd, streamLayer, xferProcesses, otherTools, reference],
];
