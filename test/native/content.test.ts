import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codeOf, notOpen } from './held-tree.js';
import { addon, describeBoth } from './implementations.js';
import { pattern, temporaryFile } from './seal-jobs.js';

const MiB = 2 ** 20;
const user = (name: string, value: string | Uint8Array): [string, Uint8Array] => [
  `user.${name}`,
  typeof value === 'string' ? Buffer.from(value) : value,
];
const keepsAttributes = await canSetAttributes();
const keepsHoles = hasHoles();

describeBoth('regions with data', ({ name: implementation, files }) => {
  const sparse = (): number => {
    const { fd } = temporaryFile(Buffer.alloc(0));
    fs.ftruncateSync(fd, 8 * MiB);
    for (const at of [1, 3, 6]) fs.writeSync(fd, Buffer.alloc(MiB, 'x'), 0, MiB, at * MiB);
    return fd;
  };
  const seesHoles = implementation === 'addon' && keepsHoles;

  it.runIf(seesHoles)('leave holes out (NOT TESTED with the twin, or without holes in files)', async () => {
    const fd = sparse();
    const expected = [1, 2, 3, 4, 6, 7].map((at) => at * MiB);
    expect([...(await files.dataRegions(fd, 0, 100))]).toEqual(expected);
    expect([...(await files.dataRegions(fd, 0, 2))]).toEqual(expected.slice(0, 4));
    expect([...(await files.dataRegions(fd, 4 * MiB, 2))]).toEqual(expected.slice(4));
    expect([...(await files.dataRegions(fd, 3 * MiB + 4096, 1))]).toEqual([3 * MiB + 4096, 4 * MiB]);
    expect([...(await files.dataRegions(fd, 7 * MiB, 9))]).toEqual([]);
  });

  it('are all of a file without holes, and none of an empty one or past the end', async () => {
    const { fd } = temporaryFile(pattern(10_000));
    expect([...(await files.dataRegions(fd, 0, 1))]).toEqual([0, 10_000]);
    expect([...(await files.dataRegions(fd, 4096, 5))]).toEqual([4096, 10_000]);
    expect([...(await files.dataRegions(fd, 10_000, 5))]).toEqual([]);
    expect([...(await files.dataRegions(fd, 2 ** 50, 5))]).toEqual([]);
    expect([...(await files.dataRegions(temporaryFile(Buffer.alloc(0)).fd, 0, 5))]).toEqual([]);
  });

  it('cover everything that was written', async () => {
    const fd = sparse();
    const regions = await files.dataRegions(fd, 0, 1000);
    for (const at of [1, 3, 6]) {
      const inOne = Array.from({ length: regions.length / 2 }, (_, i) => regions.subarray(2 * i, 2 * i + 2));
      expect(inOne.some(([from = 0, to = 0]) => from <= at * MiB && (at + 1) * MiB <= to)).toBe(true);
    }
  });

  it('are refused for wrong arguments', async () => {
    expect(await codeOf(files.dataRegions(notOpen, 0, 1))).toBe('EBADF');
    for (const from of [-1, 2 ** 53, 0.5, '0'] as number[])
      expect(await codeOf(files.dataRegions(0, from, 1))).toMatch(/^(Type|Range)Error$/);
    for (const most of [0, 2 ** 17, '1'] as number[])
      expect(await codeOf(files.dataRegions(0, 0, most))).toMatch(/^(Type|Range)Error$/);
  });
});

