export {
  defaultPorts,
  muxDefaults,
  sessionDefaults,
  transferDefaults,
  transportDefaults,
} from './defaults.js';
export { homeDirectory } from './home.js';
