import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ownKey } from '../../src/app/peers.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type Ended } from '../support/run-xfer.js';

/** The configuration directories of two machines. */
let alice: string;
let bob: string;
let work: string;
let file: string;

const begin = async (): Promise<void> => {
  [alice, bob, work] = [await temporaryDirectory(), await temporaryDirectory(), await temporaryDirectory()];
  file = join(work, 'file');
  await writeFile(file, 'content');
};
beforeEach(begin);

interface Leg {
  readonly from: string;
  readonly to: string;
  readonly out: string;
  /** Flags and code of the sender; the receiver makes its code. */
  readonly sendFlags?: readonly string[];
  readonly recvFlags?: readonly string[];
  readonly paired?: boolean;
}

/** One transfer into a directory of its own; both have ended. */
async function transfer({ from, to, out, sendFlags = [], recvFlags = [], paired }: Leg) {
  const { recv, address, code } = await startReceiver(join(work, out), {
    home: to,
    flags: ['--once', ...recvFlags],
  });
  const env = paired ? { XFER_CODE: code } : {};
  const send = await runXfer(['send', file, address, '--json', ...sendFlags], { home: from, env });
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  return { sent, received };
}

/** Alice sends to Bob with his code, and both remember the other; gives their directories. */
async function pair(): Promise<readonly [alice: string, bob: string]> {
  const { sent, received } = await transfer({
    from: alice,
    to: bob,
    out: 'paired',
    paired: true,
    sendFlags: ['--remember', '--as', 'bob'],
    recvFlags: ['--remember', '--as', 'alice'],
  });
  expect(notesOf(sent)).toEqual(['remembered as bob']);
  expect(notesOf(received)).toEqual(['remembered as alice']);
  return [alice, bob];
}

const notesOf = ({ events }: Ended) =>
  events.flatMap((event) => (event.event === 'note' ? [event.message] : []));

async function peers(home: string, ...args: string[]) {
  const { status, stdout, stderr } = await (await runXfer(['peers', ...args], { home })).ended;
  return { status, stdout, stderr };
}

const ownKeyOf = async (home: string) => {
  const { stdout } = await peers(home, '--json');
  return JSON.parse(stdout.split('\n')[0] ?? '') as { key: string; fingerprint: string };
};

