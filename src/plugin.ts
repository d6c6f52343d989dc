/** All that a plugin may import of xfer: `import … from 'xfer/plugin'`. docs/writing-a-transport.md and docs/writing-an-endpoint.md show how. */
export * from './transport/contract.js';
export { formatAddress, parseAddress, type Address } from './transport/address.js';
export {
  defaultPorts,
  muxDefaults,
  quicDefaults,
  rdmaDefaults,
  transportDefaults,
  udpDefaults,
  wsDefaults,
} from './config/index.js';
export { isXferError, networkError, XferError, type ErrorCode } from './errors/index.js';
export {
  MuxBudget,
  muxConfig,
  MuxConnection,
  type MuxConfig,
  type MuxConnectionOptions,
  type OrderedLink,
  type Place,
} from './mux/index.js';
export type {
  BatchSocketFeatures,
  PacketBatch,
  PacketConnection,
  PacketSocket,
  SocketAddress,
  UdpApi,
} from './native/udp-api.js';
export { freeMemory } from './native/index.js';
export { canonicalHost } from './native/canonical-host.js';
export { udpApi } from './native/load-udp.js';
export { fabricApi } from './native/load-fabric.js';
export {
  fabricEvent,
  type FabricApi,
  type FabricEndpoint,
  type FabricEndpointOptions,
  type FabricFinding,
  type FabricPeer,
  type FabricProvider,
} from './native/fabric-api.js';
export { packetField, packetKind, packetLayout, runField } from './native/udp-api.js';
export type { Content, ContentLimit, StreamsLink, StreamsLinkStats } from './mux/streams-link.js';
export { parseRate } from './config/quantity.js';
export { TokenBucketCore } from './transport/token-bucket-core.js';
export { DialLimit } from './transport/dial-limit.js';
export { lateSignal } from './transport/late-signal.js';
export { dialTargets, type DialTarget, type Resolving } from './transport/dial-targets.js';
export { raceTargets } from './transport/race-targets.js';
export { ListenerGate, type Place as ListenerPlace } from './transport/listener-gate.js';
export {
  endpointApiVersion,
  maxMessageBytes,
  type ByteSink,
  type ByteSource,
  type Endpoint,
  type EndpointDescriptor,
  type EndpointKind,
  type EndpointListener,
  type EndpointListenOptions,
  type EndpointOptions,
  type EndpointUse,
  type Message,
  type MessageSink,
  type MessageSource,
  type PipeSink,
  type PipeSource,
} from './pipe/endpoint.js';
