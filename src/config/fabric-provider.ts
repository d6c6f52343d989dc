import { XferError } from '../errors/index.js';

/**
 * The text, where it may be the name of a provider of libfabric, such as `efa` or `verbs;ofi_rxm`. Which there are on this machine the
 * transport knows. Throws ERR_XFER_USAGE.
 */
export function parseFabricProvider(text: string): string {
  if (text.length <= mostCharacters && shape.test(text)) return text;
  throw new XferError('ERR_XFER_USAGE', `not the name of a provider: ${JSON.stringify(text)}`, {
    remedy: 'write one that xfer doctor lists, such as efa or "tcp;ofi_rxm"',
  });
}

/** Utility providers stand behind the core one (fi_provider(7)). */
const shape = /^[a-z][a-z0-9_-]*(;[a-z][a-z0-9_-]*)*$/;
const mostCharacters = 64;