describe('after a pairing with --remember on both sides', () => {
  let paired: readonly [alice: string, bob: string];
  beforeAll(async () => {
    await begin();
    paired = await pair();
  });
  /** Each has its own of what that has left. */
  beforeEach(() => Promise.all([alice, bob].map((home, i) => cp(paired[i]!, home, { recursive: true }))));

  it('a send in the other direction needs no code', async () => {
    const { sent, received } = await transfer({ from: bob, to: alice, out: 'back' });
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect(sent.events.at(-1)).toMatchObject({ event: 'done', peer: 'alice' });
    expect(await readFile(join(work, 'back/file'), 'utf8')).toBe('content');
  });

  it('a code that the sender gives is checked all the same', async () => {
    const { recv, address } = await startReceiver(join(work, 'checked'), { home: bob });
    const send = await runXfer(['send', file, address, '--json'], {
      home: alice,
      env: { XFER_CODE: '1234-wrong-wrong-wrong-wrong' },
    });
    expect(await send.event('error')).toMatchObject({ code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    expect(await recv.event('error')).toMatchObject({ code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    expect([(await send.ended).status, (await recv.ended).status]).toEqual([4, 4]);
    expect(await readdir(join(work, 'checked'))).toEqual([]);
  });

  it('a code that the receiver was given is asked of a known peer too', async () => {
    const code = '4821-crossover-clockwork-melon';
    const { recv, address } = await startReceiver(join(work, 'checked'), {
      home: bob,
      env: { XFER_CODE: code },
    });
    const without = await runXfer(['send', file, address, '--json'], { home: alice });
    expect(await without.event('error')).toMatchObject({ code: 'ERR_XFER_NO_CODE', exit: 4 });
    expect((await recv.event('note')).message).toContain('a peer came without the code');
    expect(await readdir(join(work, 'checked'))).toEqual([]);
    const withCode = await runXfer(['send', file, address, '--json'], {
      home: alice,
      env: { XFER_CODE: code },
    });
    expect((await withCode.ended).status).toBe(0);
    expect((await recv.ended).status).toBe(0);
  });

  it('a receiver with another key gets nothing, and both are told', async () => {
    const mallory = await temporaryDirectory();
    const { recv, address } = await startReceiver(join(work, 'taken'), { home: mallory });
    const send = await runXfer(['send', file, address, '--json'], { home: alice });
    expect(await send.event('error')).toMatchObject({ code: 'ERR_XFER_KEY_CHANGED', exit: 4 });
    expect((await send.ended).status).toBe(4);
    expect((await recv.event('note')).message).toMatch(
      /^nothing was taken from 127\.0\.0\.1: .* may have pinned another key/,
    );
    expect(await readdir(join(work, 'taken'))).toEqual([]);
  });

  it('a send in the same direction needs no code, but one with another key is refused, and both are told', async () => {
    const changed = await temporaryDirectory();
    await copyFile(join(alice, 'peers.json'), join(changed, 'peers.json'));
    const { recv, address } = await startReceiver(join(work, 'refused'), { home: bob });
    const send = await runXfer(['send', file, address, '--json'], { home: changed });
    expect(await send.event('error')).toMatchObject({ code: 'ERR_XFER_UNKNOWN_PEER', exit: 4 });
    expect((await send.ended).status).toBe(4);
    expect((await recv.event('note')).message).toContain('a peer without a code came whose key is not known');
    expect(await readdir(join(work, 'refused'))).toEqual([]);
    // Whose key is known still gets through.
    const known = await runXfer(['send', file, address, '--json'], { home: alice });
    const [sent, received] = await Promise.all([known.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect(sent.events).toContainEqual(
      expect.objectContaining({ event: 'connected', peer: 'bob', known: true }),
    );
    expect(received.events).toContainEqual(
      expect.objectContaining({ event: 'connected', peer: 'alice', known: true }),
    );
    expect(await readFile(join(work, 'refused/file'), 'utf8')).toBe('content');
  });

  it('a peer that was removed needs a code again', async () => {
    expect(await peers(alice, 'remove', 'bob')).toEqual({ status: 0, stdout: '', stderr: '' });
    const { recv, address } = await startReceiver(join(work, 'gone'), { home: bob });
    const send = await runXfer(['send', file, address, '--json'], { home: alice });
    expect(await send.event('error')).toMatchObject({ code: 'ERR_XFER_NO_CODE', exit: 4 });
    expect((await send.ended).status).toBe(4);
    await recv.kill();
    expect(await readdir(join(work, 'gone'))).toEqual([]);
  });
});

describe('--remember on one side', () => {
  it('is told to both, and is not enough', async () => {
    const { sent, received } = await transfer({
      from: alice,
      to: bob,
      out: 'once',
      paired: true,
      sendFlags: ['--remember', '--as', 'bob'],
    });
    expect(notesOf(sent)).toEqual(['remembered as bob, but not by the other side: it needs --remember too']);
    expect(notesOf(received)).toEqual(['the other side remembers this machine; --remember would return it']);
    const { recv, address } = await startReceiver(join(work, 'out'), { home: bob });
    const send = await runXfer(['send', file, address, '--json'], { home: alice });
    expect(await send.event('error')).toMatchObject({ code: 'ERR_XFER_UNKNOWN_PEER', exit: 4 });
    await recv.kill();
  });
});

describe('xfer peers', () => {
  it('lists, adds, renames and removes', async () => {
    const { key, fingerprint } = await ownKeyOf(bob);
    expect(await peers(alice, 'list')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await peers(alice, 'add', 'bob', key, '--host', '127.0.0.1')).status).toBe(0);
    expect((await peers(alice, 'list')).stdout).toBe(`bob  ${fingerprint}  127.0.0.1\n`);
    expect((await peers(alice, 'rename', 'bob', 'robert')).status).toBe(0);
    const listed = (await peers(alice, 'list', '--json')).stdout;
    expect(JSON.parse(listed)).toEqual({
      event: 'peer',
      name: 'robert',
      fingerprint,
      key,
      hosts: ['127.0.0.1'],
    });
    expect((await peers(alice, 'remove', 'robert')).status).toBe(0);
    expect((await peers(alice, 'list')).stdout).toBe('');
  });

  it('that were added by their keys on both sides need no code, and --peer names who must answer', async () => {
    const [aliceKey, bobKey] = [await ownKey(alice), await ownKey(bob)];
    expect((await peers(alice, 'add', 'bob', bobKey.key, '--host', '127.0.0.1')).status).toBe(0);
    expect((await peers(bob, 'add', 'alice', aliceKey.key)).status).toBe(0);
    const { sent, received } = await transfer({
      from: alice,
      to: bob,
      out: 'added',
      sendFlags: ['--peer', 'bob'],
    });
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect(received.events.at(-1)).toMatchObject({ event: 'done', peer: 'alice' });
    const absent = await runXfer(['send', file, 'tcp://127.0.0.1:9', '--peer', 'carol', '--json'], {
      home: alice,
    });
    expect(await absent.event('error')).toMatchObject({ code: 'ERR_XFER_USAGE', exit: 2 });
  });

  it.each([
    ['a key that is none', ['add', 'bob', 'abc'], 'this is not a key'],
    [
      'a name that could be a target',
      ['add', 'bob@home', `${'A'.repeat(43)}=`],
      'this cannot be the name of a peer',
    ],
    ['an unknown name to rename', ['rename', 'bob', 'robert'], 'there is no such peer'],
    ['an unknown name to remove', ['remove', 'bob'], 'there is no such peer'],
    ['a name without a key', ['add', 'bob'], 'Missing 1 required arg'],
  ])('refuses %s with 2, and says so on stderr', async (_, args, words) => {
    const { status, stdout, stderr } = await peers(alice, ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect(existsSync(join(alice, 'peers.json'))).toBe(false);
  });

  it('refuses a file of peers that others may write to, and one that is damaged, with 4', async () => {
    const path = join(alice, 'peers.json');
    await writeFile(path, '{"version":1,"peers":[]}', { mode: 0o600 });
    expect(await peers(alice, 'list')).toEqual({ status: 0, stdout: '', stderr: '' });
    await chmod(path, 0o622);
    const open = await peers(alice, 'list');
    expect(open).toMatchObject({ status: 4, stdout: '' });
    expect(open.stderr).toContain('can be written to by others');
    await chmod(path, 0o600);
    await writeFile(path, '{}');
    const damaged = await peers(alice, 'list');
    expect(damaged).toMatchObject({ status: 4, stdout: '' });
    expect(damaged.stderr).toContain('is damaged');
  });
});
