import { XferError, type ErrorCode } from '../errors/index.js';
import type { Address } from '../transport/address.js';

/** Why one way did not lead there. */
export interface FailedWay {
  readonly address: Address;
  readonly error: XferError;
}

/**
 * One error for ways that all failed: it names each and why, and has the code that tells most, which decides what is
 * advised.
 */
export function failureOf(host: string, failed: readonly FailedWay[]): XferError {
  const [first] = failed;
  if (!first) return new XferError('ERR_XFER_NO_TRANSPORT', `${host}: there is no transport to try`);
  const telling = failed.reduce(moreTelling);
  if (failed.length === 1 || failed.every(({ error }) => error.code === 'ERR_XFER_UNKNOWN_HOST'))
    return telling.error;
  const reasons = failed.map(({ address, error }) => `${shownWay(address)} ${reasonOf(error)}`);
  const { code, remedy } = telling.error;
  return new XferError(code, `${host}: ${reasons.join(', ')}`, { cause: telling.error, remedy });
}

/** `tcp 4840`: the host is the same for all. */
const shownWay = ({ scheme, port }: Address): string => `${scheme} ${port}`;

function reasonOf({ code, message }: XferError): string {
  return words[code] ?? `failed (${message})`;
}

const words: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_XFER_CONNECTION_REFUSED: 'refused',
  ERR_XFER_UNREACHABLE: 'unreachable',
  ERR_XFER_TIMEOUT: 'silent',
  ERR_XFER_UNKNOWN_HOST: 'unknown host',
  ERR_XFER_CONNECTION_LOST: 'cut off',
  ERR_XFER_PROTOCOL: 'no xfer there',
};

/** An xfer that says no comes first, silence last; of 443 alone, which much else listens on, nothing is concluded. */
const tellingFirst: readonly ErrorCode[] = [
  'ERR_XFER_VERSION',
  'ERR_XFER_LIMIT',
  'ERR_XFER_CONNECTION_REFUSED',
  'ERR_XFER_UNREACHABLE',
  'ERR_XFER_CONNECTION_LOST',
  'ERR_XFER_TIMEOUT',
  'ERR_XFER_PROTOCOL',
];

function moreTelling(one: FailedWay, other: FailedWay): FailedWay {
  return rankOf(other) < rankOf(one) ? other : one;
}

function rankOf({ error }: FailedWay): number {
  const rank = tellingFirst.indexOf(error.code);
  return rank === -1 ? tellingFirst.length : rank;
}
