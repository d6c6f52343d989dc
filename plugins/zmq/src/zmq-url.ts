import { XferError } from 'xfer/plugin';
import { patternNames, type PatternName } from './patterns.js';
import { readOptions, type ZmqOptions } from './zmq-options.js';

export interface ZmqAddress {
  readonly way: 'bind' | 'connect';
  /** As libzmq reads it: `tcp://*:5555`, `ipc:///run/work`. */
  readonly address: string;
  /** Of tcp: a name or an IP address without brackets, or `*`. */
  readonly host?: string;
}

/** A URL of these endpoints, read. */
export interface ZmqUrl {
  readonly pattern: PatternName;
  readonly addresses: readonly [ZmqAddress, ...ZmqAddress[]];
  readonly options: ZmqOptions;
}

/**
 * Reads `zmq+PATTERN:[bind:|connect:]ADDRESS[,[bind:|connect:]ADDRESS…][?OPTION=VALUE[&…]]`. A way holds until another one
 * is named; without one it is connect. Throws ERR_XFER_USAGE.
 */
export function parseZmqUrl(url: string): ZmqUrl {
  // What is shown to people must not steer their terminal.
  if (/\p{C}/u.test(url)) throw usage('a zmq endpoint has a character in it that cannot be printed');
  const [, name = '', places = '', query = ''] = /^zmq\+([a-z]+):([^?]*)(?:\?(.*))?$/.exec(url) ?? [];
  const pattern = patternNames.find((known) => known === name);
  if (!pattern)
    throw usage(`zmq+${name}: is none of ${patternNames.map((known) => `zmq+${known}:`).join(', ')}`);
  const options = readOptions(pattern, query);
  let way: ZmqAddress['way'] = 'connect';
  const [first, ...others] = places.split(',').map((place): ZmqAddress => {
    const [, named, address = ''] = /^(?:(bind|connect):)?(.*)$/.exec(place) ?? [];
    if (named === 'bind' || named === 'connect') way = named;
    return readAddress(address, way);
  });
  if (!first) throw usage(`zmq+${name}: needs an address`);
  return { pattern, addresses: [first, ...others], options };
}

/** The longest path that a Unix socket has. */
const maxPathBytes = 107;

function readAddress(address: string, way: ZmqAddress['way']): ZmqAddress {
  const path = /^ipc:\/\/(.+)$/.exec(address)?.[1];
  if (path !== undefined) {
    if (new TextEncoder().encode(path).length > maxPathBytes)
      throw usage(`${address} is longer than a socket's path can be (${maxPathBytes} bytes)`);
    return { way, address };
  }
  const [, bracketed, plain, port = ''] =
    /^tcp:\/\/(?:\[([\da-fA-F:.]+)\]|(\*|[\w.-]+)):(\*|\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const isAnyPort = port === '*' || Number(port) === 0;
  if (host === undefined || Number(port) > 65_535)
    throw usage(`${address || 'nothing'} is no tcp://HOST:PORT and no ipc://PATH`);
  if (way === 'connect' && (host === '*' || isAnyPort))
    throw usage(`${address} can only be bound: write bind:${address}`);
  return { way, address, host };
}

const usage = (message: string): XferError =>
  new XferError('ERR_XFER_USAGE', message, {
    remedy: 'write zmq+PATTERN:[bind:|connect:]tcp://HOST:PORT[?OPTION=VALUE…] (docs/pipe-zmq.md)',
  });
