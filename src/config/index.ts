export {
  defaultPorts,
  muxDefaults,
  relayDefaults,
  scanDefaults,
  sessionDefaults,
  transferDefaults,
  transportDefaults,
} from './defaults.js';
export { homeDirectory } from './home.js';
