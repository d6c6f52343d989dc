import { XferError } from 'xfer/plugin';
import { zmqConfig } from './config.js';
import { patterns, type PatternName } from './patterns.js';

/** Where a key of CURVE is read from. */
export type KeyPlace = { readonly file: string } | { readonly variable: string } | { readonly text: string };

/** What stands behind the `?` of a URL, with what holds otherwise. */
export interface ZmqOptions {
  /** Messages queued for each peer; 0: any number. */
  readonly sendHighWaterMark: number;
  readonly receiveHighWaterMark: number;
  readonly lingerMs: number;
  /** Of sub: beginnings of the first part. */
  readonly topics: readonly string[];
  /** Of pub: between opening and the first message. */
  readonly waitMs: number;
  /** The source ends with so many messages. */
  readonly count?: number;
  /** The source ends when it waited so long for one. */
  readonly idleMs?: number;
  /** Of dealer: what a router calls it. */
  readonly identity?: string;
  /** Of router: whether a message waits for a peer that is full, or is dropped. */
  readonly isMandatory: boolean;
  /** CURVE: this side's own secret key. Without a server's key it makes this side a server. */
  readonly secretKey?: KeyPlace;
  /** CURVE: the server's public key. Makes this side a client. */
  readonly serverKey?: KeyPlace;
  /** CURVE: the public keys of clients that may come to this server. */
  readonly allowFile?: string;
}

/** Reads a query. Throws ERR_XFER_USAGE for what is unknown, given twice, of another pattern or out of range. */
export function readOptions(pattern: PatternName, query: string): ZmqOptions {
  const values = new Map<OptionName, string>();
  const topics: string[] = [];
  for (const pair of query === '' ? [] : query.split('&')) {
    const [, name = '', encoded = ''] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
    if (!isOption(name) || !appliesTo(name, pattern))
      throw usage(`${pair.replace(/=.*/, '')}: zmq+${pattern} has no such option`, pattern);
    const value = decoded(name, encoded);
    if (name === 'topic') topics.push(value);
    else if (values.has(name)) throw usage(`${name} is given twice`, pattern);
    else values.set(name, value);
  }
  const number = (name: OptionName, least: number, most: number): number | undefined => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most))
      throw usage(`${name} is a whole number from ${least} to ${most}`, pattern);
    return value;
  };
  const key = (name: 'curve-secret-key' | 'curve-server-key'): KeyPlace | undefined => {
    const places = [
      ...[values.get(`${name}-file`)].flatMap((file) => (file === undefined ? [] : [{ file }])),
      ...[values.get(`${name}-env`)].flatMap((variable) => (variable === undefined ? [] : [{ variable }])),
      ...(name === 'curve-server-key' ? [values.get(name)] : []).flatMap((text) =>
        text === undefined ? [] : [{ text }],
      ),
    ];
    if (places.length > 1) throw usage(`${name} is given twice`, pattern);
    return places[0];
  };
  const hwm = number('hwm', 0, maxInt) ?? zmqConfig.highWaterMark;
  const count = number('count', 1, Number.MAX_SAFE_INTEGER);
  const idleMs = number('idle', 1, maxWaitMs);
  const identity = values.get('identity');
  if (identity !== undefined && !isIdentity(identity))
    throw usage('identity has 1 to 255 bytes, the first of them not 0', pattern);
  const [secretKey, serverKey] = [key('curve-secret-key'), key('curve-server-key')];
  const allowFile = values.get('curve-allow-file');
  if (allowFile !== undefined && (!secretKey || serverKey))
    throw usage('curve-allow-file is of a server: it goes with curve-secret-key-… alone', pattern);
  return {
    sendHighWaterMark: number('sndhwm', 0, maxInt) ?? hwm,
    receiveHighWaterMark: number('rcvhwm', 0, maxInt) ?? hwm,
    lingerMs: number('linger', 0, maxWaitMs) ?? patterns[pattern].lingerMs,
    topics: topics.length > 0 ? topics : [''],
    waitMs: number('wait', 0, 60_000) ?? (pattern === 'pub' ? zmqConfig.pubWaitMs : 0),
    isMandatory: (number('mandatory', 0, 1) ?? 1) === 1,
    ...(count === undefined ? {} : { count }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(identity === undefined ? {} : { identity }),
    ...(secretKey === undefined ? {} : { secretKey }),
    ...(serverKey === undefined ? {} : { serverKey }),
    ...(allowFile === undefined ? {} : { allowFile }),
  };
}

const maxInt = 2 ** 31 - 1;
/** An hour. */
const maxWaitMs = 3_600_000;

const everyPattern: readonly PatternName[] = ['push', 'pull', 'pub', 'sub', 'dealer', 'router'];
const takers: readonly PatternName[] = ['push', 'pub', 'dealer', 'router'];
const givers: readonly PatternName[] = ['pull', 'sub', 'dealer', 'router'];

/** Every option, and the patterns that have it. */
const optionPatterns = Object.freeze({
  hwm: everyPattern,
  sndhwm: takers,
  rcvhwm: givers,
  linger: takers,
  topic: ['sub'],
  wait: ['pub'],
  count: givers,
  idle: givers,
  identity: ['dealer'],
  mandatory: ['router'],
  'curve-secret-key-file': everyPattern,
  'curve-secret-key-env': everyPattern,
  'curve-server-key': everyPattern,
  'curve-server-key-file': everyPattern,
  'curve-server-key-env': everyPattern,
  'curve-allow-file': everyPattern,
} satisfies Record<string, readonly PatternName[]>);

type OptionName = keyof typeof optionPatterns;

const isOption = (name: string): name is OptionName => Object.hasOwn(optionPatterns, name);
const appliesTo = (name: OptionName, pattern: PatternName): boolean => {
  const some: readonly PatternName[] = optionPatterns[name];
  return some.includes(pattern);
};

function isIdentity(text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  // Identities that begin with 0 are those that routers make up themselves (zmq_setsockopt, ZMQ_ROUTING_ID).
  return bytes.length >= 1 && bytes.length <= 255 && bytes[0] !== 0;
}

/** Percent-decoded; `+` is a plus. */
function decoded(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new XferError('ERR_XFER_USAGE', `${name} has a % in it that is not percent-encoding (write %25)`);
  }
}

function usage(message: string, pattern: PatternName): XferError {
  const names = (Object.keys(optionPatterns) as OptionName[]).filter((name) => appliesTo(name, pattern));
  return new XferError('ERR_XFER_USAGE', message, { remedy: `zmq+${pattern} has ${names.join(', ')}` });
}
