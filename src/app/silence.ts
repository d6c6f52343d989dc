import { sessionDefaults } from '../config/index.js';
import type { CommonOptions } from './options.js';

/** How long a lane may say nothing, in milliseconds: then it is lost. */
export const silenceMs = sessionDefaults.silenceMs;

/** How long a connection that is lost is tried to be made again, in milliseconds; 0: not at all. */
export function retryOf(options: Pick<CommonOptions, 'retryMs'>): number {
  return options.retryMs ?? sessionDefaults.retryMs;
}
