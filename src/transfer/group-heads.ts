import { OutgoingFile } from './outgoing-file.js';
import type { OutgoingPack } from './outgoing-pack.js';
import type { SourceEntry } from './source-entry.js';

/** What a transfer would send next of either kind. */
export interface GroupHeads {
  readonly pack: OutgoingPack | undefined;
  readonly file: OutgoingFile | undefined;
}

export type PieceKind = keyof GroupHeads;

/** What is next for all of them, or for most; `differing` are those for which something else is. */
export interface CommonPiece<Member> {
  readonly kind: PieceKind;
  readonly agreeing: readonly Member[];
  readonly differing: readonly Member[];
}

/**
 * Undefined while there is no kind of which all have a next piece: which kind comes first depends on how fast files open,
 * but within a kind the order is that of the manifest, for all of them the same.
 */
export function commonPiece<Member>(heads: ReadonlyMap<Member, GroupHeads>): CommonPiece<Member> | undefined {
  const members = [...heads.keys()];
  for (const kind of ['pack', 'file'] as const) {
    const camps: Member[][] = [];
    for (const member of members) {
      const piece = heads.get(member)?.[kind];
      if (!piece) break;
      const camp = camps.find(([first]) => {
        const other = first === undefined ? undefined : heads.get(first)?.[kind];
        return other !== undefined && isSamePiece(piece, other);
      });
      if (camp) camp.push(member);
      else camps.push([member]);
    }
    if (members.length === 0 || camps.flat().length < members.length) continue;
    const agreeing = camps.reduce((most, camp) => (camp.length > most.length ? camp : most), []);
    return { kind, agreeing, differing: members.filter((member) => !agreeing.includes(member)) };
  }
  return undefined;
}

function isSamePiece(a: OutgoingFile | OutgoingPack, b: OutgoingFile | OutgoingPack): boolean {
  if (a instanceof OutgoingFile || b instanceof OutgoingFile)
    return a instanceof OutgoingFile && b instanceof OutgoingFile && isSamePart(a, b);
  return (
    a.entries.length === b.entries.length && a.entries.every((entry, i) => isSameFile(entry, b.entries[i]))
  );
}

function isSamePart(a: OutgoingFile, b: OutgoingFile): boolean {
  const [from, to] = a.next ?? [];
  return isSameFile(a.entry, b.entry) && from === b.next?.[0] && to === b.next?.[1];
}

function isSameFile(a: SourceEntry, b: SourceEntry | undefined): boolean {
  if (a.id !== b?.id || a.source !== b.source || a.size !== b.size) return false;
  const [one, other] = [a.stamp, b.stamp];
  return (
    one.dev === other.dev &&
    one.ino === other.ino &&
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs
  );
}