describeBoth('extended attributes', ({ name: implementation, files }) => {
  it.runIf(implementation === 'addon' && keepsAttributes)(
    'are kept, sorted, with any bytes (NOT TESTED with the twin, or without attributes)',
    async () => {
      const { fd } = temporaryFile(Buffer.from('abc'));
      const wanted = [user('b', pattern(1000)), user('a', ''), user('ü', 'text\0')];
      await files.setAttributes(fd, wanted);
      const found = await files.attributesOf(fd);
      expect(found.map(([name]) => name)).toEqual(['user.a', 'user.b', 'user.ü']);
      expect(found.map(([, value]) => Buffer.from(value))).toEqual([
        Buffer.alloc(0),
        pattern(1000),
        Buffer.from('text\0'),
      ]);
      await files.setAttributes(fd, [user('a', 'changed')]);
      expect(Buffer.from((await files.attributesOf(fd))[0]?.[1] ?? []).toString()).toBe('changed');
    },
  );

  it('are none where there are none, and nothing to set is never refused', async () => {
    const { fd } = temporaryFile(Buffer.from('abc'));
    expect(await files.attributesOf(fd)).toEqual([]);
    await files.setAttributes(fd, []);
    if (implementation === 'twin')
      expect(await codeOf(files.setAttributes(fd, [user('a', 'x')]))).toBe('ENOTSUP');
  });

  it.each(['security.capability', 'trusted.x', 'system.posix_acl_access', 'userx.a', 'a', ''])(
    'named %j are refused before any is set',
    async (name) => {
      const { fd } = temporaryFile(Buffer.from('abc'));
      const attributes: [string, Uint8Array][] = [user('a', 'x'), [name, Buffer.from('x')]];
      expect(await codeOf(files.setAttributes(fd, attributes))).toBe('EPERM');
      expect(await files.attributesOf(fd)).toEqual([]);
    },
  );

  it('are refused for wrong arguments', async () => {
    const { fd } = temporaryFile(Buffer.from('abc'));
    expect(await codeOf(files.setAttributes(fd, [user('a\0b', 'x')]))).toBe('EINVAL');
    expect(await codeOf(files.attributesOf(notOpen))).toBe('EBADF');
    expect(await codeOf(files.setAttributes(notOpen, []))).toBe('EBADF');
    for (const wrong of [[['user.a', 'text']], [[5, Buffer.alloc(0)]]] as unknown as [string, Buffer][][])
      expect(await codeOf(files.setAttributes(fd, wrong))).toBe('TypeError');
  });
});

describeBoth('copies of regions', ({ files }) => {
  it.each([
    [0, 3 * MiB + 5],
    [4096, MiB],
    [17, 100],
    [0, 0],
  ])('hold what the source holds there and nothing else (from %i, %i bytes)', async (position, bytes) => {
    const content = pattern(3 * MiB + 5);
    const before = Buffer.alloc(3 * MiB + 5, 0xee);
    const source = temporaryFile(content);
    const target = temporaryFile(before);
    await files.copyRegion(source.fd, target.fd, position, bytes);
    content.copy(before, position, position, position + bytes);
    expect(target.content().equals(before)).toBe(true);
    expect(source.content().equals(content)).toBe(true);
  });

  it('end with ENODATA where the source ends', async () => {
    const source = temporaryFile(pattern(5000));
    const target = temporaryFile(Buffer.alloc(0));
    expect(await codeOf(files.copyRegion(source.fd, target.fd, 1000, 10_000))).toBe('ENODATA');
    expect(target.content().subarray(1000).equals(pattern(5000).subarray(1000))).toBe(true);
  });

  it('are refused for wrong arguments', async () => {
    const { fd } = temporaryFile(pattern(10));
    const readOnly = temporaryFile(pattern(10), 'r');
    expect(await codeOf(files.copyRegion(notOpen, fd, 0, 1))).toBe('EBADF');
    expect(await codeOf(files.copyRegion(fd, notOpen, 0, 1))).toBe('EBADF');
    expect(await codeOf(files.copyRegion(fd, readOnly.fd, 0, 1))).toBe('EBADF');
    for (const [position, bytes] of [
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [1, 2 ** 53 - 1],
      ['0', 1],
    ] as [number, number][])
      expect(await codeOf(files.copyRegion(fd, fd, position, bytes))).toMatch(/^(Type|Range)Error$/);
  });
});

async function canSetAttributes(): Promise<boolean> {
  if (addon === undefined) return false;
  const directory = fs.mkdtempSync(join(tmpdir(), 'xfer-native-'));
  const path = join(directory, 'file');
  fs.writeFileSync(path, '');
  const fd = fs.openSync(path, 'r+');
  try {
    return (await codeOf(addon.files.setAttributes(fd, [user('a', 'x')]))) === 'succeeded';
  } finally {
    fs.closeSync(fd);
    fs.rmSync(directory, { recursive: true });
  }
}

/** Whether a file that was only made long takes no room. */
function hasHoles(): boolean {
  const directory = fs.mkdtempSync(join(tmpdir(), 'xfer-native-'));
  const path = join(directory, 'file');
  try {
    fs.writeFileSync(path, '');
    fs.truncateSync(path, MiB);
    return fs.statSync(path).blocks === 0;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}
