import { randomBytes } from 'node:crypto';
import { CpaceRun } from '../../src/session/cpace.js';
import type { HandshakeKeys } from '../../src/session/handshake-core.js';
import { DialerCore } from '../../src/session/handshake-dialer.js';
import type { Identity } from '../../src/session/identity.js';
import { cipher } from '../../src/native/api.js';
import type { FuzzPeer } from './fuzz-peer.js';

/** How a fuzzer proves who it is: by the code, or by a key that the receiver knows, or does not. */
export interface FuzzCredentials {
  readonly identity: Identity;
  /** The secret; undefined: comes as a known peer. */
  readonly code?: string | undefined;
  /** The receiver's key, for known peers. */
  readonly receiver: Uint8Array;
}

/** Turns one message of the dialer (0 is its hello), its length before it, into what goes on the wire instead. */
export type AlterUnit = (unit: Buffer, index: number) => readonly Uint8Array[];

export interface Dialled {
  readonly keys?: HandshakeKeys;
  /** In the words of the table. */
  readonly outcome: string;
  /** Bytes that came behind the handshake. */
  readonly late: readonly Uint8Array[];
}

/** Drives a real dialer over the peer's stream up to its end, or until message `stopAt` of the dialer would go. */
export async function dialFuzz(
  peer: FuzzPeer,
  credentials: FuzzCredentials,
  alter: AlterUnit = (unit) => [unit],
  stopAt = Infinity,
): Promise<Dialled> {
  const core = new DialerCore({
    identity: credentials.identity,
    ciphers: [cipher.aes256gcm, cipher.chacha20poly1305],
    random: (bytes) => Uint8Array.from(randomBytes(bytes)),
    deadline: Infinity,
    ...(credentials.code === undefined
      ? { expected: [credentials.receiver] }
      : { code: { secret: credentials.code, startCpace: (options) => new CpaceRun(options) } }),
  });
  const late: Uint8Array[] = [];
  let index = 0;
  const pump = () => {
    for (let unit = core.pollOutput(); unit; unit = core.pollOutput()) {
      if (index < stopAt) for (const bytes of alter(Buffer.from(unit), index)) void peer.data(bytes);
      index++;
    }
  };
  peer.onStreamBytes = (bytes) => {
    if (core.outcome) return void late.push(bytes.slice());
    core.handleData(bytes);
    pump();
  };
  pump();
  await peer.until(() => core.outcome !== undefined || index > stopAt);
  const { outcome } = core;
  if (!outcome) return { outcome: index > stopAt ? 'answered' : (peer.end ?? 'nothing'), late };
  if (outcome.kind === 'failed') return { outcome: `refused ${outcome.error.code}`, late };
  if (outcome.keys.leftover.length > 0) late.unshift(outcome.keys.leftover);
  return { keys: outcome.keys, outcome: 'proved', late };
}
