export { DeadStream } from './dead-stream.js';
export { MuxBudget } from './budget.js';
export { muxConfig, type MuxConfig } from './config.js';
export type { MuxConnectionOptions } from './connection-options.js';
export { MuxConnection } from './driver.js';
export type { OrderedLink, Place } from './link.js';
