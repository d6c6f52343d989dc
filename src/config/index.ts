export {
  defaultPorts,
  forwardingDefaults,
  measuringDefaults,
  muxDefaults,
  muxStreamsDefaults,
  relayDefaults,
  scanDefaults,
  sessionDefaults,
  transferDefaults,
  transportDefaults,
  udpDefaults,
  wsDefaults,
} from './defaults.js';
export { homeDirectory } from './home.js';
