import { defaultPorts, waysDefaults } from '../config/index.js';
import type { Address } from '../transport/address.js';

/** A host that the user named without a scheme. */
export interface NamedHost {
  readonly host: string;
  /** Undefined: the default ports. */
  readonly port: number | undefined;
}

/** A way, and how long after the one before it is tried where that is silent. */
export interface PlannedWay {
  readonly address: Address;
  readonly afterMs: number;
}

/**
 * The ways to a host in the order in which they are tried: tcp at once, which most networks let through, then what may be
 * faster. Past these 443, where all but the web is blocked, or the port that was named, for what has another by default, and what only a plugin
 * knows.
 * `schemes`: those that may be used.
 */
export function planWays({ host, port }: NamedHost, schemes: ReadonlySet<string>): readonly PlannedWay[] {
  const known = port === undefined ? defaultTiers() : namedTiers(port);
  const tiers = [...known, otherTier(known, schemes, port)];
  const ways = tiers.flatMap((tier, at) =>
    tier.filter(([scheme]) => schemes.has(scheme)).map(([scheme, to]) => ({ scheme, port: to, at })),
  );
  const { nextWayMs, otherPortsMs, nextOtherMs } = waysDefaults;
  return ways.map((way, i) => {
    const before = ways[i - 1];
    const gapMs = before?.at !== way.at ? otherPortsMs : way.at === 0 ? nextWayMs : nextOtherMs;
    return { address: { scheme: way.scheme, host, port: way.port }, afterMs: before ? gapMs : 0 };
  });
}

type SchemeAndPort = readonly [scheme: string, port: number];

function defaultTiers(): readonly (readonly SchemeAndPort[])[] {
  const { tcp, udp, quic, ws } = defaultPorts;
  const last = waysDefaults.lastPort;
  return [
    [
      ['tcp', tcp],
      ['udp', udp],
      ['quic', quic],
    ],
    [
      ['tcp', last],
      ['wss', last],
      ['quic', last],
      ['udp', last],
      // On the port of tcp; it gets through where an HTTP proxy does.
      ['ws', ws],
    ],
  ];
}

/**
 * quic and udp cannot share a port: a receiver on the default ports has quic one above. Of another port nothing of the kind
 * is guessed, since whoever listens one above it may be another receiver, and would get the code of the first.
 */
function namedTiers(port: number): readonly (readonly SchemeAndPort[])[] {
  const quic: SchemeAndPort[] = port === defaultPorts.udp ? [['quic', defaultPorts.quic]] : [];
  return [
    [['tcp', port], ['udp', port], ...quic],
    [
      ['quic', port],
      ['wss', port],
      ['ws', port],
    ],
  ];
}

/** What plugins bring comes last, on the port of tcp where it has none of its own. */
function otherTier(
  known: readonly (readonly SchemeAndPort[])[],
  schemes: ReadonlySet<string>,
  port: number | undefined,
): readonly SchemeAndPort[] {
  const planned = new Set(known.flat().map(([scheme]) => scheme));
  const usual: Readonly<Record<string, number | undefined>> = defaultPorts;
  return [...schemes]
    .filter((scheme) => !planned.has(scheme))
    .map((scheme) => [scheme, port ?? usual[scheme] ?? defaultPorts.tcp]);
}
