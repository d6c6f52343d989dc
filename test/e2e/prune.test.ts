import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { failureOf, notesOf } from '../support/transfer.js';

const MB = 1_000_000;

let work: string;
let out: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  out = join(work, 'out');
  await mkdir(out);
});

const own = (names: readonly string[]) => names.filter((name) => /(^|\/)\.xfer-/.test(name));
const below = async (directory = out) => (await readdir(directory, { recursive: true })).sort();

/** A transfer that is in the middle of a large file in a directory: slow, so that it is there for long. */
async function halfway(name: string): Promise<{ send: XferRun; recv: XferRun }> {
  const tree = join(work, name);
  await mkdir(join(tree, 'sub'), { recursive: true });
  await writeFile(join(tree, 'first'), 'content');
  await writeFile(join(tree, 'sub/large'), randomBytes(40 * MB));
  const { recv, address, code } = await startReceiver(out);
  await writeFile(join(work, 'rate'), '8MB/s');
  const send = await runXfer(['send', tree, address, '--json', '--limit', `@${join(work, 'rate')}`], {
    env: { XFER_CODE: code },
  });
  for await (const event of recv) if (event.event === 'progress' && event.bytes > 6 * MB) break;
  return { send, recv };
}

async function abandoned(name: string): Promise<void> {
  const { send, recv } = await halfway(name);
  await Promise.all([send.kill(), recv.kill()]);
}

async function prune(directory = out) {
  const { status, events } = await (await runXfer(['recv', directory, '--prune', '--json'])).ended;
  return { status, events };
}

describe('recv --prune', () => {
  it('removes what an abandoned transfer has left, tells how much, and ends', async () => {
    await abandoned('tree');
    const left = own(await below());
    expect(left.some((name) => name.endsWith('.journal'))).toBe(true);
    expect(left.some((name) => name.startsWith('tree/sub/'))).toBe(true);
    expect(await prune()).toEqual({
      status: 0,
      events: [{ event: 'note', message: `${left.length} files removed` }],
    });
    const after = await below();
    expect(own(after)).toEqual([]);
    expect(after).toContain('tree/sub');
    expect(await prune()).toEqual({ status: 0, events: [{ event: 'note', message: '0 files removed' }] });
  });

  it("leaves others' files alone, whatever they are called, and follows no link", async () => {
    const outside = join(work, 'outside');
    const part = '.xfer-0123456789abcdef-00112233445566ff.part';
    const mine = [
      '.xfer',
      '.xfer-',
      '.xfer-notes.txt',
      '.xfer-0123.journal',
      'xfer-0123456789abcdef.journal',
    ];
    await mkdir(outside);
    for (const name of [part, '.xfer-0123456789abcdef.journal']) await writeFile(join(outside, name), 'mine');
    await mkdir(join(out, 'sub', '.xfer-0123456789abcdef-directory'), { recursive: true });
    for (const name of [...mine, 'file']) {
      await writeFile(join(out, name), 'mine');
      await writeFile(join(out, 'sub', name), 'mine');
    }
    await symlink(outside, join(out, 'link'));
    await writeFile(join(out, 'sub', part), 'left');
    const before = await below();
    expect(await prune()).toEqual({ status: 0, events: [{ event: 'note', message: '1 files removed' }] });
    expect(await below()).toEqual(before.filter((name) => name !== `sub/${part}`));
    expect(await readdir(outside)).toHaveLength(2);
    expect(await readFile(join(out, 'sub/file'), 'utf8')).toBe('mine');
  });

  it('leaves a transfer that is under way alone, which then ends well', async () => {
    await abandoned('gone');
    const gone = own(await below());
    const { send, recv } = await halfway('busy');
    const { status, events } = await prune();
    expect(status).toBe(0);
    expect(events).toEqual([
      {
        event: 'note',
        message: `${gone.length} files removed; 1 transfers are under way and were left alone`,
      },
    ]);
    const left = own(await below());
    expect(left.length).toBeGreaterThan(1);
    for (const name of gone) expect(left).not.toContain(name);
    await writeFile(join(work, 'rate'), '');
    send.child.kill('SIGUSR2');
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
    expect(notesOf(received)).toEqual([]);
    const [here, there] = [join(work, 'busy/sub/large'), join(out, 'busy/sub/large')];
    expect((await readFile(there)).equals(await readFile(here))).toBe(true);
    expect(own(await below())).toEqual([]);
  });

  it('ends with 6 where there is no such directory, and makes none', async () => {
    const recv = await runXfer(['recv', join(work, 'absent'), '--prune', '--json']);
    expect(failureOf(await recv.ended)).toMatchObject({ code: 'ERR_XFER_NOT_FOUND', status: 6 });
    expect(await readdir(work)).toEqual(['out']);
  });
});
