export { DeadStream } from './dead-stream.js';
export { MuxBudget } from './budget.js';
export { muxConfig, type MuxConfig } from './config.js';
export { MuxConnection, type MuxConnectionOptions } from './driver.js';
export type { OrderedLink, Place } from './link.js';
