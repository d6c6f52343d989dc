/** The library: what the commands do, for programs. */
export * from './app/events.js';
export type {
  CommonOptions,
  FilterRule,
  ReceiveOptions,
  SendManyOptions,
  SendOptions,
  SendResult,
} from './app/options.js';
export { receive } from './app/receive.js';
export { send } from './app/send.js';
export {
  openSendPool,
  type PooledSendOptions,
  type SendPool,
  type SendPoolMetrics,
  type SendPoolOptions,
} from './app/send-pool.js';
export { sendToMany } from './app/send-many.js';
export { addPeer, listPeers, ownKey, removePeer, renamePeer, type ListedPeer } from './app/peers.js';
export { homeDirectory } from './config/home.js';
export { bench, type BenchOptions } from './bench/engine.js';
export type * from './bench/contract.js';
export type { BenchPlan, PlanOptions } from './bench/plan.js';
export type * from './bench/report.js';
export type * from './bench/work.js';
export { serveBench, type ServeBenchOptions } from './bench/serve.js';
export { doctor, type DoctorOptions } from './app/doctor.js';
export type { Finding, PathFinding, Verdict } from './app/finding.js';
export type { MachineFacts } from './app/machine-facts.js';
export { relay, type RelayRunOptions } from './app/relay.js';
export { Relay, type RelayOptions } from './relay/relay.js';
export { RelayGuard, type RelayGuardOptions } from './relay/relay-guard.js';
export { DialPolicy, parseDialRules } from './relay/dial-policy.js';
export type * from './relay/observer.js';
export { batchSocket } from './native/load-udp.js';
export type {
  BatchCounters,
  BatchSocket,
  BatchSocketFeatures,
  BatchSocketOptions,
  Datagram,
  DatagramRun,
  SocketAddress,
} from './native/udp-api.js';
export { StreamReader } from './transport/stream-reader.js';
export { PathDialer } from './relay/dial-path.js';
export type { Path } from './relay/routed-connection.js';
export { ConnectionPool, type ConnectionPoolOptions, type Lease } from './transport/connection-pool.js';
export type { PoolLimits } from './transport/connection-pool-core.js';
export { registryFromHookResult, TransportRegistry } from './transport/registry.js';
export * from './errors/index.js';
