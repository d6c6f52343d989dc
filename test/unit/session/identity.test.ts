import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, loadIdentity } from '../../../src/session/identity.js';
import { identityOf } from './handshake-kit.js';

const bad = expect.objectContaining({ code: 'ERR_XFER_BAD_IDENTITY', exit: 4 }) as Error;

describe('the identity', () => {
  let base: string;
  let home: string;
  const path = () => join(home, 'identity');

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'xfer-identity-'));
    home = join(base, 'config', 'xfer');
  });
  afterEach(() => rm(base, { recursive: true }));

  it('is made on first use, for its owner alone, and is the same from then on', async () => {
    const first = await loadIdentity(home);
    expect(first).toEqual(identityOf(first.secretKey));
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(await loadIdentity(home)).toEqual(first);
    expect(await readdir(home)).toEqual(['identity']);
  });

  it('is one, however many make it at once', async () => {
    const made = await Promise.all(Array.from({ length: 16 }, () => loadIdentity(home)));
    expect(new Set(made.map((identity) => Buffer.from(identity.publicKey).toString('hex'))).size).toBe(1);
    expect(await readdir(home)).toEqual(['identity']);
  });

  it('is one, made by several processes at once', async () => {
    const module = new URL('../../../src/session/identity.ts', import.meta.url).href;
    const script = `
      const { loadIdentity } = await import(${JSON.stringify(module)});
      process.stdout.write('ready ');
      process.stdin.once('data', async () => {
        const { publicKey } = await loadIdentity(${JSON.stringify(home)});
        process.stdout.write(Buffer.from(publicKey).toString('hex'));
        process.stdin.destroy();
      });`;
    const racers = Array.from({ length: 3 }, () =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const outputs = racers.map((racer) => text(racer.stdout));
    await Promise.all(racers.map((racer) => once(racer.stdout, 'readable')));
    for (const racer of racers) racer.stdin.write('go');
    const keys = new Set(await Promise.all(outputs));
    expect(keys.size).toBe(1);
    expect([...keys][0]).toMatch(/^ready [0-9a-f]{64}$/);
  });

  it('is refused when others can read it, with what to do', async () => {
    await loadIdentity(home);
    for (const mode of [0o640, 0o604, 0o660, 0o602]) {
      await chmod(path(), mode);
      await expect(loadIdentity(home)).rejects.toThrow(bad);
      await expect(loadIdentity(home)).rejects.toMatchObject({
        remedy: expect.stringContaining('chmod 600') as string,
      });
    }
    await chmod(path(), 0o400);
    await loadIdentity(home);
  });

  it('is refused in a directory that others can write to', async () => {
    await loadIdentity(home);
    await chmod(home, 0o777);
    await expect(loadIdentity(home)).rejects.toThrow(bad);
  });

  it('is refused when it is damaged, never made anew', async () => {
    await loadIdentity(home);
    const whole = await readFile(path(), 'utf8');
    for (const damage of [
      '',
      'x',
      whole.slice(0, -2),
      `${whole}\n`,
      whole.replace('1', '2'),
      whole.slice(0, 20),
      '\0'.repeat(2000),
    ]) {
      await writeFile(path(), damage);
      await expect(loadIdentity(home)).rejects.toThrow(bad);
      expect(await readFile(path(), 'utf8')).toBe(damage);
    }
  });

  it('is refused when it is a link or no file', async () => {
    await loadIdentity(home);
    const moved = join(base, 'moved');
    await writeFile(moved, await readFile(path()), { mode: 0o600 });
    await rm(path());
    await symlink(moved, path());
    await expect(loadIdentity(home)).rejects.toThrow(bad);
    await rm(path());
    await mkdir(path(), { mode: 0o700 });
    await expect(loadIdentity(home)).rejects.toThrow(bad);
  });

  it('cannot be made where no directory can be', async () => {
    await writeFile(join(base, 'file'), '');
    await expect(loadIdentity(join(base, 'file', 'xfer'))).rejects.toMatchObject({
      code: 'ERR_XFER_NOT_DIRECTORY',
    });
  });
});

describe('a fingerprint', () => {
  it('is short, printable and its key’s own', () => {
    const shown = fingerprint(new Uint8Array(32));
    expect(shown).toMatchInlineSnapshot(`"mzuh-vlpy-mk6x-o3ep-ygfy"`);
    expect(shown).toMatch(/^([a-z2-7]{4}-){4}[a-z2-7]{4}$/);
    expect(fingerprint(new Uint8Array(32).fill(1))).not.toBe(shown);
  });
});
