import { XferError } from '../errors/index.js';

/** Longest name of a peer, in characters. */
const maxCharacters = 64;

/** The name as it is kept (NFC). Throws ERR_XFER_USAGE for one that could be taken for something else. */
export function checkPeerName(text: string): string {
  const name = text.normalize('NFC');
  const why = faultOf(name);
  if (why) throw new XferError('ERR_XFER_USAGE', `this cannot be the name of a peer: ${why}`);
  return name;
}

/** A name that a peer gave itself, made into one that can be kept and shown; `fallback` where nothing is left. */
export function sanitisePeerName(text: string, fallback: string): string {
  const printable = text
    .slice(0, 1024)
    .normalize('NFC')
    .replace(unprintable, '')
    .replace(/[/\\:@]/g, '-');
  const name = [...printable.trim().replace(/^[.\-\s]+/, '')].slice(0, maxCharacters).join('').trim();
  return faultOf(name) === undefined ? name : fallback;
}

/** Controls, formats (bidirectional overrides among them), surrogates, unassigned, line and paragraph separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

function faultOf(name: string): string | undefined {
  if (name.trim() === '') return 'it is empty';
  if ([...name].length > maxCharacters) return `it has more than ${maxCharacters} characters`;
  if (name.search(unprintable) >= 0) return 'it has characters that cannot be printed';
  if (name !== name.trim()) return 'it begins or ends with a space';
  if (/[/\\:@]/.test(name)) return 'it has one of / \\ : @, as paths and targets do';
  if (/^[.-]/.test(name)) return 'it begins with . or -';
  return undefined;
}
