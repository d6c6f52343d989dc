import { XferError, type Transport } from 'xfer/plugin';
import { loadBinding } from './binding.js';

/** Not in the registry of transports before it can carry something. */
export function quicTransport(): Transport {
  loadBinding();
  const missing = () => Promise.reject(new XferError('ERR_XFER_NO_TRANSPORT', 'quic carries nothing yet'));
  return {
    probe: () => Promise.resolve({ ok: true, detail: 'quinn is loaded' }),
    listen: missing,
    dial: missing,
  };
}
