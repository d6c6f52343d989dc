import { hostname, networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import type { ListeningEvent } from '../app/events.js';
import { defaultPorts } from '../config/index.js';
import { formatAddress, parseAddress, type Address } from '../transport/address.js';
import { printable } from '../transfer/printable.js';

/** What this machine is called from outside. */
export interface MachineNames {
  readonly hostname: string;
  readonly interfaces: readonly Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[];
}

/** A way to reach this machine: words of a command line, quoted. */
interface Way {
  /** `room:` where the room is in the code. */
  readonly target: string;
  readonly flags: readonly string[];
}

/**
 * The commands to type on the other machine, one for each way to reach this one. The code goes by the
 * environment: an argument would show in the list of processes.
 */
export function sendCommands(event: ListeningEvent, machine: MachineNames = thisMachine()): string[] {
  if (event.bench) return commands(event, machine, ({ target }) => `xfer bench ${target}`);
  return commands(event, machine, ({ target, flags }) =>
    // `send` takes the room of the code where no target is named.
    ['xfer send PATH', ...(target === 'room:' ? [] : [target]), ...flags].join(' '),
  );
}

/** What a pipe that listens does with whoever comes: content comes from there, goes there, or both. */
export type PipeUse = 'takes' | 'gives' | 'both';

/** The same for the other end of a pipe. */
export function pipeCommands(
  event: ListeningEvent,
  use: PipeUse,
  machine: MachineNames = thisMachine(),
): string[] {
  const behind = { takes: [], gives: ['-'], both: ['--duplex'] }[use];
  return commands(event, machine, ({ target, flags }) =>
    ['xfer pipe', target, ...behind, ...flags].join(' '),
  );
}

function commands(event: ListeningEvent, machine: MachineNames, command: (way: Way) => string): string[] {
  const code = event.code === undefined ? '' : `XFER_CODE=${shellWord(event.code)} `;
  const ways = [...roomWays(event), ...directWays(event, machine)];
  return ways.slice(0, mostShown).map((way) => `${code}${command(way)}`);
}

/** With a code that we made the room is in it. */
function roomWays({ via = [], room, code }: ListeningEvent): Way[] {
  if (room === undefined) return [];
  const target = code?.startsWith(`${room}-`) ? 'room:' : shellWord(`room:${room}`);
  return [{ target, flags: via.map((hop) => `--via ${shellWord(hop)}`) }];
}

function directWays(event: ListeningEvent, machine: MachineNames): Way[] {
  const urls = event.addresses.flatMap((address) => reachableUrls(address, machine));
  const places = new Map<string, { readonly url: string; isOne: boolean }>();
  for (const url of urls) {
    const place = places.get(placeOf(url));
    if (place && place.url !== url) place.isOne = false;
    else if (!place) places.set(placeOf(url), { url, isOne: true });
  }
  return [...places.values()].map(({ url, isOne }) => ({
    target: shellWord(isOne ? url : withoutScheme(url)),
    flags: [],
  }));
}

/** Where a host without a scheme leads to the same: quic is one port above udp there. */
function placeOf(url: string): string {
  const address = addressOf(url);
  if (address === undefined) return url;
  const { scheme, host, port } = address;
  return `${host} ${scheme === 'quic' ? port - 1 : port}`;
}

/** What is listened on over several transports is reached over whichever leads there. */
function withoutScheme(url: string): string {
  const bare = url.replace(/^[^:]*:\/\//, '');
  return bare.endsWith(`:${defaultPorts.tcp}`) ? bare.slice(0, bare.lastIndexOf(':')) : bare;
}

/** A URL that listens on every address stands for the addresses by which others reach this machine. */
export function reachableUrls(url: string, machine: MachineNames): string[] {
  const address = addressOf(url);
  if (address === undefined || !isWildcard(address.host)) return [url];
  const families = address.host === '0.0.0.0' ? ['IPv4'] : ['IPv4', 'IPv6'];
  const hosts = families.flatMap((family) =>
    machine.interfaces
      .filter((at) => at.family === family && !at.internal && !isLinkLocal(at.address))
      .map((at) => at.address),
  );
  return (hosts.length > 0 ? hosts : [machine.hostname]).map((host) => formatAddress({ ...address, host }));
}

/** Past this many ways to reach one machine the rest helps nobody. */
const mostShown = 4;

function thisMachine(): MachineNames {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return { hostname: hostname(), interfaces };
}

function addressOf(url: string): Address | undefined {
  try {
    return parseAddress(url, { scheme: 'tcp', port: () => 0 });
  } catch {
    return undefined;
  }
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
const isLinkLocal = (address: string): boolean => /^(?:169\.254\.|fe[89ab])/i.test(address);

/** Quoted where a shell would read it otherwise: zsh takes the brackets of an IPv6 address for a pattern. */
function shellWord(text: string): string {
  const shown = printable(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}
