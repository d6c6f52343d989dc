import type { MuxBudget, MuxConfig } from 'xfer/plugin';
import { loadBinding, type QuicBinding, type QuinnConfig } from './binding.js';
import { quicConfig, type QuicConfig } from './config.js';
import { newPrivateKey } from './private-key.js';

export interface QuicOptions {
  /** In place of `muxDefaults`. */
  readonly mux?: Partial<MuxConfig>;
  /** In place of `quicDefaults`. */
  readonly quic?: Partial<QuicConfig>;
  /** Default: the one that all connections of the process share. */
  readonly budget?: MuxBudget;
}

/** What every dial and every listener of the transport needs. */
export interface QuicContext {
  readonly options: QuicOptions;
  readonly config: QuicConfig;
  readonly binding: QuicBinding;
  readonly quinn: QuinnConfig;
}

/** Throws ERR_XFER_NO_TRANSPORT where there is no binding for this machine. */
export function quicContext(options: QuicOptions): QuicContext {
  const config = quicConfig(options.quic);
  const binding = loadBinding();
  const quinn = new binding.QuinnConfig({
    // One of this process alone: sessions know their peers, QUIC trusts nobody.
    privateKeyProto: newPrivateKey(),
    handshakeTimeout: config.idleTimeoutMs,
    maxIdleTimeout: config.idleTimeoutMs,
    keepAliveInterval: config.keepAliveMs,
    maxConcurrentStreamLimit: config.maxStreams,
    maxStreamData: config.streamWindowBytes,
    maxConnectionData: config.connectionWindowBytes,
    receiveBufferSize: config.socketBufferBytes,
    sendBufferSize: config.socketBufferBytes,
  });
  return { options, config, binding, quinn };
}
