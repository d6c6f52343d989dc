export {
  defaultPorts,
  forwardingDefaults,
  muxDefaults,
  muxStreamsDefaults,
  poolDefaults,
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
