import { lstat, mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../src/session/schema.js';
import { nativeApi } from '../../../src/native/index.js';
import {
  encodeEntry,
  entryKind,
  type Attribute,
  type ManifestEntry,
} from '../../../src/transfer/entry-codec.js';
import type { ReceivePolicy } from '../../../src/transfer/receive-policy.js';
import { addon } from '../../native/implementations.js';
import { answerOf, failure, meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { entry, namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

const { files } = nativeApi();
const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write('NOT TESTED: owners are not set, which takes root\n');
if (!addon) process.stderr.write('NOT TESTED: attributes are not set, which takes the addon\n');

const bytes = (text: string | number) =>
  typeof text === 'string' ? Buffer.from(text) : Buffer.alloc(text, 'x');
/** An entry as it goes on the wire, whatever its type says. */
function sayRaw(met: MetReceiver, more: Record<string, unknown>): void {
  met.sender.session.sendControl(
    encodeMessage({ type: 'manifest', entries: [[...encodeEntry(entry(0, 'a')), more]] }),
  );
}

/** Declares empty entries and ends; files of 5 bytes are sent in one pack where `packs`. */
async function bring(met: MetReceiver, entries: readonly ManifestEntry[]): Promise<void> {
  met.sender.say({ type: 'manifest', entries });
  const ids = entries.filter(({ kind }) => kind === entryKind.file).map(({ id }) => id);
  met.sender.say({ type: 'finished', ids });
  met.sender.end({ entries: entries.length, files: ids.length });
}

async function attributesOf(met: MetReceiver, name: string): Promise<readonly Attribute[]> {
  const handle = await open(join(met.directory, name));
  try {
    return (await files.attributesOf(handle.fd)).map(([key, value]) => [key, Buffer.from(value)]);
  } finally {
    await handle.close();
  }
}

/** Which calls that set owners or attributes were made. */
function watched() {
  const calls: string[] = [];
  const native = withFiles({
    setOwner: (...args) => {
      calls.push('setOwner');
      return files.setOwner(...args);
    },
    setLinkOwner: (...args) => {
      calls.push('setLinkOwner');
      return files.setLinkOwner(...args);
    },
    setAttributes: (...args) => {
      calls.push('setAttributes');
      return files.setAttributes(...args);
    },
    writeFiles: (job) => {
      for (let at = 0; at < job.names.length; at++)
        if (job.numbers[7 * at + 4] !== -1 || job.numbers[7 * at + 5] !== -1) calls.push('owner in a pack');
      return files.writeFiles(job);
    },
  });
  return { calls, native };
}

describe('attributes that are refused before anything is written', () => {
  it.each<[string, unknown]>([
    ['security.capability', [['security.capability', bytes('x')]]],
    ['security.selinux', [['security.selinux', bytes('x')]]],
    ['system.posix_acl_access', [['system.posix_acl_access', bytes('x')]]],
    ['trusted.overlay.opaque', [['trusted.overlay.opaque', bytes('y')]]],
    ['in capitals', [['USER.xfer', bytes('x')]]],
    ['without a name', [['user.', bytes('x')]]],
    ['without a namespace', [['nothing', bytes('x')]]],
    ['behind one that is well', [['user.a', bytes('x')], ['security.a', bytes('x')]]], // prettier-ignore
    ['with too long a name', [[`user.${'a'.repeat(251)}`, bytes('x')]]],
    ['with too long a value', [['user.a', bytes(64 * 1024)]]],
    ['too long together', [['user.a', bytes(40 * 1024)], ['user.b', bytes(40 * 1024)]]], // prettier-ignore
    ['too many', Array.from({ length: 257 }, (_, i) => [`user.${i}`, bytes('')])],
    ['with a value that is text', [['user.a', 'text']]],
    ['with a name that is none', [[7, bytes('x')]]],
    ['that are pairs of three', [['user.a', bytes('x'), 1]]],
  ])('%s', async (_, attributes) => {
    for (const policy of [{}, { attributes: true }]) {
      const met = await meetReceiver(undefined, { policy });
      sayRaw(met, { attributes });
      await refused(met, 'ERR_XFER_PROTOCOL', 'schema');
    }
  });
});

describe('owners that are refused before anything is written', () => {
  it.each<[string, unknown]>([
    ['nobody: the one number that means nobody', [0xffffffff, 0]],
    ['too large', [0, 2 ** 32]],
    ['far too large', [2 ** 53, 0]],
    ['below zero', [-1, 0]],
    ['half of one', [0.5, 0]],
    ['a name', ['root', 'root']],
    ['one alone', [0]],
    ['three', [0, 0, 0]],
    ['null', null],
  ])('%s', async (_, owner) => {
    for (const policy of [{}, { owners: true }]) {
      const met = await meetReceiver(undefined, { policy });
      sayRaw(met, { owner });
      await refused(met, 'ERR_XFER_PROTOCOL', 'schema');
    }
  });
});

const told = {
  owner: { uid: 12345, gid: 23456 },
  attributes: [['user.xfer', bytes('told')]] as readonly Attribute[],
};
const everything = [
  entry(0, 'd', { kind: entryKind.directory, mode: 0o755, ...told }),
  entry(1, 'd/a', told),
  entry(2, 'd/l', { kind: entryKind.link, target: 'a', ...told }),
  entry(3, 'd/h', { kind: entryKind.hardLink, target: 'd/a', ...told, owner: { uid: 1, gid: 1 } }),
];

it('without consent sets neither owners nor attributes, whatever is told', async () => {
  const { calls, native } = watched();
  const met = await meetReceiver(native);
  await bring(met, everything);
  await met.sender.hears('committed');
  expect(calls).toEqual([]);
  for (const name of ['d', 'd/a', 'd/l']) {
    const { uid, gid } = await lstat(join(met.directory, name));
    expect([uid, gid]).toEqual([process.getuid?.(), process.getgid?.()]);
  }
  expect(await attributesOf(met, 'd/a')).toEqual([]);
});

it('without consent sets no owner of a packed file', async () => {
  const { calls, native } = watched();
  const met = await meetReceiver(native, { policy: { attributes: true } });
  met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 1, ...told })] });
  await met.sender.body(Buffer.from('00000001000000000000000178', 'hex'), { entry: 0, layout: 1 });
  met.sender.end({ entries: 1, files: 1, bytes: 1 });
  await met.sender.hears('committed');
  expect(calls).toEqual([]);
  expect(await readFile(join(met.directory, 'a'), 'utf8')).toBe('x');
});

