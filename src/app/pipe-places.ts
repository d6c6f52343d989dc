import { isIPv6 } from 'node:net';
import { XferError } from '../errors/index.js';
import type { EndpointRegistry } from '../pipe/endpoint-registry.js';
import type { PipePlace } from './pipe-options.js';
import { parseTarget } from './target.js';

/** What of a command line says between which places a pipe runs. */
export interface PipeWords {
  readonly words: readonly string[];
  /** `--listen`, each as it stands behind `listen:`. Default: none. */
  readonly listen?: readonly string[];
  /** Content goes back as well. Default: false. */
  readonly duplex?: boolean;
  /** Whether relays are on the way (`--via`): only there are rooms. Default: false. */
  readonly isRelayed?: boolean;
}

export interface PipePlaces {
  readonly from: readonly PipePlace[];
  readonly to: readonly PipePlace[];
}

/**
 * Reads the places of `xfer pipe`. Throws ERR_XFER_USAGE, ERR_XFER_BAD_ADDRESS or ERR_XFER_NO_ENDPOINT.
 *
 * One word is where stdin goes. A first `-` makes the rest destinations, a last `-` makes the rest sources, and two words
 * without `-` are from where to where. `--listen` is a place of its own: what comes there goes to stdout or to the one word,
 * and beside a lone `-` it is where stdin goes.
 */
export function pipePlaces(
  typed: PipeWords,
  endpoints: Pick<EndpointRegistry, 'schemeOf' | 'schemes'>,
): PipePlaces {
  const { words, listen = [], duplex = false, isRelayed = false } = typed;
  const read = (word: string): PipePlace => placeOf(word, endpoints, isRelayed);
  const places =
    listen.length > 0
      ? listeningPlaces(words, listenPlace(listen, isRelayed), read)
      : wordPlaces(words, read);
  checkPlaces(places, duplex);
  return places;
}

const stdio: PipePlace = Object.freeze({ kind: 'stdio' });

function wordPlaces(words: readonly string[], read: (word: string) => PipePlace): PipePlaces {
  const [first, ...rest] = words;
  const last = rest.at(-1);
  if (first === undefined)
    throw usage(
      'a pipe needs a place',
      'write xfer pipe TARGET, or xfer pipe --listen URL on the other side',
    );
  const dashes = words.filter((word) => word === '-').length;
  if (dashes === words.length)
    throw usage(
      dashes === 1 ? '- alone says neither where from nor where to' : 'stdin to stdout needs no pipe of xfer',
      'write xfer pipe - TARGET to send stdin, or xfer pipe TARGET - to read from there',
    );
  if (dashes > 1)
    throw usage('- stands once, first or last', 'write xfer pipe - TARGET..., or xfer pipe TARGET... -');
  if (first === '-') return { from: [stdio], to: rest.map(read) };
  if (last === '-') return { from: words.slice(0, -1).map(read), to: [stdio] };
  if (dashes > 0)
    throw usage(
      '- stands first or last',
      'write - first where the others are destinations, last where they are sources',
    );
  if (last === undefined) return { from: [stdio], to: [read(first)] };
  if (words.length === 2) return { from: [read(first)], to: [read(last)] };
  throw usage(
    `of ${words.length} places it is not clear what goes where`,
    'write - first where the others are destinations, last where they are sources',
  );
}

function listeningPlaces(
  words: readonly string[],
  listening: PipePlace,
  read: (word: string) => PipePlace,
): PipePlaces {
  const [word, ...others] = words;
  if (others.length > 0)
    throw usage(
      '--listen takes one place beside it at most',
      'write listen:URL among the places: xfer pipe FROM listen:URL',
    );
  if (word === undefined) return { from: [listening], to: [stdio] };
  if (word === '-') return { from: [stdio], to: [listening] };
  return { from: [listening], to: [read(word)] };
}

