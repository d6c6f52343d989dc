import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sanitisePeerName } from '../../../src/session/peer-name.js';
import { PeerStore } from '../../../src/session/peer-store.js';

const usage = (words: RegExp) =>
  expect.objectContaining({
    code: 'ERR_XFER_USAGE',
    message: expect.stringMatching(words) as string,
  }) as Error;
const bad = expect.objectContaining({ code: 'ERR_XFER_BAD_IDENTITY' }) as Error;
const key = (n: number) => new Uint8Array(32).fill(n);

describe('the known peers', () => {
  let home: string;
  let store: PeerStore;
  const path = () => join(home, 'peers.json');

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'xfer-peers-'));
    store = new PeerStore(home);
  });
  afterEach(() => rm(home, { recursive: true }));

  it('are none at first, and nothing is made by looking', async () => {
    expect(await store.list()).toEqual([]);
    expect(await readdir(home)).toEqual([]);
  });

  it('are kept by name, in a file for their owner alone, and nothing else remains', async () => {
    await store.add({ name: 'bob', key: key(2), hosts: [] });
    await store.add({ name: 'alice', key: key(1), hosts: ['Alice.example', 'alice.example'] });
    expect(await new PeerStore(home).list()).toEqual([
      { name: 'alice', key: key(1), hosts: ['alice.example'] },
      { name: 'bob', key: key(2), hosts: [] },
    ]);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(await readdir(home)).toEqual(['peers.json']);
  });

  it('are found by name, by key and by host, where several may be', async () => {
    await store.add({ name: 'alice', key: key(1), hosts: ['nas.example', 'nas.example:4900'] });
    await store.add({ name: 'bob', key: key(2), hosts: ['nas.example'] });
    expect((await store.findByName('bob'))?.key).toEqual(key(2));
    expect((await store.findByKey(key(1)))?.name).toBe('alice');
    expect(await store.findByKey(key(3))).toBeUndefined();
    expect((await store.findByHost('NAS.example')).map((peer) => peer.name)).toEqual(['alice', 'bob']);
    expect((await store.findByHost('nas.example:4900')).map((peer) => peer.name)).toEqual(['alice']);
    expect(await store.findByHost('nas')).toEqual([]);
  });

  it('have names and keys of their own', async () => {
    await store.add({ name: 'alice', key: key(1), hosts: [] });
    await expect(store.add({ name: 'alice', key: key(2), hosts: [] })).rejects.toThrow(
      usage(/a peer alice already/),
    );
    await expect(store.add({ name: 'bob', key: key(1), hosts: [] })).rejects.toThrow(
      usage(/known already, as alice/),
    );
    await expect(store.add({ name: 'bob', key: new Uint8Array(31), hosts: [] })).rejects.toThrow(
      usage(/32 bytes/),
    );
    await expect(store.add({ name: 'bob', key: key(2), hosts: ['a b'] })).rejects.toThrow(usage(/host/));
  });

  it('can be renamed and removed', async () => {
    await store.add({ name: 'alice', key: key(1), hosts: [] });
    await store.add({ name: 'bob', key: key(2), hosts: [] });
    await expect(store.rename('alice', 'bob')).rejects.toThrow(usage(/a peer bob already/));
    await expect(store.rename('nobody', 'carol')).rejects.toThrow(usage(/no such peer/));
    await store.rename('alice', 'carol');
    await store.remove('bob');
    await expect(store.remove('bob')).rejects.toThrow(usage(/no such peer/));
    expect((await store.list()).map((peer) => peer.name)).toEqual(['carol']);
  });

  it.each([
    ['', /empty/],
    [' ', /empty/],
    ['x'.repeat(65), /64/],
    ['a\nb', /printed/],
    ['a\u001b[2J', /printed/],
    ['a\u202eb', /printed/],
    ['a\u2028b', /printed/],
    ['a/b', /paths/],
    ['a\\b', /paths/],
    ['a:b', /paths/],
    ['user@host', /paths/],
    ['..', /begins with/],
    ['.hidden', /begins with/],
    ['-flag', /begins with/],
    [' alice', /space/],
  ])('cannot be called %j', async (name, why) => {
    await expect(store.add({ name, key: key(1), hosts: [] })).rejects.toThrow(usage(why));
    await store.add({ name: 'alice', key: key(1), hosts: [] });
    await expect(store.rename('alice', name)).rejects.toThrow(usage(why));
  });

  it('are remembered under the name that they give themselves, made safe and unique', async () => {
    expect(await store.remember({ name: 'laptop', key: key(1), host: '192.0.2.1' })).toBe('laptop');
    expect(await store.remember({ name: 'laptop', key: key(2) })).toBe('laptop-2');
    expect(await store.remember({ name: '../../etc\u001b[2J', key: key(3) })).toBe('etc[2J');
    expect(await store.remember({ name: '\n', key: key(4) })).toBe('peer');
    expect(await store.remember({ name: 'another name', key: key(1), host: '192.0.2.2' })).toBe('laptop');
    expect((await store.findByKey(key(1)))?.hosts).toEqual(['192.0.2.1', '192.0.2.2']);
    const long = 'x'.repeat(64);
    expect(await store.remember({ name: long, key: key(5) })).toBe(long);
    expect(await store.remember({ name: long, key: key(6) })).toBe(`${'x'.repeat(56)}-2`);
  });

  it('keep the newest sixteen hosts', async () => {
    for (let i = 0; i < 20; i++) await store.remember({ name: 'laptop', key: key(1), host: `host-${i}` });
    const hosts = (await store.findByKey(key(1)))?.hosts;
    expect(hosts).toHaveLength(16);
    expect(hosts?.at(-1)).toBe('host-19');
  });

  it('are all there when many add at once', async () => {
    const stores = Array.from({ length: 12 }, () => new PeerStore(home));
    await Promise.all(stores.map((one, i) => one.add({ name: `peer ${i}`, key: key(i), hosts: [] })));
    expect(await store.list()).toHaveLength(12);
    expect(await readdir(home)).toEqual(['peers.json']);
  });

  it('are all there when several processes add at once', async () => {
    const module = new URL('../../../src/session/peer-store.ts', import.meta.url).href;
    const script = `
      const { PeerStore } = await import(${JSON.stringify(module)});
      const store = new PeerStore(${JSON.stringify(home)});
      const id = Number(process.argv[1]);
      for (let i = 0; i < 5; i++) await store.add({ name: id + ' ' + i, key: new Uint8Array(32).fill(id * 10 + i), hosts: [] });`;
    const adders = [1, 2].map((id) =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, String(id)], {
        stdio: 'inherit',
      }),
    );
    const exits = await Promise.all(adders.map((adder) => once(adder, 'exit')));
    expect(exits.map(([status]) => status as number)).toEqual([0, 0]);
    expect(await store.list()).toHaveLength(10);
  });

  it('are not held up by the lock of a process that died', async () => {
    const dead = spawn(process.execPath, ['-e', '0']);
    await once(dead, 'exit');
    const lock = `${path()}.lock`;
    await writeFile(lock, `${dead.pid} 00`);
    const past = new Date(Date.now() - 60_000);
    await utimes(lock, past, past);
    await store.add({ name: 'alice', key: key(1), hosts: [] });
    expect(await readdir(home)).toEqual(['peers.json']);
  });

  it('are refused when the file is damaged, and it is left as it is', async () => {
    const row = { name: 'alice', key: Buffer.from(key(1)).toString('base64url'), hosts: [] as unknown };
    const files = [
      '',
      'x',
      '[]',
      '{}',
      '{"version":2,"peers":[]}',
      '{"version":1,"peers":{}}',
      ...[
        null,
        { ...row, key: 'AA' },
        { ...row, name: 'a/b' },
        { ...row, hosts: [1] },
        { ...row, hosts: undefined },
      ].map((peer) => JSON.stringify({ version: 1, peers: [peer] })),
      JSON.stringify({ version: 1, peers: [row, row] }),
    ];
    for (const file of files) {
      await writeFile(path(), file, { mode: 0o600 });
      await expect(store.list()).rejects.toThrow(bad);
      await expect(store.add({ name: 'bob', key: key(2), hosts: [] })).rejects.toThrow(bad);
      expect(await readFile(path(), 'utf8')).toBe(file);
    }
  });

  it('have an end: the file’s bytes and the peers in it', async () => {
    const row = (n: number) => {
      const bytes = Buffer.alloc(32);
      bytes.writeUInt32BE(n);
      return { name: `peer ${n}`, key: bytes.toString('base64url'), hosts: [] };
    };
    const full = JSON.stringify({ version: 1, peers: Array.from({ length: 10_000 }, (_, n) => row(n)) });
    await writeFile(path(), full, { mode: 0o600 });
    expect(await store.list()).toHaveLength(10_000);
    await expect(store.add({ name: 'one more', key: key(255), hosts: [] })).rejects.toThrow(
      usage(/10000 peers/),
    );
    await writeFile(path(), full + ' '.repeat(16 * 1024 * 1024));
    await expect(store.list()).rejects.toThrow(bad);
  });

  it('are refused when others can write to the file', async () => {
    await store.add({ name: 'alice', key: key(1), hosts: [] });
    await chmod(path(), 0o666);
    await expect(store.list()).rejects.toThrow(bad);
  });
});

describe('a name that a peer gives itself', () => {
  it.each([
    ['laptop', 'laptop'],
    ['  laptop  ', 'laptop'],
    ['user@host:/tmp', 'user-host--tmp'],
    ['-rf', 'rf'],
    ['...', 'fallback'],
    ['', 'fallback'],
    ['e\u0301t\u00e9', 'été'],
    ['a\u202eb\u0000c', 'abc'],
  ])('%j becomes %j', (given, kept) => {
    expect(sanitisePeerName(given, 'fallback')).toBe(kept);
  });
});
