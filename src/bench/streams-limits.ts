import { benchDefaults } from '../config/index.js';
import type { ConnectionBudget, ConnectionLimits } from '../transport/contract.js';

/** Of a connection with so many streams: each begins with little, or the budget would not last for all of them. */
export function streamsLimits(budget?: ConnectionBudget): ConnectionLimits {
  const { maxStreams, earlyStreamBytes } = benchDefaults;
  return { maxStreams, earlyStreamBytes, ...(budget ? { budget } : {}) };
}