function checkPlaces({ from, to }: PipePlaces, duplex: boolean): void {
  const listening = [...from, ...to].filter(({ kind }) => kind === 'listen').length;
  if (listening > 1) throw usage('one place listens at most', 'name the URLs together: listen:URL,URL');
  for (const side of [from, to])
    if (side.length > 1 && side.some(({ kind }) => kind === 'listen'))
      throw usage('listen: stands alone on its side', 'let the others listen, and name them as targets');
  if (duplex && (from.length > 1 || to.length > 1))
    throw usage('--duplex is between two places', 'leave out --duplex, or all places but one on each side');
}

function placeOf(
  word: string,
  endpoints: Pick<EndpointRegistry, 'schemeOf' | 'schemes'>,
  isRelayed: boolean,
): PipePlace {
  if (word === '') throw usage('a place is empty', 'write -, a target or an endpoint such as file:PATH');
  if (word.startsWith(listenPrefix)) {
    const rest = word.slice(listenPrefix.length);
    return listenPlace(rest === '' ? [] : [rest], isRelayed);
  }
  if (endpoints.schemeOf(word) !== undefined) return { kind: 'endpoint', url: word };
  checkNoEndpoint(word, endpoints.schemes());
  checkTarget(word, isRelayed);
  return { kind: 'target', target: word };
}

const listenPrefix = 'listen:';
const roomPrefix = 'room:';

/** What stands behind `listen:`: URLs with commas between them, and a room; an empty room is that of the code. */
function listenPlace(texts: readonly string[], isRelayed: boolean): PipePlace {
  const parts = texts.flatMap((text) => text.split(','));
  if (parts.includes('')) throw usage('a URL to listen on is empty', 'write --listen tcp://:4840');
  const rooms = parts.filter((part) => part.startsWith(roomPrefix));
  if (rooms.length > 0 && !isRelayed) throw usage('a room is at a relay', 'name the relay by --via');
  if (rooms.length > 1) throw usage('it waits in one room at most', 'leave out all rooms but one');
  const room = rooms[0]?.slice(roomPrefix.length) ?? '';
  const urls = parts.filter((part) => !part.startsWith(roomPrefix));
  return { kind: 'listen', urls, ...(room === '' ? {} : { room }) };
}

/**
 * What reads as an endpoint is never dialled: `zmq+pull:…` without its plugin is no host. `host:4840` is one: a port is all
 * digits, and no host has a `+`.
 */
function checkNoEndpoint(word: string, schemes: readonly string[]): void {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(word) ?? [];
  if (scheme === undefined || rest.startsWith('//') || isIPv6(word) || isTargetPrefix(scheme)) return;
  if (/^\d{1,5}\/?$/.test(rest) && !scheme.includes('+')) return;
  const known = schemes.map((name) => `${name}:`).join(', ') || 'none';
  throw new XferError(
    'ERR_XFER_NO_ENDPOINT',
    `there is no endpoint ${JSON.stringify(`${scheme}:`)} here (there are: ${known})`,
  );
}

const isTargetPrefix = (scheme: string): boolean => scheme === 'room' || scheme === 'local';

function checkTarget(word: string, isRelayed: boolean): void {
  if (/^[^/]*@/.test(word))
    throw usage(
      `ssh targets such as ${JSON.stringify(word)} are not there yet`,
      'start xfer pipe --listen over there and name it as [scheme://]host[:port]',
    );
  if (isPath(word))
    throw usage(
      `${JSON.stringify(word)} is no place`,
      `write file:${word} for a file, or [scheme://]host[:port]`,
    );
  const { kind } = parseTarget(word);
  if (kind === 'local')
    throw usage('a pipe into a directory of this machine needs no receiver', 'write file:PATH');
  if (kind === 'room' && !isRelayed) throw usage('a room is at a relay', 'name the relay by --via');
}

/** `./out`, `/srv/out`, `out/today`: no host has a slash before its end. */
const isPath = (word: string): boolean =>
  !word.includes('://') && /\/./.test(word) && !/^(room|local):/.test(word);

function usage(message: string, remedy: string): XferError {
  return new XferError('ERR_XFER_USAGE', message, { remedy });
}
