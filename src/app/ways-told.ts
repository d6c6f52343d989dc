import { isIP } from 'node:net';
import { waysDefaults } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { canonicalHost } from '../native/canonical-host.js';
import { printable } from '../transfer/printable.js';
import { formatAddress, parseAddress, type Address } from '../transport/address.js';
import type { NamedHost } from './ways-plan.js';

/** What is known of the other side without believing it. */
export interface KnownHost extends NamedHost {
  /** IP addresses that the name stands for, with the one that answered. */
  readonly ips: readonly string[];
  /** The one that answered; undefined where a proxy is in between. */
  readonly answering: string | undefined;
}

/** What the peer told, judged: an address to dial, or why it is none. */
export type ToldWay =
  { readonly told: string; readonly address: Address } | { readonly told: string; readonly refused: string };

/**
 * Which of the URLs in a peer's HELLO may be dialled. It may say anything: what is taken of it is on which transport and port
 * of the very host that the user named it can be reached. An unspecified host stands for the one that answered.
 * `schemes`: those that may be used.
 */
export function judgeTold(
  listens: readonly string[],
  known: KnownHost,
  schemes: ReadonlySet<string>,
): readonly ToldWay[] {
  return listens.slice(0, waysDefaults.maxTold).map((url) => {
    const told = printable(url.slice(0, 256));
    const judged = judge(url, known, schemes);
    return typeof judged === 'string' ? { told, refused: judged } : { told, address: judged };
  });
}

function judge(url: string, known: KnownHost, schemes: ReadonlySet<string>): Address | string {
  let told: Address;
  try {
    // Whoever tells has to tell all of it: nothing is made up for what is missing.
    told = parseAddress(url, { scheme: '', port: () => 0 });
  } catch (error) {
    return asXferError(error).message;
  }
  if (!schemes.has(told.scheme)) return 'not a transport that may be used';
  if (!mayBeDialled(told.port, known.port)) return 'a port of other services';
  const host = hostFor(told, known);
  return host === undefined ? 'another host than the one that was named' : { ...told, host };
}

/** Below 1024 are services that were there before: nobody is to make us talk to them. */
function mayBeDialled(port: number, named: number | undefined): boolean {
  return port >= 1024 || port === waysDefaults.lastPort || (port !== 0 && port === named);
}

/** Through HTTP proxies, too, which look up names themselves. */
export const goesByName = (scheme: string): boolean => scheme === 'ws' || scheme === 'wss';

function hostFor({ scheme, host }: Address, { host: named, ips, answering }: KnownHost): string | undefined {
  // A certificate is for the name, and so may a web server or proxy be.
  const isByName = goesByName(scheme);
  const own = canonicalHost(host);
  if (own === undefined) {
    if (host.toLowerCase() !== named.toLowerCase()) return undefined;
    return isByName ? named : (answering ?? named);
  }
  const families = own === '::' ? [4, 6] : own === '0.0.0.0' ? [4] : undefined;
  const candidates = [...(answering === undefined ? [] : [answering]), ...ips];
  // A name may stand for several machines: the other transports go to the one that answered.
  const ip = families
    ? candidates.find((one) => families.includes(isIP(one.split('%')[0] ?? '')))
    : candidates.find((one) => canonicalHost(one) === own);
  if (isByName && (ip !== undefined || families)) return named;
  return ip ?? (families && candidates.length === 0 ? named : undefined);
}
