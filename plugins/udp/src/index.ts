export { udpConfig, type UdpConfig } from './config.js';
export type { ControllerFactory } from './congestion/controller.js';
export { ConnectionCore } from './core/connection-core.js';
export type { ConnectionCoreApi } from './core/contract.js';
