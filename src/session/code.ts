import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { codeWords } from './words.js';

export interface ParsedCode {
  /** Four digits, public: good for meeting at a relay and for nothing else. Codes of the user's own have none. */
  readonly room?: string;
  /** What goes into CPace. */
  readonly secret: string;
}

/**
 * A code `ROOM-word-word-word-word`: a room of four digits and 40 bits of secret. `random` gives that many random
 * bytes; room and secret come from different ones. `room`: one that is there already.
 */
export function makeCode(random: (bytes: number) => Uint8Array, room = makeRoom(random)): string {
  const words = Array.from({ length: wordsOfCode }, () => codeWords[below(codeWords.length, random)] ?? '');
  return [room, ...words].join('-');
}

/** A room to meet in, without any secret: four digits. */
export function makeRoom(random: (bytes: number) => Uint8Array): string {
  return String(below(10_000, random)).padStart(4, '0');
}

/**
 * Reads a code as it was typed. The room is taken off only where the text is exactly what `makeCode` makes (in
 * letters of any case), since in a code of the user's own the digits belong to the secret.
 * Throws ERR_XFER_WEAK_CODE for a code of the user's own that is too short, ERR_XFER_USAGE for one without end.
 */
export function parseCode(text: string): ParsedCode {
  if (text.length > maxCodeCharacters)
    throw new XferError('ERR_XFER_USAGE', `a code has at most ${maxCodeCharacters} characters`);
  const secret = text.normalize('NFC').trim();
  const [room = '', ...words] = secret.toLowerCase().split('-');
  if (/^\d{4}$/.test(room) && words.length === wordsOfCode && words.every((word) => known.has(word)))
    return { room, secret: words.join('-') };
  const least = sessionDefaults.minCodeCharacters;
  if ([...secret].length < least)
    throw new XferError('ERR_XFER_WEAK_CODE', `a code has at least ${least} characters`);
  return { secret };
}

const wordsOfCode = 4;
const maxCodeCharacters = 1024;
const known: ReadonlySet<string> = new Set(codeWords);

/** Without the bias of a remainder: draws that would favour the low numbers are thrown away. */
function below(limit: number, random: (bytes: number) => Uint8Array): number {
  const fair = 65_536 - (65_536 % limit);
  for (let draws = 0; draws < 256; draws++) {
    const [high = 0, low = 0] = random(2);
    const drawn = high * 256 + low;
    if (drawn < fair) return drawn % limit;
  }
  throw new XferError('ERR_XFER_INTERNAL', 'the randomness for a code is not random');
}
