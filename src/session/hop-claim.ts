import { XferError } from '../errors/index.js';
import { concat } from './bytes.js';

/** What the third message of a hop proof says, sealed. */
export interface HopClaim {
  /** The key was made for this connection alone: it says nothing about who dials. */
  readonly isAnonymous: boolean;
  /** The host that was dialled, as it was named; empty where it cannot be told. */
  readonly host: string;
  /** For a private relay; empty for none. */
  readonly token: string;
}

export const maxHopTokenBytes = 256;
const maxHostBytes = 255;
const anonymousFlag = 1;

/** flags u8 · length u8 and host · length u16 and token. Throws ERR_XFER_USAGE for a token that cannot be told. */
export function encodeHopClaim({ isAnonymous, host, token }: HopClaim): Uint8Array {
  if (!isHopText(token, maxHopTokenBytes))
    throw new XferError(
      'ERR_XFER_USAGE',
      `a relay's token is at most ${maxHopTokenBytes} printable ASCII characters without spaces`,
    );
  const shown = isHopText(host, maxHostBytes) ? host : '';
  return concat(
    Uint8Array.of(isAnonymous ? anonymousFlag : 0, shown.length),
    ascii(shown),
    Uint8Array.of(token.length >> 8, token.length & 0xff),
    ascii(token),
  );
}

/** Throws ERR_XFER_HANDSHAKE for anything else. */
export function decodeHopClaim(payload: Uint8Array): HopClaim {
  const [flags = 0, hostBytes = 0] = payload;
  const tokenAt = 2 + hostBytes + 2;
  const tokenBytes = (payload[tokenAt - 2] ?? 0) * 256 + (payload[tokenAt - 1] ?? 0);
  const isWhole = payload.length === tokenAt + tokenBytes && tokenBytes <= maxHopTokenBytes;
  const host = text(payload.subarray(2, 2 + hostBytes));
  const token = text(payload.subarray(tokenAt));
  if (!isWhole || (flags & ~anonymousFlag) !== 0 || !isPrintable(host) || !isPrintable(token))
    throw new XferError('ERR_XFER_HANDSHAKE', 'the proof of the other side says what makes no sense');
  return { isAnonymous: flags === anonymousFlag, host, token };
}

/** Whether it can be told: printable ASCII without spaces. */
export function isHopText(value: string, maxBytes: number): boolean {
  return value.length <= maxBytes && isPrintable(value);
}

const isPrintable = (value: string) => /^[\x21-\x7e]*$/.test(value);
const ascii = (value: string) => Uint8Array.from(value, (character) => character.charCodeAt(0));
const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);
