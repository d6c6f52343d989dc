import { streamLayerName } from './ends.js';
import type { BenchRow } from './report.js';

/** False: the stream layer alone, which goes nowhere: what a path or another tool does is nothing to compare it with. */
export const hasPath = ({ transport }: Pick<BenchRow, 'transport'>): boolean => transport !== streamLayerName;
