import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnfinishedTransfers } from '../../../src/app/unfinished.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

const identity = (byte: number) => ({
  publicKey: new Uint8Array(32),
  secretKey: new Uint8Array(32).fill(byte),
});
const key = (number: number) => new Uint8Array(16).fill(number);
const peer = new Uint8Array(32).fill(0xab);
const code = '4821-apple-river';

async function begin(text?: string) {
  const home = await temporaryDirectory();
  const path = join(home, 'unfinished.json');
  if (text !== undefined) await writeFile(path, text);
  return { home, path, transfers: new UnfinishedTransfers(home, identity(1)) };
}

describe('a transfer that is not finished', () => {
  it('is found again by another process, until it is removed', async () => {
    const { home, transfers } = await begin();
    await transfers.add(key(1), peer, code);
    const again = new UnfinishedTransfers(home, identity(1));
    expect(await again.find(() => key(1), code)).toEqual({ peers: [peer], sameCode: [peer] });
    expect(await again.find(() => key(2), code)).toBeUndefined();
    await again.remove(key(2));
    await again.remove(key(1));
    expect(await transfers.find(() => key(1), code)).toBeUndefined();
  });

  it('knows whether its code is the same, or is still none', async () => {
    const { transfers } = await begin();
    await transfers.add(key(1), peer, code);
    await transfers.add(key(2), peer, undefined);
    const isSame = async (number: number, words?: string) =>
      (await transfers.find(() => key(number), words))?.sameCode.length === 1;
    expect([await isSame(1, code), await isSame(1, `${code}x`), await isSame(1)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([await isSame(2), await isSame(2, code), await isSame(2, '')]).toEqual([true, false, false]);
  });

  it('has the code of its last try with a receiver', async () => {
    const { transfers } = await begin();
    await transfers.add(key(1), peer, code);
    await transfers.add(key(1), peer, undefined);
    expect(await transfers.find(() => key(1), undefined)).toEqual({ peers: [peer], sameCode: [peer] });
  });

  it('may have several receivers, and is finished for each by itself', async () => {
    const { transfers } = await begin();
    const other = new Uint8Array(32).fill(1);
    await transfers.add(key(1), peer, code);
    await transfers.add(key(1), other, undefined);
    expect(await transfers.find(() => key(1), code)).toEqual({ peers: [peer, other], sameCode: [peer] });
    await transfers.remove(key(1), peer);
    expect(await transfers.find(() => key(1), code)).toEqual({ peers: [other], sameCode: [] });
    await transfers.add(key(1), peer, code);
    await transfers.remove(key(1));
    expect(await transfers.find(() => key(1), code)).toBeUndefined();
  });

  it('is forgotten when 64 others came after it', async () => {
    const { path, transfers } = await begin();
    for (let i = 0; i < 65; i++) await transfers.add(key(i), peer, code);
    expect(await transfers.find(() => key(0), code)).toBeUndefined();
    for (const i of [1, 64]) expect(await transfers.find(() => key(i), code), String(i)).toBeDefined();
    expect((await stat(path)).size).toBeLessThan(64 * 1024);
  });

  it('is not lost to others that are written at the same time', async () => {
    const { home, transfers } = await begin();
    const all = [0, 1, 2, 3, 4].map((i) =>
      new UnfinishedTransfers(home, identity(1)).add(key(i), peer, code),
    );
    await Promise.all(all);
    for (let i = 0; i < 5; i++) expect(await transfers.find(() => key(i), code)).toBeDefined();
  });

  it('is kept from others, without the code, and nothing is left beside it', async () => {
    const { home, path, transfers } = await begin();
    await transfers.add(key(1), peer, code);
    const text = await readFile(path, 'utf8');
    for (const word of code.split('-')) expect(text).not.toContain(word);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(home)).toEqual(['unfinished.json']);
  });
});

describe('a file of unfinished transfers', () => {
  const row = { key: '01'.repeat(16), peer: 'ab'.repeat(32), code: '' };
  const file = (rows: readonly unknown[], version: unknown = 1) =>
    JSON.stringify({ version, transfers: rows });

  it('is read as it was written before', async () => {
    expect(await (await begin(file([row]))).transfers.find(() => key(1), undefined)).toEqual({
      peers: [peer],
      sameCode: [peer],
    });
  });

  it.each<[string, string]>([
    ['empty', ''],
    ['cut off', file([row]).slice(0, -3)],
    ['of another version', file([row], 2)],
    ['of another shape', JSON.stringify([row])],
    ['with a key that is no hex', file([row, { ...row, key: 'xyz' }])],
    ['with a receiver of 31 bytes', file([row, { ...row, peer: 'ab'.repeat(31) }])],
    ['with too many', file(Array.from({ length: 65 }, () => row))],
    ['too long', file([row]).padEnd(64 * 1024 + 1)],
  ])('that is %s counts as none, and is made anew', async (_, text) => {
    const { transfers } = await begin(text);
    expect(await transfers.find(() => key(1), undefined)).toBeUndefined();
    await transfers.add(key(2), peer, code);
    expect(await transfers.find(() => key(2), code)).toEqual({ peers: [peer], sameCode: [peer] });
  });

  it('that cannot be written costs nothing else', async () => {
    const home = join(await temporaryDirectory(), 'none');
    const transfers = new UnfinishedTransfers(home, identity(1));
    await transfers.add(key(1), peer, code);
    await transfers.remove(key(1));
    expect(await transfers.find(() => key(1), code)).toBeUndefined();
  });
});

describe('the key of a transfer', () => {
  it('is the same for the same paths, however they are said', async () => {
    const { home, transfers } = await begin();
    const path = join(home, 'a');
    const keys = [path, relative(process.cwd(), path), join(home, 'b', '..', 'a'), `${path}/`].map((said) =>
      Buffer.from(transfers.keyOf([said])).toString('hex'),
    );
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toHaveLength(32);
  });

  it('is another for other paths, another order and another sender', async () => {
    const { home, transfers } = await begin();
    const other = new UnfinishedTransfers(home, identity(2));
    const keys = [
      ...[['/a'], ['/a', '/b'], ['/b', '/a'], ['/a/b'], []].map((paths) => transfers.keyOf(paths)),
      other.keyOf(['/a']),
    ].map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('of tokens is this sender’s alone', async () => {
    const { home, transfers } = await begin();
    expect(transfers.tokenKey).toHaveLength(8);
    expect(transfers.tokenKey).toEqual(new UnfinishedTransfers(home, identity(1)).tokenKey);
    expect(transfers.tokenKey).not.toEqual(new UnfinishedTransfers(home, identity(2)).tokenKey);
  });
});
