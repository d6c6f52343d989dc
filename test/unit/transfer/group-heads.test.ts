import { describe, expect, it } from 'vitest';
import { commonPiece, type GroupHeads } from '../../../src/transfer/group-heads.js';
import type { OpenSource } from '../../../src/transfer/open-source.js';
import { OutgoingFile } from '../../../src/transfer/outgoing-file.js';
import { OutgoingPack } from '../../../src/transfer/outgoing-pack.js';
import type { Ranges } from '../../../src/transfer/messages.js';
import type { SourceEntry } from '../../../src/transfer/source-entry.js';

const nothing = (): void => undefined;

function entry(id: number, change: Partial<SourceEntry['stamp']> = {}): SourceEntry {
  const stamp = { dev: 1n, ino: 7n, size: 10, mtimeNs: 5n, ctimeNs: 6n, ...change };
  return { id, source: `/x/${id}`, path: `${id}`, size: stamp.size, stamp } as SourceEntry;
}

const file = (of: SourceEntry, ranges: Ranges = [[0, 10]]) =>
  new OutgoingFile({ entry: of } as OpenSource, ranges, {
    onRead: nothing,
    onFailed: nothing,
    onClosed: nothing,
  });

function pack(...entries: SourceEntry[]): OutgoingPack {
  const made = new OutgoingPack(2 ** 20);
  for (const one of entries) made.add(one);
  return made;
}

/** What they have in common; members are called by their places. */
function common(...heads: Partial<GroupHeads>[]) {
  return commonPiece(
    new Map(heads.map(({ pack: aPack, file: aFile }, i) => [i, { pack: aPack, file: aFile }])),
  );
}

describe('what several transfers send next', () => {
  it('is the pack or the part of a file that is next for all of them', () => {
    expect(common({ pack: pack(entry(1), entry(2)) }, { pack: pack(entry(1), entry(2)) })).toEqual({
      kind: 'pack',
      agreeing: [0, 1],
      differing: [],
    });
    expect(common({ file: file(entry(3)) }, { file: file(entry(3)) })).toMatchObject({ kind: 'file' });
  });

  it('is not there yet where one has nothing of that kind', () => {
    expect(common({ pack: pack(entry(1)) }, {})).toBeUndefined();
    expect(common({ pack: pack(entry(1)) }, { file: file(entry(3)) })).toBeUndefined();
    expect(common()).toBeUndefined();
    const both = { pack: pack(entry(1)), file: file(entry(3)) };
    expect(common(both, { file: file(entry(3)) })).toMatchObject({ kind: 'file', differing: [] });
  });

  it.each<[string, GroupHeads['file']]>([
    ['another file', file(entry(4))],
    ['another state of it', file(entry(3, { ctimeNs: 9n }))],
    ['another size of it', file(entry(3, { size: 11 }))],
    ['another file of its name', file(entry(3, { ino: 8n }))],
    ['another part', file(entry(3), [[2, 10]])],
    ['a shorter part', file(entry(3), [[0, 4]])],
  ])('is that of the most where one has %s', (_, other) => {
    const own = () => file(entry(3));
    expect(common({ file: other }, { file: own() }, { file: own() })).toEqual({
      kind: 'file',
      agreeing: [1, 2],
      differing: [0],
    });
  });

  it('is that of the most where a pack has more, fewer or other files', () => {
    const own = () => pack(entry(1), entry(2));
    const others = [
      pack(entry(1)),
      pack(entry(1), entry(2), entry(5)),
      pack(entry(1), entry(2, { mtimeNs: 1n })),
    ];
    for (const other of others)
      expect(common({ pack: own() }, { pack: other }, { pack: own() })?.differing).toEqual([1]);
  });

  it('goes on behind what was cut', () => {
    const [one, two] = [file(entry(3)), file(entry(3))];
    one.cut(4);
    expect(common({ file: one }, { file: two })?.differing).toHaveLength(1);
    two.cut(4);
    expect(common({ file: one }, { file: two })?.differing).toEqual([]);
  });
});
