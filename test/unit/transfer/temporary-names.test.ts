import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTaken, TemporaryNames } from '../../../src/transfer/temporary-names.js';

const peer = new Uint8Array(32).fill(1);
const key = new Uint8Array(16).fill(2);
const names = new TemporaryNames(peer, key);

describe('the temporary names of a transfer', () => {
  it('are the same in every try, but for those of packs', () => {
    const again = new TemporaryNames(peer.slice(), key.slice());
    expect([again.journal, again.partOf('a/b')]).toEqual([names.journal, names.partOf('a/b')]);
    expect(again.packPrefix).not.toBe(names.packPrefix);
  });

  it.each([
    ['sender', new TemporaryNames(peer.with(31, 0), key)],
    ['transfer', new TemporaryNames(peer, key.with(15, 0))],
  ])('are others for another %s', (_, other) => {
    expect(other.journal).not.toBe(names.journal);
    expect(other.partOf('a')).not.toBe(names.partOf('a'));
    expect([other.isLeftOver(names.partOf('a')), other.isLeftOver(`${names.packPrefix}0`)]).toEqual([
      false,
      false,
    ]);
  });

  it('are known again as left over, and the journal is not', () => {
    const again = new TemporaryNames(peer, key);
    const left = [names.partOf('a'), `${names.packPrefix}17`];
    expect(left.map((name) => again.isLeftOver(name))).toEqual([true, true]);
    for (const name of [names.journal, 'a', '', '.xfer-', `x${names.partOf('a')}`])
      expect(again.isLeftOver(name), name).toBe(false);
  });

  it('are a component of a path in hidden ASCII, whatever the path is', () => {
    const path = fc.oneof(fc.string({ maxLength: 40 }), fc.constant('\ud800é'.repeat(100)));
    fc.assert(
      fc.property(path, (text) => /^\.xfer-[0-9a-f]{16}-[0-9a-f]{16}\.part$/.test(names.partOf(text))),
    );
    expect(names.journal).toMatch(/^\.xfer-[0-9a-f]{16}\.journal$/);
    expect(names.packPrefix).toMatch(/^\.xfer-[0-9a-f]{16}-[0-9a-f]{8}-$/);
  });

  it('differ from path to path', () => {
    const all = Array.from({ length: 10_000 }, (_, i) => names.partOf(`d/f${i}`));
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a name', () => {
  it('is taken where the system says EEXIST, and for no other reason', () => {
    expect(isTaken(Object.assign(new Error('there'), { code: 'EEXIST' }))).toBe(true);
    for (const error of [
      Object.assign(new Error('no'), { code: 'EACCES' }),
      new Error('EEXIST'),
      'EEXIST',
      null,
    ])
      expect(isTaken(error)).toBe(false);
  });
});
