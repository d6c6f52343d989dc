import { XferError, type FabricPeer } from 'xfer/plugin';
import { BootstrapFields, BootstrapWriter } from './bootstrap-fields.js';
import { violation } from './message-head.js';
import type { Offer } from './provider-choice.js';

/** How two ends find each other before they meet on the fabric, see docs/rdma.md. Integers are big-endian. */
export const bootstrapVersion = 1;
const magic = Buffer.from('xfrf');
/** Before each message: magic u32 · kind u8 · 0 u8 · bytes that follow u16. */
export const bootstrapHeadBytes = 8;
/** Of a whole message; past it the connection is cut. */
export const maxBootstrapBytes = 4096;
/** Of `hostIdentity`; all zeros: the machine does not tell. */
const hostIdentityBytes = 32;
const maxOffers = 8;
const maxNameBytes = 64;
const maxWordsBytes = 512;

export const bootstrapKind = Object.freeze({ hello: 1, answer: 2, refusal: 3, ready: 4, finished: 5 });

/** Why a listener says no. */
export const refusalCode = Object.freeze({ version: 1, noProvider: 2, limit: 3, notOpened: 4 });

/** What the other side may say of its endpoint, all inclusive: numbers past these are refused before anything is made of them. */
const partyLimits = Object.freeze({
  counts: { small: [4, 4096], large: [2, 1024] },
  bytes: { small: [1024, 2 ** 20], large: [2 ** 16, 2 ** 26] },
  address: [1, 256],
} as const);
/** Tags have this many random bits. */
const tagBits = 56n;

export type BootstrapMessage =
  | {
      readonly kind: 'hello';
      readonly lowest: number;
      readonly highest: number;
      /** See `hostIdentity`. */
      readonly host: Uint8Array | undefined;
      /** The preferred first. */
      readonly offers: readonly Offer[];
    }
  | {
      readonly kind: 'answer';
      readonly version: number;
      readonly provider: string;
      readonly party: FabricPeer;
    }
  | { readonly kind: 'refusal'; readonly code: number; readonly words: string }
  | { readonly kind: 'ready'; readonly party: FabricPeer }
  /** All that we sent over the fabric has come, and all that we have to say is sent. */
  | { readonly kind: 'finished' };

export function encodeBootstrap(message: BootstrapMessage): Uint8Array {
  const body = new BootstrapWriter();
  switch (message.kind) {
    case 'hello':
      body.uint16(message.lowest).uint16(message.highest);
      body.bytes(message.host ?? new Uint8Array(hostIdentityBytes)).uint8(message.offers.length);
      for (const { provider, fabric, domain, version } of message.offers)
        for (const text of [provider, fabric, domain, version]) body.text8(text, maxNameBytes);
      break;
    case 'answer':
      body.uint16(message.version).text8(message.provider, maxNameBytes);
      writeParty(body, message.party);
      break;
    case 'refusal':
      body.uint16(message.code).text16(message.words, maxWordsBytes);
      break;
    case 'ready':
      writeParty(body, message.party);
      break;
    case 'finished':
  }
  const content = body.take();
  const head = new BootstrapWriter()
    .bytes(magic)
    .uint8(bootstrapKind[message.kind])
    .uint8(0)
    .uint16(content.length);
  return Buffer.concat([head.take(), content]);
}

/** Length of the whole message that begins so; undefined: too little is there to tell. Throws for what is none. */
export function bootstrapLength(bytes: Uint8Array): number | undefined {
  const there = Math.min(bytes.length, magic.length);
  if (magic.compare(bytes, 0, there, 0, there) !== 0) throw violation('it speaks no xfer over fabrics');
  if (bytes.length < bootstrapHeadBytes) return undefined;
  const head = new BootstrapFields(bytes.subarray(magic.length + 1, bootstrapHeadBytes));
  if (head.uint8() !== 0) throw violation('an exchange with unknown flags');
  const length = bootstrapHeadBytes + head.uint16();
  if (length > maxBootstrapBytes) throw violation('an exchange that is too long');
  return length;
}

/** One whole message. Throws for what nobody of ours says. */
export function decodeBootstrap(message: Uint8Array): BootstrapMessage {
  const kind = message[4];
  const body = new BootstrapFields(message.subarray(bootstrapHeadBytes));
  const decoded = decodeBody(kind, body);
  body.end();
  return decoded;
}

function decodeBody(kind: number | undefined, body: BootstrapFields): BootstrapMessage {
  switch (kind) {
    case bootstrapKind.hello: {
      const [lowest, highest] = [body.uint16(), body.uint16()];
      const host = body.bytes(hostIdentityBytes);
      const count = body.uint8();
      if (lowest === 0 || lowest > highest || count === 0 || count > maxOffers)
        throw violation('a hello that makes no sense');
      const name = (): string => body.text(body.uint8(), maxNameBytes);
      const offers = Array.from({ length: count }, () => ({
        ...{ provider: name(), fabric: name(), domain: name(), version: name() },
      }));
      return {
        kind: 'hello',
        lowest,
        highest,
        host: host.some((byte) => byte !== 0) ? host : undefined,
        offers,
      };
    }
    case bootstrapKind.answer: {
      const version = body.uint16();
      return {
        kind: 'answer',
        version,
        provider: body.text(body.uint8(), maxNameBytes),
        party: readParty(body),
      };
    }
    case bootstrapKind.refusal:
      return { kind: 'refusal', code: body.uint16(), words: body.text(body.uint16(), maxWordsBytes) };
    case bootstrapKind.ready:
      return { kind: 'ready', party: readParty(body) };
    case bootstrapKind.finished:
      return { kind: 'finished' };
    default:
      throw violation('an exchange of an unknown kind');
  }
}

/** tag u64 · receive buffers, small and large, u16 each · their bytes u32 each · length of the address u16 · address. */
function writeParty(body: BootstrapWriter, party: FabricPeer): void {
  body.uint64(party.tag).uint16(party.smallCount).uint16(party.largeCount);
  body.uint32(party.smallBytes).uint32(party.largeBytes).uint16(party.address.length).bytes(party.address);
}

function readParty(body: BootstrapFields): FabricPeer {
  const tag = body.uint64();
  if (tag === 0n || tag >> tagBits !== 0n) throw violation('an endpoint with an impossible tag');
  const { counts, bytes, address } = partyLimits;
  return {
    tag,
    smallCount: within(body.uint16(), counts.small),
    largeCount: within(body.uint16(), counts.large),
    smallBytes: within(body.uint32(), bytes.small),
    largeBytes: within(body.uint32(), bytes.large),
    address: body.bytes(within(body.uint16(), address)),
  };
}

function within(value: number, [least, most]: readonly [number, number]): number {
  if (value >= least && value <= most) return value;
  throw violation('an endpoint with impossible numbers');
}

/** What a dialer makes of a refusal; `name` is the listener. */
export function refusalError(code: number, words: string, name: string): XferError {
  const said = `${name}: ${words}`;
  if (code === refusalCode.version) return new XferError('ERR_XFER_VERSION', said);
  if (code === refusalCode.limit) return new XferError('ERR_XFER_LIMIT', said);
  if (code === refusalCode.noProvider)
    return new XferError('ERR_XFER_NO_TRANSPORT', said, {
      remedy: 'use a provider that both ends have, or another transport',
    });
  return new XferError('ERR_XFER_UNREACHABLE', said, {
    remedy: 'see its output; xfer doctor there says more',
  });
}
