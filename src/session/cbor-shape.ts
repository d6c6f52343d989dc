import { isUtf8 } from 'node:buffer';
import { XferError } from '../errors/index.js';

/**
 * Walks over one CBOR item (RFC 8949) without making anything of it and checks that every length it claims lies
 * within the bytes that are there. Tags, indefinite lengths and reserved encodings are refused, and so are texts
 * that a decoder would alter, and arrays and maps more than `maxDepth` inside each other. Gives where the item ends; throws
 * ERR_XFER_PROTOCOL.
 */
export function shapeEnd(bytes: Uint8Array, maxDepth: number): number {
  /** Items still to come at each level that is open. */
  const open: number[] = [1];
  let at = 0;
  while (open.length > 0) {
    const left = open.at(-1) ?? 0;
    if (left === 0) {
      open.pop();
      continue;
    }
    open[open.length - 1] = left - 1;
    const head = headAt(bytes, at);
    at = head.end;
    const room = bytes.length - at;
    if (head.major === majorType.bytes || head.major === majorType.text) {
      if (head.value > room) throw refused('claims more bytes than it has');
      if (head.major === majorType.text) checkText(bytes.subarray(at, at + head.value));
      at += head.value;
    } else if (head.major === majorType.array || head.major === majorType.map) {
      const children = head.major === majorType.map ? head.value * 2 : head.value;
      if (children > room) throw refused('claims more items than it has bytes');
      if (open.length > maxDepth) throw refused('is nested too deep');
      open.push(children);
    } else if (head.major === majorType.tag) throw refused('has a tag');
  }
  return at;
}

/** The decoder behind this drops a byte order mark and mends what is no UTF-8, both in silence: another text than what was said. */
function checkText(text: Uint8Array): void {
  if (!isUtf8(text)) throw refused('has text that is no UTF-8');
  if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf)
    throw refused('has text that begins with a byte order mark');
}

const majorType = { bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

interface Head {
  readonly major: number;
  /** Length or count; past 2^53 inexact, which is too large either way. */
  readonly value: number;
  readonly end: number;
}

function headAt(bytes: Uint8Array, at: number): Head {
  const first = bytes[at];
  if (first === undefined) throw refused('ends too early');
  const major = first >> 5;
  const minor = first & 31;
  if (minor < 24) return { major, value: minor, end: at + 1 };
  if (minor > 27) throw refused('has an indefinite or reserved length');
  const extra = 1 << (minor - 24);
  const end = at + 1 + extra;
  if (end > bytes.length) throw refused('ends too early');
  let value = 0;
  for (const byte of bytes.subarray(at + 1, end)) value = value * 256 + byte;
  return { major, value, end };
}

function refused(why: string): XferError {
  return new XferError('ERR_XFER_PROTOCOL', `a control message ${why}`);
}
