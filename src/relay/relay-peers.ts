import type { OwnLimits } from './observer.js';

/** Whom a relay knows, as its configuration says it now. */
export interface RelayPeers {
  /** Undefined for a key that is not listed. */
  findKey(key: Uint8Array): ListedKey | undefined;
  /** Takes a time that does not depend on how much of the token is right. */
  findToken(token: string): ListedToken | undefined;
  /** Strangers are refused. */
  readonly isPrivate: boolean;
}

export interface ListedKey {
  readonly name: string;
  readonly weight: number;
  readonly limits?: OwnLimits;
  /** On the allow list, rather than listed for its weight alone. */
  readonly isAllowed: boolean;
}

export interface ListedToken {
  readonly name: string;
  readonly weight: number;
}
