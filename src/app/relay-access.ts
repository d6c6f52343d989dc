import { createHash, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { sessionDefaults } from '../config/index.js';
import { fileError, XferError } from '../errors/index.js';
import type { HopIdentity } from '../relay/observer.js';
import type { ProveHop } from '../relay/prove-hop.js';
import type { RefusalReason } from '../relay/refusal-reason.js';
import type { ListedKey, ListedToken, RelayPeers } from '../relay/relay-peers.js';
import { isHopText, maxHopTokenBytes } from '../session/hop-claim.js';
import { acceptHop } from '../session/hop-proof.js';
import { fingerprint, formatPublicKey, loadIdentity, parsePublicKey } from '../session/identity.js';
import { PeerStore } from '../session/peer-store.js';
import type { Connection } from '../transport/contract.js';
import { hopProver } from './hop-prover.js';

/** Whom a relay lets in, and whether it says who it is. */
export interface RelayAccessOptions {
  /** Names of known peers, or keys: these are trusted, and strangers refused. */
  readonly allow?: readonly string[] | undefined;
  /** Who brings one of these is trusted, and strangers refused. */
  readonly tokens?: readonly string[] | undefined;
  /** A file of such tokens, one a line. */
  readonly tokenFile?: string | undefined;
  /** What the relay is called: a proof that was made for another host is refused. Default: any host will do. */
  readonly names?: readonly string[] | undefined;
  /** Whether it proves its own key to relays that it dials. Default: false. */
  readonly identify?: boolean | undefined;
  /** Who is listed elsewhere, asked after those above. */
  readonly peers?: RelayPeers | undefined;
}

export interface RelayAccess {
  /** This relay's own key, as peers may pin it. */
  readonly key: string;
  readonly fingerprint: string;
  readonly prove: ProveHop | undefined;
  identify(connection: Connection, onRefuse: (reason: RefusalReason) => void): HopIdentity;
}

/** Rejects with ERR_XFER_USAGE, _WEAK_CODE, _BAD_IDENTITY or the error of the file operation. */
export async function relayAccess(home: string, options: RelayAccessOptions): Promise<RelayAccess> {
  const identity = await loadIdentity(home);
  const given = options.tokenFile === undefined ? [] : await readTokens(options.tokenFile);
  const peers = new GivenPeers(
    await allowedKeys(home, options.allow ?? []),
    [...given, ...(options.tokens ?? [])].map(checkToken),
    options.peers,
  );
  const names = options.names ?? [];
  return {
    key: formatPublicKey(identity.publicKey),
    fingerprint: fingerprint(identity.publicKey),
    prove: hopProver({ home, identity: options.identify ? identity : undefined }),
    identify: (connection, onRefuse) => acceptHop(connection, { identity, peers, names, onRefuse }),
  };
}

/** Who is named on the command line, and behind it who is listed in a configuration. */
class GivenPeers implements RelayPeers {
  readonly #allowed: ReadonlyMap<string, string>;
  readonly #tokens: readonly Buffer[];
  readonly #others: RelayPeers | undefined;

  constructor(
    allowed: ReadonlyMap<string, string>,
    tokens: readonly string[],
    others: RelayPeers | undefined,
  ) {
    this.#allowed = allowed;
    this.#tokens = tokens.map(hashed);
    this.#others = others;
  }

  get isPrivate(): boolean {
    return this.#allowed.size > 0 || this.#tokens.length > 0 || (this.#others?.isPrivate ?? false);
  }

  findKey(key: Uint8Array): ListedKey | undefined {
    const listed = this.#others?.findKey(key);
    const name = this.#allowed.get(formatPublicKey(key));
    return name === undefined ? listed : { weight: defaultWeight, name, ...listed, isAllowed: true };
  }

  findToken(token: string): ListedToken | undefined {
    const hash = hashed(token);
    let isRight = false;
    for (const other of this.#tokens) isRight = timingSafeEqual(hash, other) || isRight;
    return this.#others?.findToken(token) ?? (isRight ? { name: 'token', weight: defaultWeight } : undefined);
  }
}

const defaultWeight = 1;
const maxTokens = 1000;
const maxTokenFileBytes = maxTokens * (maxHopTokenBytes + 2);

/** Equal lengths can be compared in constant time. */
const hashed = (token: string) => createHash('sha256').update(token).digest();

/** Keys, as they are formatted, and what to call who has them. */
async function allowedKeys(home: string, allow: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const known = new PeerStore(home);
  const found = new Map<string, string>();
  for (const text of allow) {
    const peer = await known.findByName(text);
    const key = peer?.key ?? parsePublicKey(text);
    if (!key)
      throw new XferError('ERR_XFER_USAGE', `${JSON.stringify(text)} is no known peer, and no key`, {
        remedy: 'see xfer peers for both',
      });
    found.set(formatPublicKey(key), peer?.name ?? fingerprint(key));
  }
  return found;
}

async function readTokens(path: string): Promise<string[]> {
  let text = '';
  try {
    // One byte past the end of what is taken.
    for await (const chunk of createReadStream(path, { encoding: 'utf8', end: maxTokenFileBytes }))
      text += chunk as string;
  } catch (cause) {
    throw fileError(cause, `cannot read ${path}`);
  }
  const lines = text.split('\n').map((line) => line.trim());
  const tokens = lines.filter((line) => line !== '');
  if (tokens.length === 0 || tokens.length > maxTokens || text.length > maxTokenFileBytes)
    throw new XferError('ERR_XFER_USAGE', `${path} does not have 1 to ${maxTokens} tokens, one a line`);
  return tokens;
}

function checkToken(token: string): string {
  const { minCodeCharacters } = sessionDefaults;
  if (token.length < minCodeCharacters)
    throw new XferError(
      'ERR_XFER_WEAK_CODE',
      `a token of a relay has at least ${minCodeCharacters} characters`,
      {
        remedy: 'make one, such as with: openssl rand -hex 16',
      },
    );
  if (!isHopText(token, maxHopTokenBytes))
    throw new XferError(
      'ERR_XFER_USAGE',
      `a token of a relay has at most ${maxHopTokenBytes} characters of printable ASCII, and no spaces`,
    );
  return token;
}
