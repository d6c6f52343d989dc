import { existsSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';

const code = '4821-crossover-clockwork-melon';
/** At this rate, far longer to send than a test takes. */
const [fileBytes, rate] = [128 * 2 ** 20, '4MB/s'];

let out: string;
let file: string;

beforeEach(async () => {
  out = await temporaryDirectory();
  file = join(await temporaryDirectory(), 'endless');
  const handle = await open(file, 'w');
  const piece = Buffer.alloc(2 ** 20, 'x');
  for (let at = 0; at < fileBytes; at += piece.length) await handle.write(piece);
  await handle.close();
});

/** What stands in the directory under a real name; the rest is kept for another try. */
const real = async () => (await readdir(out)).filter((name) => !name.startsWith('.xfer-'));

interface Pair {
  readonly send: XferRun;
  readonly recv: XferRun;
}

/** Both ends in the middle of a transfer. */
async function underWay(retry = '0'): Promise<Pair> {
  const recv = await runXfer(
    ['recv', out, '--listen', 'tcp://127.0.0.1:0', '--once', '--json', '--retry', retry],
    {
      env: { XFER_CODE: code },
      timeoutMs: 25_000,
    },
  );
  const { addresses } = await recv.event('listening');
  const flags = ['--json', '--retry', retry, '--limit', rate];
  const send = await runXfer(['send', file, addresses[0] ?? '', ...flags], {
    env: { XFER_CODE: code },
    timeoutMs: 25_000,
  });
  await send.event('progress');
  await vi.waitFor(async () => expect(await readdir(out)).toHaveLength(2), 5_000);
  return { send, recv };
}

describe('in the middle of a transfer', () => {
  it('a killed sender ends the receiver with 3, and never a file under its real name', async () => {
    const { send, recv } = await underWay();
    await send.kill('SIGKILL');
    expect(await recv.event('error')).toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST', exit: 3 });
    expect(await recv.ended).toMatchObject({ status: 3, timedOut: false });
    expect(await real()).toEqual([]);
  });

  it('a killed receiver ends the sender with 3, and never a file under its real name', async () => {
    const { send, recv } = await underWay();
    await recv.kill('SIGKILL');
    expect(await send.event('error')).toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST', exit: 3 });
    expect(await send.ended).toMatchObject({ status: 3, timedOut: false });
    expect(await real()).toEqual([]);
  });

  it('a receiver that stands still, with its connection up, ends the sender with 3', async () => {
    const { send, recv } = await underWay();
    recv.child.kill('SIGSTOP');
    const ended = await send.ended;
    await recv.kill('SIGKILL');
    expect(ended).toMatchObject({ status: 3, timedOut: false });
    expect(ended.events.at(-1)).toMatchObject({
      event: 'error',
      code: 'ERR_XFER_CONNECTION_LOST',
      message: 'nothing was heard from the other side for 8 s',
    });
  }, 30_000);

  it('a sender that stands still ends the receiver with 3', async () => {
    const { send, recv } = await underWay();
    send.child.kill('SIGSTOP');
    const ended = await recv.ended;
    await send.kill('SIGKILL');
    expect(ended).toMatchObject({ status: 3, timedOut: false });
    expect(ended.events.at(-1)).toMatchObject({ event: 'error', code: 'ERR_XFER_CONNECTION_LOST' });
    expect(await real()).toEqual([]);
  }, 30_000);
});

describe('local:DIR', () => {
  it.skipIf(!existsSync('/proc/self/task'))(
    'leaves no receiver behind when the sender is killed',
    async () => {
      const send = await runXfer(['send', file, `local:${out}`, '--json', '--limit', rate], {});
      await send.event('progress');
      const pid = send.child.pid ?? 0;
      const child = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0] ?? '';
      expect(existsSync(`/proc/${child}`)).toBe(true);
      await send.kill('SIGKILL');
      await vi.waitFor(() => expect(existsSync(`/proc/${child}/exe`)).toBe(false), 10_000);
      expect(await real()).toEqual([]);
    },
    20_000,
  );
});
