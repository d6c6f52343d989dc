import { errorTable, type ErrorCode, type XferError } from '../errors/index.js';
import type { OpenRefused } from '../transport/contract.js';
import { openErrorCode } from '../transport/contract.js';
import { behindHop, decodeHopDetail, encodeHopDetail, type HopDetail } from './hop-detail.js';

/** A relay's own refusal. */
export const ownDetail = (code: ErrorCode): Uint8Array =>
  encodeHopDetail({ ...plain, isOwn: true, wire: errorTable[code].wire });

/** The relay does not let the peer in. */
export const entryDetail = (code: ErrorCode): Uint8Array =>
  encodeHopDetail({ ...plain, isOwn: true, isEntry: true, wire: errorTable[code].wire });

/** The relay could not reach, or has lost, the alternative that it took. */
export const reachDetail = (code: ErrorCode, alternative: number): Uint8Array =>
  encodeHopDetail({ ...plain, wire: errorTable[code].wire, taken: [alternative] });

/** What a relay passes on of a detail from behind it; undefined where there was none. */
export function passedDetail(detail: Uint8Array, alternative: number): Uint8Array | undefined {
  const decoded = decodeHopDetail(detail);
  return decoded && encodeHopDetail(behindHop(decoded, alternative));
}

/** What a relay answers with `answer` from behind it; undefined where there is nothing to say. */
export function answerDetail(
  answer: Uint8Array,
  alternative: number,
  isStoring: boolean,
): Uint8Array | undefined {
  if (!isStoring) return passedDetail(answer, alternative);
  return encodeHopDetail({ ...(decodeHopDetail(answer) ?? plain), isStored: true, isOwn: true, taken: [] });
}

/** What a relay passes on where the next hop refused a stream. */
export function refusedDetail(error: OpenRefused, alternative: number): Uint8Array {
  const code = refusals.get(error.openCode) ?? 'ERR_XFER_REFUSED';
  const own = encodeHopDetail({ ...plain, isOwn: true, wire: errorTable[code].wire, taken: [alternative] });
  return passedDetail(error.detail, alternative) ?? own;
}

/** What a relay answers where it could not get to the next hop; coarse for whom `mayKnow` is false. */
export function reachFailure(code: ErrorCode, alternative: number, mayKnow: boolean): OpenFailure {
  const isNetwork = errorTable[code].origin === 'network' && !ownErrors.has(code);
  const told = isNetwork && !mayKnow ? 'ERR_XFER_UNREACHABLE' : code;
  const detail = ownErrors.has(told) ? ownDetail(told) : reachDetail(told, alternative);
  return { code: openCodeOf({ code: told }), detail };
}

/** An OPEN_ERR. */
export interface OpenFailure {
  readonly code: number;
  readonly detail: Uint8Array;
}

/** The code of OPEN_ERR that goes with an error. */
export function openCodeOf({ code }: Pick<XferError, 'code'>): number {
  return openCodes.get(code) ?? openErrorCode.routeNotFound;
}

const plain: HopDetail = { isStored: false, isOwn: false, wire: 0, branch: 0, taken: [] };

const refusals: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [openErrorCode.refused, 'ERR_XFER_REFUSED'],
  [openErrorCode.timeout, 'ERR_XFER_TIMEOUT'],
  [openErrorCode.accessDenied, 'ERR_XFER_RELAY_REFUSED'],
  [openErrorCode.dnsFailure, 'ERR_XFER_UNKNOWN_HOST'],
  [openErrorCode.resourceLimit, 'ERR_XFER_LIMIT'],
]);

const openCodes: ReadonlyMap<ErrorCode, number> = new Map<ErrorCode, number>([
  ['ERR_XFER_UNKNOWN_HOST', openErrorCode.dnsFailure],
  ['ERR_XFER_TIMEOUT', openErrorCode.timeout],
  ['ERR_XFER_RELAY_REFUSED', openErrorCode.accessDenied],
  ['ERR_XFER_LIMIT', openErrorCode.resourceLimit],
]);

/** What a relay says of itself, not of the next hop. */
const ownErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_XFER_RELAY_REFUSED',
  'ERR_XFER_NO_ROOM',
  'ERR_XFER_LIMIT',
  'ERR_XFER_NO_TRANSPORT',
  'ERR_XFER_BAD_ADDRESS',
]);
