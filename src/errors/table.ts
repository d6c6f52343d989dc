/** Process exit statuses, the same for every command (DESIGN §9). */
export const exitStatus = {
  done: 0,
  internal: 1,
  usage: 2,
  network: 3,
  refused: 4,
  integrity: 5,
  localIo: 6,
  noTransport: 7,
  interrupted: 130,
  /** As a program that SIGPIPE ends. */
  brokenPipe: 141,
} as const;

export type Origin = 'user' | 'local' | 'network' | 'remote';

export interface ErrorRow {
  readonly origin: Origin;
  /** Whether the same command may succeed later without being changed. */
  readonly retryable: boolean;
  readonly exit: number;
  /** Number that stands for this error between peers; stable once released, 0 is never used. */
  readonly wire: number;
  /** What to do next, for the person who reads the message. */
  readonly remedy: string;
}

const row = (origin: Origin, exit: number, wire: number, remedy: string, retryable = false): ErrorRow =>
  Object.freeze({ origin, retryable, exit, wire, remedy });

const { internal, usage, network, refused, integrity, localIo, noTransport, interrupted, brokenPipe } =
  exitStatus;

/** Every error code of xfer. `docs/errors.md` lists the same rows; a test holds the two together. */
export const errorTable = Object.freeze({
  ERR_XFER_INTERNAL: row(
    'local',
    internal,
    1,
    'this is a defect of xfer: report it with the command you ran',
  ),
  ERR_XFER_USAGE: row('user', usage, 2, 'see xfer --help'),
  ERR_XFER_BAD_ADDRESS: row('user', usage, 3, 'write an address as [scheme://]host[:port]'),
  ERR_XFER_INTERRUPTED: row('user', interrupted, 4, 'run the command again'),

  ERR_XFER_UNKNOWN_HOST: row('network', network, 10, 'check the spelling of the host and your DNS', true),
  ERR_XFER_CONNECTION_REFUSED: row(
    'network',
    network,
    11,
    'check that it is started there (xfer recv, xfer pipe --listen) and listens on this port',
    true,
  ),
  ERR_XFER_UNREACHABLE: row(
    'network',
    network,
    12,
    'check the network, the address and firewalls on the way',
    true,
  ),
  ERR_XFER_TIMEOUT: row(
    'network',
    network,
    13,
    'the other side did not answer in time: check that it is an xfer and try again',
    true,
  ),
  ERR_XFER_CONNECTION_LOST: row('network', network, 14, 'run the same command again', true),
  ERR_XFER_PROTOCOL: row(
    'remote',
    network,
    15,
    'check that the other side is an xfer of a version that fits',
  ),
  ERR_XFER_VERSION: row('remote', network, 16, 'update xfer on the older side'),
  ERR_XFER_LIMIT: row('remote', network, 17, 'the other side is at a limit: try again later', true),
  ERR_XFER_ADDRESS_IN_USE: row('local', network, 18, 'choose another port, or 0 for any free one'),

  ERR_XFER_PEER_INTERRUPTED: row(
    'remote',
    network,
    19,
    'somebody stopped the other side: start it again and run the same command',
    true,
  ),
  ERR_XFER_PROXY: row(
    'network',
    network,
    20,
    'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and what the proxy lets through',
  ),

  ERR_XFER_NO_CODE: row(
    'user',
    refused,
    30,
    'give the code of the receiver by XFER_CODE, --code or the prompt, or pair once with --remember',
  ),
  ERR_XFER_WRONG_CODE: row('remote', refused, 31, 'the code is spent: ask the receiver for a new one'),
  ERR_XFER_CODE_SPENT: row('remote', refused, 32, 'start the receiver again for a new code'),
  ERR_XFER_WEAK_CODE: row('user', refused, 33, 'choose a code of at least 12 characters'),
  ERR_XFER_UNKNOWN_PEER: row('remote', refused, 34, 'pair once with a code and --remember on both sides'),
  ERR_XFER_KEY_CHANGED: row(
    'remote',
    refused,
    35,
    'somebody may be in the middle; if the key did change, remove the peer with xfer peers remove and pair again',
  ),
  ERR_XFER_REFUSED: row('remote', refused, 36, 'the other side refused: see its output'),
  ERR_XFER_BAD_IDENTITY: row('local', refused, 37, 'restore or remove the identity file and pair again'),
  ERR_XFER_HANDSHAKE: row(
    'remote',
    refused,
    38,
    'somebody may be in the middle, or the other side is damaged: try over another network',
  ),
  ERR_XFER_CERTIFICATE: row(
    'remote',
    refused,
    39,
    'check the host name and the date; where its authority is your own, set NODE_EXTRA_CA_CERTS to the file of its certificate',
  ),
  ERR_XFER_NO_STREAMING: row(
    'remote',
    refused,
    48,
    'the receiver takes small files only: start xfer recv there without --rollout off, or with a larger --streaming-threshold',
  ),

  ERR_XFER_RELAY_REFUSED: row(
    'remote',
    refused,
    40,
    'ask who runs the relay to let you (--dial, --allow or a token), or meet the receiver in a room there',
  ),
  ERR_XFER_NO_ROOM: row(
    'remote',
    network,
    41,
    'check the room, and that xfer recv --via waits at this relay',
    true,
  ),
  ERR_XFER_ROOM_TAKEN: row(
    'remote',
    refused,
    42,
    'choose another room, or wait until this one is free',
    true,
  ),
  ERR_XFER_LOOP: row('user', usage, 43, 'name each relay once, and at most 16'),
  ERR_XFER_STORE_LIMIT: row(
    'remote',
    refused,
    49,
    'the relay stores too little for records of this size: ask for a larger --store-limit there, or go over another one',
  ),

  ERR_XFER_TAMPERED: row(
    'remote',
    integrity,
    50,
    'what arrived was altered on the way: try over another network',
  ),
  ERR_XFER_TRUNCATED: row(
    'remote',
    integrity,
    51,
    'the transfer ended before all had arrived: run the same command again',
    true,
  ),
  ERR_XFER_FILE_CHANGED: row(
    'local',
    integrity,
    52,
    'the file changed while it was sent: run the same command again',
    true,
  ),
  ERR_XFER_HOSTILE_NAME: row(
    'remote',
    refused,
    53,
    'the sender offered a name that cannot be written safely; nothing of it was written',
  ),
  ERR_XFER_LINK_REFUSED: row(
    'remote',
    refused,
    54,
    'a link that points out of the received directory is never made; everything else is committed',
  ),

  ERR_XFER_NOT_FOUND: row('local', localIo, 60, 'check the path'),
  ERR_XFER_PERMISSION: row('local', localIo, 61, 'check the permissions of the path and who you are'),
  ERR_XFER_NO_SPACE: row(
    'local',
    localIo,
    62,
    'free space where the receiver writes, then run the same command again',
    true,
  ),
  ERR_XFER_IS_DIRECTORY: row(
    'local',
    localIo,
    63,
    'a directory stands where a file should go: move it or choose another name',
  ),
  ERR_XFER_NOT_DIRECTORY: row(
    'local',
    localIo,
    64,
    'a file stands where a directory should be: move it or choose another name',
  ),
  ERR_XFER_EXISTS: row(
    'local',
    localIo,
    65,
    'something stands there already: move it or choose another name',
  ),
  ERR_XFER_LOCAL_IO: row('local', localIo, 66, 'check the disk and try again', true),
  ERR_XFER_UNSUPPORTED_FILE: row(
    'local',
    localIo,
    67,
    'only files, directories and symbolic links are sent: leave this path out',
  ),
  ERR_XFER_TOO_MANY_OPEN: row('local', localIo, 68, 'raise the limit of open files (ulimit -n)', true),

  ERR_XFER_NO_TRANSPORT: row(
    'local',
    noTransport,
    80,
    'use one of the schemes that are there, or install the plugin',
  ),
  ERR_XFER_NO_LINK: row('local', noTransport, 86, 'see xfer doctor, or leave out --link'),
  ERR_XFER_NO_SAFE_WRITE: row(
    'local',
    noTransport,
    81,
    'this system offers no safe way to write below a directory: build the addon (xfer doctor says how) or use Linux with /proc',
  ),
  ERR_XFER_PLUGIN_THREW: row(
    'local',
    noTransport,
    82,
    'the plugin failed while loading: update or remove it',
  ),
  ERR_XFER_PLUGIN_EXPORT: row(
    'local',
    noTransport,
    83,
    'the plugin does not give a transport descriptor: update or remove it',
  ),
  ERR_XFER_PLUGIN_VERSION: row(
    'local',
    noTransport,
    84,
    'the plugin is for another version of xfer: update it',
  ),
  ERR_XFER_PLUGIN_METHOD: row(
    'local',
    noTransport,
    85,
    'the plugin lacks a method of the transport contract: update or remove it',
  ),

  ERR_XFER_BROKEN_PIPE: row(
    'remote',
    brokenPipe,
    90,
    'the reader at the end of the pipe has gone: nothing is wrong if it had enough',
  ),
  ERR_XFER_TOO_SLOW: row(
    'remote',
    network,
    91,
    'it took less than the others send: give it less, or let all wait for it with --slow wait',
  ),
  ERR_XFER_FRAMING: row(
    'local',
    integrity,
    92,
    'what came is not cut as was said: check --frame on both sides; a message has at most 100 MiB',
  ),
  ERR_XFER_COMMAND_FAILED: row('local', localIo, 93, 'see what the command said, and run it by itself'),
  ERR_XFER_NO_ENDPOINT: row(
    'local',
    noTransport,
    94,
    'use one of the endpoints that are there, or install the plugin (xfer pipe --help)',
  ),
  ERR_XFER_REGRESSION: row(
    'local',
    integrity,
    95,
    'find what made it slower; or run again with more --repeat, or with a wider --tolerance',
  ),
} satisfies Record<string, ErrorRow>);

export type ErrorCode = keyof typeof errorTable;

const byWire = new Map<number, ErrorCode>(
  (Object.keys(errorTable) as ErrorCode[]).map((code) => [errorTable[code].wire, code]),
);

/** The code that a peer's wire number stands for; an unknown number reads as `fallback`. */
export function codeFromWire(wire: number, fallback: ErrorCode = 'ERR_XFER_REFUSED'): ErrorCode {
  return byWire.get(wire) ?? fallback;
}
