import * as v from 'valibot';
import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { decodeMessage, encodeMessage, exactBytes } from './schema.js';

/** Version of everything that is said inside a session. */
export const sessionVersion = 2;

/** What every xfer of this version can do; a peer that lacks one gets the older way, unknown ones are ignored. */
export const ownCapabilities: readonly string[] = Object.freeze([
  'streaming',
  'lanes',
  'resume',
  'pack',
  'fanout',
]);

/** Told by a sender that may begin another transfer behind one that has ended, and by a receiver that takes it. */
export const anotherCapability = 'another';

/** Told by a receiver that has `another` and takes small files as parcels between two transfers. */
export const parcelCapability = 'parcel';

/** Told by a side that takes part in pipes: its session has channels, and no transfer. */
export const pipeCapability = 'pipe';

/**
 * Told by a receiver that writes one file to its standard output, and takes that by a channel; and by a sender that sends it
 * so. It is no `pipe`: to whoever takes files a sender sends as ever.
 */
export const stdoutCapability = 'stdout';

export type Role = 'send' | 'recv';

/** The session's HELLO: the first control message of each side, inside the encryption. */
export interface Hello {
  readonly lowestVersion: number;
  readonly highestVersion: number;
  readonly capabilities: readonly string[];
  readonly streamingThresholdBytes: number;
  /** What else this peer listens on: URLs, 16 at most. */
  readonly listens: readonly string[];
  readonly role: Role;
  /** How the peer calls itself. Never proof of anything: sanitise before showing. */
  readonly name: string;
  /** It pins our key under a name. */
  readonly remember: boolean;
  /** Its user trusts fabrics, and no relay is on the way that this goes: on lanes straight over one content need not be sealed. Default: false. */
  readonly trustFabric?: boolean;
  /** It was started by a bench that measures what sealing costs (BenchTrust). */
  readonly benchProof?: Uint8Array;
}

const short = v.pipe(v.string(), v.maxLength(64));
const version = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff));

/** Read by itself first: another version may have changed all the rest. */
const versionsSchema = v.object({ v: v.tuple([version, version]) });

const helloSchema = v.object({
  caps: v.pipe(v.array(short), v.maxLength(64)),
  threshold: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 40)),
  listens: v.pipe(v.array(v.pipe(v.string(), v.maxLength(256))), v.maxLength(16)),
  role: v.picklist(['send', 'recv']),
  name: v.pipe(v.string(), v.maxLength(128)),
  remember: v.boolean(),
  trustFabric: v.optional(v.boolean()),
  benchProof: v.optional(exactBytes(32)),
});

/** A HELLO is small: whoever sends more is not an xfer. */
const maxHelloBytes = 16 * 1024;

export function ownHello(
  role: Role,
  name: string,
  remember: boolean,
  listens: readonly string[] = [],
  capabilities: readonly string[] = ownCapabilities,
  streamingThresholdBytes: number = sessionDefaults.streamingThresholdBytes,
): Hello {
  return {
    lowestVersion: sessionVersion,
    highestVersion: sessionVersion,
    capabilities,
    streamingThresholdBytes,
    listens: listens.slice(0, 16),
    role,
    name: name.slice(0, 128),
    remember,
  };
}

export function encodeHello(hello: Hello): Uint8Array {
  return encodeMessage({
    v: [hello.lowestVersion, hello.highestVersion],
    caps: hello.capabilities,
    threshold: hello.streamingThresholdBytes,
    listens: hello.listens,
    role: hello.role,
    name: hello.name,
    remember: hello.remember,
    // Where it is not so nothing is said: a peer that does not know of it says the same.
    ...(hello.trustFabric ? { trustFabric: true } : {}),
    ...(hello.benchProof ? { benchProof: hello.benchProof } : {}),
  });
}

/**
 * Throws ERR_XFER_PROTOCOL for what is no HELLO, ERR_XFER_VERSION where no version fits both,
 * ERR_XFER_USAGE where both sides want the same role.
 */
export function readHello(bytes: Uint8Array, ownRole: Role): Hello {
  const [lowest, highest] = decodeMessage(versionsSchema, bytes, maxHelloBytes).v;
  if (lowest > sessionVersion || highest < sessionVersion)
    throw new XferError(
      'ERR_XFER_VERSION',
      `the other side speaks versions ${lowest} to ${highest}, this xfer ${sessionVersion}`,
    );
  const message = decodeMessage(helloSchema, bytes, maxHelloBytes);
  if (message.role === ownRole)
    throw new XferError(
      'ERR_XFER_USAGE',
      `both sides want to ${ownRole}: one has to send and one to receive`,
    );
  return {
    lowestVersion: lowest,
    highestVersion: highest,
    capabilities: message.caps,
    streamingThresholdBytes: message.threshold,
    listens: message.listens,
    role: message.role,
    name: message.name,
    remember: message.remember,
    ...(message.trustFabric ? { trustFabric: true } : {}),
    ...(message.benchProof ? { benchProof: message.benchProof } : {}),
  };
}
