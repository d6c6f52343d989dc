export {
  benchDefaults,
  defaultPorts,
  fabricDefaults,
  forwardingDefaults,
  measuringDefaults,
  muxDefaults,
  muxStreamsDefaults,
  poolDefaults,
  quicDefaults,
  rdmaDefaults,
  relayDefaults,
  scanDefaults,
  sessionDefaults,
  transferDefaults,
  waysDefaults,
  transportDefaults,
  udpDefaults,
  wsDefaults,
} from './defaults.js';
export { homeDirectory } from './home.js';
export { pipeDefaults, slowDefaults } from './pipe.js';
