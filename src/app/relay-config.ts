import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { parseDuration, parseRate, parseSize } from '../config/quantity.js';
import { asXferError, XferError } from '../errors/index.js';
import { parseDialRules } from '../relay/dial-policy.js';
import { parsePublicKey } from '../session/identity.js';
import { checkPeerName } from '../session/peer-name.js';
import { parseUrl } from '../transport/address.js';
import { parseMetricsAddress } from './metrics-address.js';

/** The file of `xfer relay --config`, read: every field is documented in docs/relays.md. */
export type RelayConfig = v.InferOutput<typeof relayConfigSchema>;
export type ConfiguredPeer = NonNullable<RelayConfig['peers']>[number];
export type ConfiguredToken = NonNullable<RelayConfig['tokens']>[number];
export type ConfiguredLimits = NonNullable<RelayConfig['limits']>;

/** Largest file, and most peers or tokens in it. */
export const maxConfigBytes = 8 * 2 ** 20;
const maxEntries = 10_000;
const maxWeight = 1000;
const leastTokenCharacters = 16;
const maxTokenCharacters = 256;

/** Throws ERR_XFER_USAGE that names the field, and never quotes a token. Paths in it are taken from where the file is. */
export function parseRelayConfig(text: string, path: string): RelayConfig {
  const result = v.safeParse(relayConfigSchema, parseJson(text, path));
  if (!result.success) throw wrong(path, ...faultOf(result.issues[0]));
  const { tls, ...config } = result.output;
  checkNames(config, path);
  if (!tls) return config;
  const at = (file: string) => resolve(dirname(path), file);
  return { ...config, tls: { certificate: at(tls.certificate), key: at(tls.key) } };
}

/** A field's text, read by `parse`: what that throws is what is wrong with the field. */
function textAs<Value>(parse: (text: string) => Value, what: string) {
  return v.pipe(
    v.string(`must be ${what}`),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        const { message, remedy } = asXferError(error);
        addIssue({ message: `${message} (${remedy})` });
        return NEVER;
      }
    }),
  );
}

