import { describe, expect, it } from 'vitest';
import { parseFabricProvider } from '../../../src/config/fabric-provider.js';

describe('--provider', () => {
  it.each(['efa', 'shm', 'tcp;ofi_rxm', 'verbs;ofi_rxm', 'opx', 'ofi_hook_perf;tcp;ofi_rxm'])(
    'takes %s, whether or not it is on this machine',
    (name) => {
      expect(parseFabricProvider(name)).toBe(name);
    },
  );

  it.each(['', 'EFA', 'tcp;', ';ofi_rxm', 'tcp ofi_rxm', 'efa,shm', '^tcp', '../efa', 'a'.repeat(65)])(
    'does not take %j',
    (text) => {
      expect(() => parseFabricProvider(text)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }));
    },
  );
});
