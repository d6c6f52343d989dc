import { isIP } from 'node:net';
import { waysDefaults } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { canonicalHost } from '../native/canonical-host.js';
import { printable } from '../transfer/printable.js';
import { parseAddress, type Address } from '../transport/address.js';
import type { NamedHost } from './ways-plan.js';

/** What is known of the other side without believing it. */
export interface KnownHost extends NamedHost {
  /** The IP address that answered; undefined where a proxy is in between. */
  readonly answering: string | undefined;
}

/** What the peer told, judged: an address to dial, or why it is none. */
export type ToldWay =
  { readonly told: string; readonly address: Address } | { readonly told: string; readonly refused: string };

/**
 * Which of the URLs in a peer's HELLO may be dialled. It may say anything: what is taken of it is on which transport and port
 * of the very machine that answered it can be reached. Whoever runs it may run the name server, too: other addresses of the
 * same name, such as the sender's own, are refused. An unspecified host stands for the one that answered.
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
  if (known.answering === undefined) return 'behind a proxy nobody knows which machine answered';
  const host = hostFor(told, known);
  return host === undefined ? 'another host than the one that answered' : { ...told, host };
}

/** Below 1024 are services that were there before: nobody is to make us talk to them. */
function mayBeDialled(port: number, named: number | undefined): boolean {
  return port >= 1024 || port === waysDefaults.lastPort || (port !== 0 && port === named);
}

/** Through HTTP proxies, too, which look up names themselves. */
export const goesByName = (scheme: string): boolean => scheme === 'ws' || scheme === 'wss';

/** As the transport is to be told it: a certificate is for the name, and so may a web server be. */
function hostFor({ scheme, host }: Address, { host: named, answering = '' }: KnownHost): string | undefined {
  const own = canonicalHost(host);
  const isIt = own === undefined ? host.toLowerCase() === named.toLowerCase() : standsFor(own, answering);
  if (!isIt) return undefined;
  return goesByName(scheme) ? named : answering;
}

function standsFor(own: string, answering: string): boolean {
  const ip = canonicalHost(answering) ?? '';
  return own === '::' || own === ip || (own === '0.0.0.0' && isIP(ip) === 4);
}