function wholeNumber(lowest: number, highest = 2 ** 31 - 1) {
  const message = `must be a whole number from ${lowest} to ${highest}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(lowest, message),
    v.maxValue(highest, message),
  );
}

function list<Item extends v.GenericSchema>(item: Item) {
  return v.pipe(v.array(item, 'must be a list'), v.maxLength(maxEntries, `must have ${maxEntries} at most`));
}

const positive =
  (parse: (text: string) => number) =>
  (text: string): number => {
    const value = parse(text);
    if (value > 0) return value;
    throw new XferError('ERR_XFER_USAGE', 'must be more than 0', { remedy: 'leave the field out' });
  };

const rate = textAs(positive(parseRate), 'a rate such as "80mbit"');
const size = textAs(positive(parseSize), 'a size such as "64MiB"');
const duration = textAs(positive(parseDuration), 'a duration such as "30s"');
const weight = wholeNumber(1, maxWeight);
const name = textAs(checkPeerName, 'a name');
const filePath = v.pipe(v.string('must be a path'), v.minLength(1, 'must be a path'));

const tokenMessage = `must have ${leastTokenCharacters} to ${maxTokenCharacters} printable ASCII characters without spaces`;
const token = v.pipe(
  v.string(tokenMessage),
  v.regex(/^[!-~]+$/, tokenMessage),
  v.minLength(leastTokenCharacters, tokenMessage),
  v.maxLength(maxTokenCharacters, tokenMessage),
);

const limitsSchema = v.strictObject({
  maxConnections: v.optional(wholeNumber(1)),
  connectionsPerAddress: v.optional(wholeNumber(1)),
  newConnectionsPerMinute: v.optional(wholeNumber(1)),
  maxStreams: v.optional(wholeNumber(1)),
  streamsPerPeer: v.optional(wholeNumber(1)),
  streamsPerSecond: v.optional(wholeNumber(1)),
  streamsPerSecondPerPeer: v.optional(wholeNumber(1)),
  maxRooms: v.optional(wholeNumber(1)),
  roomsPerPeer: v.optional(wholeNumber(1)),
  bytesPerSecondPerPeer: v.optional(rate),
  handshakeTimeout: v.optional(duration),
  idleTimeout: v.optional(duration),
  inactivity: v.optional(duration),
  orphan: v.optional(duration),
  storeLimit: v.optional(size),
});

export const relayConfigSchema = v.strictObject({
  listen: v.optional(list(textAs(checkUrl, 'a URL such as "tcp://[::]:4840"'))),
  metrics: v.optional(textAs(checkMetrics, '"HOST:PORT"')),
  dial: v.optional(list(textAs(checkDialRule, 'public, private, loopback, any or a network'))),
  allow: v.optional(list(v.string('must be the name of one of the peers'))),
  peers: v.optional(
    list(
      v.strictObject({
        name,
        key: textAs(parseKey, 'a key'),
        weight: v.optional(weight),
        maxStreams: v.optional(wholeNumber(1)),
        rate: v.optional(rate),
      }),
    ),
  ),
  tokens: v.optional(list(v.strictObject({ name, token, weight: v.optional(weight) }))),
  unknownWeight: v.optional(weight),
  rate: v.optional(rate),
  limits: v.optional(limitsSchema),
  rollout: v.optional(v.picklist(['off', 'shadow', 'on'], 'must be "off", "shadow" or "on"')),
  tls: v.optional(v.strictObject({ certificate: filePath, key: filePath })),
});

function checkUrl(text: string): string {
  parseUrl(text);
  return text;
}

function checkMetrics(text: string): string {
  parseMetricsAddress(text);
  return text;
}

function checkDialRule(text: string): string {
  parseDialRules([text]);
  return text;
}

/** A fingerprint is a part of a digest: not enough. */
function parseKey(text: string): Uint8Array {
  const key = parsePublicKey(text);
  if (key) return key;
  const isFingerprint = /^([a-z2-7]{4}-){4}[a-z2-7]{4}$/.test(text);
  throw new XferError('ERR_XFER_USAGE', isFingerprint ? 'a fingerprint is not the key' : 'not a key', {
    remedy: 'take what stands behind "key" in the output of xfer peers there, or 64 hexadecimal digits',
  });
}

function parseJson(text: string, path: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? undefined : value;
  } catch (error) {
    // The message itself may quote a token.
    const [, position] = /at position (\d+)/.exec(asXferError(error).message) ?? [];
    const line = position === undefined ? '' : `, line ${text.slice(0, Number(position)).split('\n').length}`;
    throw new XferError('ERR_XFER_USAGE', `${path}${line}: not JSON`, { remedy: 'see docs/relays.md' });
  }
}

function faultOf(issue: v.BaseIssue<unknown>): [string, string] {
  const field = v.getDotPath(issue) ?? 'the file';
  if (issue.type === 'strict_object' && issue.expected === 'never') return [field, 'there is no such field'];
  const isField = (issue.path ?? []).length > 0;
  if (issue.type === 'strict_object' && isField && issue.received === 'undefined')
    return [field, 'is missing'];
  return [field, issue.type === 'strict_object' ? 'must be an object' : issue.message];
}

function checkNames({ peers = [], tokens = [], allow = [] }: RelayConfig, path: string): void {
  const repeated = (values: readonly string[]) =>
    values.findIndex((value, at) => values.indexOf(value) !== at);
  const names = [...peers, ...tokens].map((entry) => entry.name);
  const fieldOf = (at: number) => (at < peers.length ? `peers.${at}` : `tokens.${at - peers.length}`);
  const sameName = repeated(names);
  if (sameName >= 0) throw wrong(path, `${fieldOf(sameName)}.name`, 'this name is there already');
  const sameKey = repeated(peers.map(({ key }) => Buffer.from(key).toString('hex')));
  if (sameKey >= 0) throw wrong(path, `peers.${sameKey}.key`, 'this key is there already');
  const sameToken = repeated(tokens.map((entry) => entry.token));
  if (sameToken >= 0) throw wrong(path, `tokens.${sameToken}.token`, 'this token is there already');
  const stranger = allow.findIndex((one) => !peers.some((peer) => peer.name === one));
  if (stranger >= 0) throw wrong(path, `allow.${stranger}`, 'none of the peers has this name');
}

function wrong(path: string, field: string, what: string): XferError {
  return new XferError('ERR_XFER_USAGE', `${path}: ${field}: ${what}`, {
    remedy: 'correct the file; docs/relays.md has every field',
  });
}
