import { bareTransports } from './bare.js';
import type { ContestantSource } from './contract.js';

/** Everybody who may do a work, in the order in which rows are told. */
export const benchSources: readonly ContestantSource[] = [bareTransports];