describe.skipIf(!isRoot || !addon)('with consent', () => {
  const policy: ReceivePolicy = { owners: true, attributes: true };

  it('sets those of what was sent, and never those of what a link leads to', async () => {
    const outside = await temporaryDirectory();
    await mkdir(join(outside, 'd'));
    await writeFile(join(outside, 'file'), 'mine', { mode: 0o600 });
    const met = await meetReceiver(undefined, { policy });
    await mkdir(join(met.directory, 'd'));
    for (const name of ['a', 'l', 'h']) await symlink(join(outside, 'file'), join(met.directory, 'd', name));
    const before = await lstat(join(outside, 'file'), { bigint: true });
    await bring(met, everything);
    await met.sender.hears('committed');
    for (const name of ['d', 'd/a', 'd/l', 'd/h']) {
      const { uid, gid } = await lstat(join(met.directory, name));
      expect([uid, gid]).toEqual([12345, 23456]);
    }
    expect(await lstat(join(outside, 'file'), { bigint: true })).toEqual(before);
    expect(await attributesOf(met, 'd/a')).toEqual([['user.xfer', bytes('told')]]);
    expect(await attributesOf(met, 'd')).toEqual([['user.xfer', bytes('told')]]);
  });

  it('sets nothing where a link stands in the place of a directory', async () => {
    const outside = await temporaryDirectory();
    const met = await meetReceiver(undefined, { policy });
    await symlink(outside, join(met.directory, 'd'));
    const before = await lstat(outside, { bigint: true });
    await bring(met, everything);
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_NOT_DIRECTORY'));
    expect(await lstat(outside, { bigint: true })).toEqual(before);
  });

  it('gives no bits that let others become the owner', async () => {
    const met = await meetReceiver(undefined, { policy });
    const raw = encodeEntry(entry(0, 'a', { ...told, mode: 0o4755 }));
    met.sender.session.sendControl(encodeMessage({ type: 'manifest', entries: [raw] }));
    await refused(met, 'ERR_XFER_PROTOCOL', 'schema');
  });

  it.each<[string, readonly Attribute[]]>([
    ['a name with a zero in it', [['user.a\0b', bytes('x')]]],
    ['a name that is too long in bytes', [[`user.${'\u20ac'.repeat(200)}`, bytes('x')]]],
    ['more than the file system keeps', Array.from({ length: 15 }, (_, i) => [`user.${i}`, bytes(4090)])],
  ])('ends in words where there is %s, and nothing has its name', async (_, attributes) => {
    const met = await meetReceiver(undefined, { policy });
    await bring(met, [entry(0, 'a', { attributes })]);
    const answer = await answerOf(met);
    // Some file systems keep all of it.
    if (answer === 'committed') return expect(await attributesOf(met, 'a')).toHaveLength(15);
    expect(answer).toMatch(/^ERR_XFER_(?:LOCAL_IO|NO_SPACE) cannot write a: /);
    await met.running.catch(() => undefined);
    expect(await namesIn(met.directory)).toEqual([]);
  });
});
