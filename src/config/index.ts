export {
  defaultPorts,
  forwardingDefaults,
  measuringDefaults,
  muxDefaults,
  muxStreamsDefaults,
  quicDefaults,
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
