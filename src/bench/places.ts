import type { BenchPlace } from './contract.js';

/** Both ends on this machine, with nothing between them. */
export const loopback: BenchPlace = { farHost: '127.0.0.1', near: [], far: [], isHere: true };
