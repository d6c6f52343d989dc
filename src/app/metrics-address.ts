import { XferError } from '../errors/index.js';
import { parseAddress, type Address } from '../transport/address.js';

/** `HOST:PORT`; a port alone is one of this machine's own, for metrics tell who uses a relay. Throws ERR_XFER_USAGE. */
export function parseMetricsAddress(text: string): Address {
  if (/^\d+$/.test(text)) return parseMetricsAddress(`127.0.0.1:${text}`);
  if (text.includes('://') || !/:\d+$/.test(text)) throw usage(text);
  try {
    return parseAddress(text, { scheme: 'http', port: () => 0 });
  } catch (cause) {
    throw usage(text, cause);
  }
}

function usage(text: string, cause?: unknown): XferError {
  return new XferError('ERR_XFER_USAGE', `no address for metrics: ${JSON.stringify(text)}`, {
    cause,
    remedy: 'write HOST:PORT, 0.0.0.0:9100 for every address, or a port alone for this machine only',
  });
}
