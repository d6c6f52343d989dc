import { type ProbeResult, type Transport } from 'xfer/plugin';
import { bindingError } from './binding-error.js';
import { ClientPool } from './client-pool.js';
import { quicContext, type QuicContext, type QuicOptions } from './quic-context.js';
import { dialQuic } from './quic-dialer.js';
import { listenQuic } from './quic-listener.js';

/** Never throws: where there is no binding, `probe` says so, and so does each call. */
export function quicTransport(options: QuicOptions): Transport {
  let made: { context: QuicContext; clients: ClientPool } | undefined;
  const parts = (): { context: QuicContext; clients: ClientPool } => {
    if (made) return made;
    const context = quicContext(options);
    return (made = { context, clients: new ClientPool(context) });
  };
  return {
    probe: () => probe(() => parts().context),
    listen: async (at, listen) => listenQuic(at, listen, parts().context),
    dial: async (to, dial) => dialQuic(to, dial, parts().context, parts().clients),
  };
}

async function probe(context: () => QuicContext): Promise<ProbeResult> {
  try {
    const { binding, quinn } = context();
    await new binding.Server(quinn, '127.0.0.1', 0).abort();
    return { ok: true, detail };
  } catch (error) {
    const { code, message, remedy } = bindingError(error, 'a QUIC socket on loopback');
    return { ok: false, code, reason: message, remedy };
  }
}

const detail =
  'streams over QUIC by quinn (congestion control cubic alone; no 0-RTT, no change of address, no Retry)';
