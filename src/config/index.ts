export {
  defaultPorts,
  forwardingDefaults,
  muxDefaults,
  relayDefaults,
  scanDefaults,
  sessionDefaults,
  transferDefaults,
  transportDefaults,
  wsDefaults,
} from './defaults.js';
export { homeDirectory } from './home.js';
