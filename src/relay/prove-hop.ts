import type { Address } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';

/** Proves to a relay that was dialled at `address` who dials; rejects with an XferError. */
export type ProveHop = (connection: Connection, address: Address, signal: AbortSignal) => Promise<void>;
