import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { startRelay } from '../support/start-relay.js';

const MiB = 1024 * 1024;

let work: string;
let out: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  out = join(work, 'out');
  file = join(work, 'file');
});

const arrived = () => readFile(join(out, 'file'));

describe('a transfer over relays', () => {
  it('arrives as it is over tcp and ws, and both sides say that it was relayed', async () => {
    await writeFile(file, randomBytes(8 * MiB));
    const relays = [await startRelay(), await startRelay({ listen: 'ws://127.0.0.1:0' }), await startRelay()];
    const { recv, address, code } = await startReceiver(out);
    const via = relays.flatMap(({ url }) => ['--via', url]);
    const send = await runXfer(['send', file, address, ...via, '--json', '--lanes', '2'], {
      env: { XFER_CODE: code },
    });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect((await arrived()).equals(await readFile(file))).toBe(true);
    expect(await send.event('connected')).toMatchObject({ path: 'relayed', transport: 'tcp' });
    expect(await send.event('done')).toMatchObject({ path: 'relayed', bytes: 8 * MiB });
  });

  it('meets in the room of the code', async () => {
    await writeFile(file, randomBytes(3 * MiB));
    const relay = await startRelay();
    const recv = await runXfer(['recv', out, '--via', relay.url, '--once', '--json']);
    const { code, room, via, addresses } = await recv.event('listening');
    expect([addresses, via]).toEqual([[], [relay.url]]);
    expect(code?.startsWith(`${room ?? ''}-`)).toBe(true);
    const send = await runXfer(['send', file, '--via', relay.url, '--json'], { env: { XFER_CODE: code } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect((await arrived()).equals(await readFile(file))).toBe(true);
    expect(await recv.event('connected')).toMatchObject({ path: 'relayed' });
  });

  it('meets in a room of its own, with a chosen code, and prints the whole command', async () => {
    await writeFile(file, 'content');
    const relay = await startRelay();
    const chosen = { XFER_CODE: 'a code of our own choice' };
    const args = ['recv', out, '--via', relay.url, '--room', 'our-room', '--once'];
    const recv = await runXfer(args, { env: chosen });
    await recv.until(({ stderr }) => /send PATH room:our-room --via tcp:\/\/127\.0\.0\.1:\d+/.test(stderr));
    const send = await runXfer(['send', file, 'room:our-room', '--via', relay.url], { env: chosen });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect(String(await arrived())).toBe('content');
  });

  it('one receiver waits for many, and stays in its room when a code is spent', async () => {
    await writeFile(file, 'content');
    const relay = await startRelay();
    const recv = await runXfer(['recv', out, '--via', relay.url, '--json']);
    const first = await recv.event('listening');
    for (let n = 0; n < 2; n++) {
      const { code } = recv.events.findLast((event) => event.event === 'listening') ?? first;
      const send = await runXfer(['send', file, '--via', relay.url], { env: { XFER_CODE: code } });
      expect((await send.ended).status).toBe(0);
      await recv.until(() => recv.events.filter((event) => event.event === 'listening').length > n + 1);
    }
    const rooms = recv.events.flatMap((event) => (event.event === 'listening' ? [event.room] : []));
    expect(new Set(rooms)).toEqual(new Set([first.room]));
  });

  it('goes on over the alternative when a relay is killed', async () => {
    await writeFile(file, randomBytes(24 * MiB));
    const [one, two] = [await startRelay(), await startRelay()];
    const { recv, address, code } = await startReceiver(out);
    const args = ['send', file, address, '--via', `${one.url},${two.url}`, '--limit', '12MiB/s', '--json'];
    const send = await runXfer(args, { env: { XFER_CODE: code }, timeoutMs: 30_000 });
    await send.until(() => send.events.some((event) => event.event === 'progress' && event.bytes > 4 * MiB));
    one.run.child.kill('SIGKILL');
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect((await arrived()).equals(await readFile(file))).toBe(true);
  }, 40_000);

  it('says which relay died, and goes on when it is back', async () => {
    await writeFile(file, randomBytes(24 * MiB));
    const [one, two] = [await startRelay(), await startRelay()];
    const { recv, address, code } = await startReceiver(out);
    const via = ['--via', one.url, '--via', two.url];
    const args = ['send', file, address, ...via, '--limit', '12MiB/s', '--json'];
    const send = await runXfer(args, { env: { XFER_CODE: code }, timeoutMs: 30_000 });
    await send.until(() => send.events.some((event) => event.event === 'progress' && event.bytes > 4 * MiB));
    two.run.child.kill('SIGKILL');
    await two.run.ended;
    await send.until(() => send.events.some((event) => event.event === 'note'));
    const bare = (url: string) => url.slice('tcp://'.length);
    expect(await send.event('note')).toMatchObject({
      message: `${bare(one.url)} has lost the connection to ${bare(two.url)}; trying to go on`,
    });
    await startRelay({ listen: two.url });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect((await arrived()).equals(await readFile(file))).toBe(true);
    expect(await readdir(out)).toEqual(['file']);
  }, 40_000);

  it('is found again by a receiver whose relay went away', async () => {
    await writeFile(file, 'content');
    const relay = await startRelay();
    const recv = await runXfer(['recv', out, '--via', relay.url, '--once', '--json']);
    const { code } = await recv.event('listening');
    relay.run.child.kill('SIGKILL');
    await relay.run.ended;
    await startRelay({ listen: relay.url });
    await recv.until(() => recv.events.filter((event) => event.event === 'note').length === 2);
    const send = await runXfer(['send', file, '--via', relay.url], { env: { XFER_CODE: code } });
    expect((await send.ended).status).toBe(0);
    expect((await recv.ended).status).toBe(0);
  });
});

describe('a receiver whose relay says nothing', () => {
  it('ends at once when it is told to', async () => {
    const connected = new Promise<void>((resolve) => silent.once('connection', () => resolve()));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const recv = await runXfer(['recv', out, '--via', `127.0.0.1:${port}`], { timeoutMs: 8_000 });
    await connected;
    const { status, timedOut } = await recv.kill('SIGINT');
    expect([status, timedOut]).toEqual([130, false]);
  });

  const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
  afterAll(() => silent.close());
});

describe('what a relay refuses ends with a reason', () => {
  it.each([
    [
      'an address that it does not dial',
      'tcp://192.0.2.1:4840',
      4,
      /refused: the relay dials no such address/,
    ],
    ['a host that refuses', 'tcp://127.0.0.1:1', 3, /could not reach 127\.0\.0\.1:1: connection refused/],
    ['an empty room', 'room:nobody', 3, /nobody waits in this room/],
    ['a transport that it has not', 'carrier-pigeon://127.0.0.1:1', 7, /it has no such transport/],
  ])('%s', async (_name, target, status, message) => {
    await writeFile(file, 'content');
    const { url } = await startRelay();
    const env = { XFER_CODE: '4821-crossover-clockwork-melon-otter' };
    const send = await (await runXfer(['send', file, target, '--via', url], { env })).ended;
    expect(send.status).toBe(status);
    expect(send.stderr).toMatch(message);
  });

  it('a relay that is not there', async () => {
    await writeFile(file, 'content');
    const env = { XFER_CODE: '4821-crossover-clockwork-melon-otter' };
    const args = ['send', file, 'room:x', '--via', 'tcp://127.0.0.1:1,tcp://127.0.0.1:2'];
    const send = await (await runXfer(args, { env })).ended;
    expect(send.status).toBe(3);
    expect(send.stderr).toMatch(/the relay 127\.0\.0\.1:1: .*connection refused/);
  });

  it('a room without a relay, and a code without a room', async () => {
    await writeFile(file, 'content');
    const env = { XFER_CODE: 'a code of our own choice' };
    const without = await (await runXfer(['send', file, 'room:x'], { env })).ended;
    expect([without.status, without.stderr]).toEqual([2, expect.stringMatching(/--via/)]);
    const { url } = await startRelay();
    const roomless = await (await runXfer(['send', file, '--via', url], { env })).ended;
    expect([roomless.status, roomless.stderr]).toEqual([2, expect.stringMatching(/room:ROOM/)]);
  });
});
