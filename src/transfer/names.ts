import { transferDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { printable } from './printable.js';

/** Files that xfer itself makes in a received directory begin with this; no sender may name one. */
export const ownNamePrefix = '.xfer-';

/** Behind the names of journals. */
export const journalSuffix = '.journal';
/** Behind the names of files that are not whole yet. */
export const partSuffix = '.part';

/** A path as the receiver writes it: the same name in two Unicode spellings is one name (UAX #15, NFC). */
export function normalPath(path: string): string {
  return path.normalize('NFC');
}

/**
 * The receiver's policy on names. `path` is relative, joined by `/`, and in normal form already (`normalPath`).
 * Undefined for a path that may be written; else ERR_XFER_HOSTILE_NAME that says why not. What one platform
 * would read as something else is refused on all of them: a tree that was received can go on to any other.
 */
export function checkPath(path: string): XferError | undefined {
  const reason = reasonAgainst(path);
  return reason === undefined ? undefined : hostile(path, reason);
}

/**
 * The receiver's policy on where a symbolic link at `path` may point: only to somewhere inside the received
 * directory, told from the text alone. `..` may stand only in front: behind a name it would be taken from
 * wherever that name leads, and two links that look harmless could lead out together.
 */
export function checkLinkTarget(path: string, target: string): XferError | undefined {
  const reason = reasonAgainstTarget(path, target);
  return reason === undefined ? undefined : hostile(path, reason);
}

const unprintable = /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Noncharacter_Code_Point}\u115f\u1160\u3164\uffa0]/u;
const control = /\p{Cc}/u;
const loneSurrogate = /\p{Cs}/u;

/** Reserved by Windows with any extension, superscript digits included (Microsoft, "Naming Files, Paths, and Namespaces"). */
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\.|$)/i;

function reasonAgainst(path: string): string | undefined {
  if (path === '') return 'it is empty';
  const text = reasonAgainstText(path);
  if (text !== undefined) return text;
  if (path.startsWith('/')) return 'it is absolute';
  if (path.normalize('NFC') !== path) return 'it is not in Unicode normal form C';
  const names = path.split('/');
  if (names.length > transferDefaults.maxPathDepth)
    return `it is deeper than ${transferDefaults.maxPathDepth}`;
  for (const name of names) {
    const reason = reasonAgainstName(name);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** What no path and no target may hold. */
function reasonAgainstText(text: string): string | undefined {
  if (Buffer.byteLength(text) > transferDefaults.maxPathBytes)
    return `it is longer than ${transferDefaults.maxPathBytes} bytes`;
  if (loneSurrogate.test(text)) return 'it is no valid Unicode text';
  if (control.test(text)) return 'it holds a control character';
  if (unprintable.test(text)) return 'it holds a character that does not print';
  if (text.includes('\\')) return 'it holds a backslash';
  return undefined;
}

function reasonAgainstName(name: string): string | undefined {
  if (name === '') return 'a part of it is empty';
  if (name === '.' || name === '..') return `a part of it is ${name}`;
  if (name.length > transferDefaults.maxNameBytes || Buffer.byteLength(name) > transferDefaults.maxNameBytes)
    return `a part of it is longer than ${transferDefaults.maxNameBytes} bytes`;
  if (name.includes(':')) return 'it holds a colon';
  if (name.endsWith('.') || name.endsWith(' ')) return 'a part of it ends in a dot or a space';
  if (device.test(name)) return 'a part of it is the name of a device';
  if (name.toLowerCase().startsWith(ownNamePrefix)) return `a part of it begins with ${ownNamePrefix}`;
  return undefined;
}

function reasonAgainstTarget(path: string, target: string): string | undefined {
  if (target === '') return 'it is a link to nothing';
  const text = reasonAgainstText(target);
  if (text !== undefined) return `it is a link whose target is refused: ${text}`;
  if (target.startsWith('/')) return 'it is a link with an absolute target';
  if (/^[a-z]:/i.test(target)) return 'it is a link to a drive';
  let above = path.split('/').length - 1;
  let named = false;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') named = true;
    else if (named) return 'it is a link whose target climbs up behind a name';
    else if (--above < 0) return 'it is a link out of the received directory';
  }
  return undefined;
}

/** At most this much of a name is shown. */
const shownCharacters = 200;

function hostile(path: string, reason: string): XferError {
  const shown = path.length > shownCharacters ? `${path.slice(0, shownCharacters)}…` : path;
  return new XferError('ERR_XFER_HOSTILE_NAME', `refused the name "${printable(shown)}": ${reason}`);
}
