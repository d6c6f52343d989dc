import type { StageTimes } from './api.js';

const spent = { readMs: 0, sealMs: 0, openMs: 0, writeMs: 0 };

/** Of the twin: what `work` takes is added to a stage. */
export function timed<Value>(stage: keyof StageTimes, work: () => Value): Value {
  const began = performance.now();
  try {
    return work();
  } finally {
    spent[stage] += performance.now() - began;
  }
}

/** To be called when what begins now is done. */
export function timing(stage: keyof StageTimes): () => void {
  const began = performance.now();
  return () => {
    spent[stage] += performance.now() - began;
  };
}

export const stageTimes = (): StageTimes => ({ ...spent });
