import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { XferEvent } from '../../src/app/events.js';
import { CountingProxy } from '../support/counting-proxy.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { startRelay } from '../support/start-relay.js';
import { runHere } from '../support/run-here.js';
import { handedOver } from '../support/transfer.js';
import { startReceiverHere } from '../support/commands-here.js';

const MiB = 1024 * 1024;
const chosen = { XFER_CODE: 'one code for all of them' };

let work: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  file = join(work, 'file');
});

const out = (i: number) => join(work, `out${i}`);
const home = (i: number) => join(work, `home${i}`);
const timeoutMs = 60_000;

const receiver = (i: number): Promise<Receiver> =>
  startReceiver(out(i), { env: chosen, home: home(i), timeoutMs });

const three = () => Promise.all([1, 2, 3].map(receiver)) as Promise<[Receiver, Receiver, Receiver]>;

function send(to: readonly string[], ...flags: readonly string[]): Promise<XferRun> {
  const targets = to.flatMap((target) => ['--to', target]);
  return runXfer(['send', file, ...targets, '--json', ...flags], { env: chosen, home: home(0), timeoutMs });
}

async function expectArrived(...at: readonly number[]): Promise<void> {
  const sent = await readFile(file);
  for (const i of at) expect((await readFile(join(out(i), 'file'))).equals(sent), out(i)).toBe(true);
}

const targetsOf = (events: readonly XferEvent[], name: 'done' | 'error') =>
  events.flatMap((event) => (event.event === name ? [event.target] : []));

describe('a transfer to three receivers', () => {
  it('arrives at all of them, each of which is told of with its target', async () => {
    await writeFile(file, randomBytes(8 * MiB));
    const receivers = await three();
    const addresses = receivers.map(({ address }) => address);
    const sent = await (await send(addresses)).ended;
    const received = await Promise.all(receivers.map(({ recv }) => recv.ended));
    expect([sent.status, ...received.map(({ status }) => status)], sent.stdout).toEqual([0, 0, 0, 0]);
    await expectArrived(1, 2, 3);
    expect(targetsOf(sent.events, 'done').sort()).toEqual([...addresses].sort());
    const shared = sent.events.filter((event) => event.event === 'lane' && event.lane === 1);
    expect(shared).toHaveLength(3);
  });

  it('crosses the hop to a relay once', async () => {
    await writeFile(file, randomBytes(8 * MiB));
    const receivers = await Promise.all(
      [1, 2, 3].map((i) => startReceiverHere(out(i), { env: chosen, home: home(i) })),
    );
    const relay = await startRelay();
    const proxy = await CountingProxy.open(relay.url);
    const run = await send(
      receivers.map(({ address }) => address),
      '--via',
      proxy.address,
    );
    const sent = await run.ended;
    await Promise.all(receivers.map(({ recv }) => recv.ended));
    expect(sent.status, sent.stdout).toBe(0);
    await expectArrived(1, 2, 3);
    expect(proxy.bytes).toBeGreaterThan(8 * MiB);
    expect(proxy.bytes).toBeLessThan(8 * MiB * 1.1);
  });

  it('goes to rooms of a relay, small files and all', async () => {
    file = join(work, 'tree');
    await mkdir(file);
    for (let i = 0; i < 300; i++) await writeFile(join(file, `${i}`), randomBytes(50 * i));
    await writeFile(join(file, 'big'), randomBytes(5 * MiB));
    const relay = await startRelay();
    const recvs = await Promise.all(
      [1, 2].map((i) =>
        runHere(['recv', out(i), '--via', relay.url, '--room', `room-${i}`, '--once'], {
          env: chosen,
          home: home(i),
        }),
      ),
    );
    await Promise.all(recvs.map((recv) => recv.event('listening')));
    const sent = await (await send(['room:room-1', 'room:room-2'], '--via', relay.url)).ended;
    await Promise.all(recvs.map((recv) => recv.ended));
    expect(sent.status, sent.stdout).toBe(0);
    expect(sent.events.filter((event) => event.event === 'lane' && event.lane === 1)).toHaveLength(2);
    for (const i of [1, 2]) {
      const names = await readdir(join(out(i), 'tree'));
      expect(names).toHaveLength(301);
      for (const name of names)
        expect((await readFile(join(out(i), 'tree', name))).equals(await readFile(join(file, name)))).toBe(
          true,
        );
    }
  });

  it('is completed by the others when one is killed, and by that one later', async () => {
    await writeFile(file, randomBytes(48 * MiB));
    const receivers = await three();
    const [, killed] = receivers;
    const addresses = receivers.map(({ address }) => address);
    const run = await send(addresses, '--limit', '60MB/s', '--retry', '1s');
    for await (const event of run) if (event.event === 'progress' && event.bytes > 16 * MiB) break;
    await killed.recv.kill();
    const sent = await run.ended;
    await Promise.all(receivers.map(({ recv }) => recv.ended));
    expect(sent.status, sent.stdout).toBe(3);
    expect(targetsOf(sent.events, 'error')).toEqual([killed.address]);
    expect(targetsOf(sent.events, 'done').sort()).toEqual(
      addresses.filter((address) => address !== killed.address).sort(),
    );
    await expectArrived(1, 3);
    expect(await readdir(out(2))).not.toContain('file');
    // Anywhere it listens, and alone.
    const again = await receiver(2);
    const later = await (await send([again.address])).ended;
    await again.recv.ended;
    expect(later.status, later.stdout).toBe(0);
    await expectArrived(2);
    expect(handedOver(later)).toBeLessThan(44 * MiB);
  });

  it('goes on with the one that was killed when the same is said again', async () => {
    await writeFile(file, randomBytes(48 * MiB));
    const receivers = await three();
    const [, , killed] = receivers;
    const run = await send(
      receivers.map(({ address }) => address),
      ...['--limit', '60MB/s', '--retry', '0'],
    );
    for await (const event of run) if (event.event === 'progress' && event.bytes > 16 * MiB) break;
    await killed.recv.kill();
    expect((await run.ended).status).toBe(3);
    const again = await three();
    const sent = await (await send(again.map(({ address }) => address))).ended;
    await Promise.all(again.map(({ recv }) => recv.ended));
    expect(sent.status, sent.stdout).toBe(0);
    await expectArrived(1, 2, 3);
    // Two get it anew and together, the third what it lacks.
    const shared = sent.events.flatMap((event) =>
      event.event === 'lane' && event.lane === 1 && event.state === 'up' ? [event.target] : [],
    );
    expect(shared.sort()).toEqual([again[0].address, again[1].address].sort());
    expect(handedOver(sent)).toBeLessThan(3 * 48 * MiB - 4 * MiB);
  });

  it('has a line for each that failed, and the status of the first', async () => {
    await writeFile(file, 'content');
    const good = await receiver(1);
    const [gone, other] = [await receiver(2), await receiver(3)];
    await Promise.all([gone.recv.kill(), other.recv.kill()]);
    const targets = [good, gone, other].flatMap(({ address }) => ['--to', address]);
    const run = await runXfer(['send', file, ...targets], { env: chosen, home: home(0) });
    const { status, stderr } = await run.ended;
    await good.recv.ended;
    expect(status).toBe(3);
    await expectArrived(1);
    const lines = stderr.split('\n').filter((line) => line.startsWith('xfer: '));
    expect(lines.map((line) => line.slice('xfer: '.length).split(': ')[0]).sort()).toEqual(
      [gone.address, other.address].sort(),
    );
    expect(stderr).toContain(`sent 1 file, 7 B`);
    expect(stderr).toContain(`to ${good.address}: `);
  });

  it('may be to directories of this machine', async () => {
    await writeFile(file, randomBytes(2 * MiB));
    const run = await runXfer(
      ['send', file, '--to', `local:${out(1)}`, '--to', `local:${out(2)}`, '--json'],
      {
        home: home(0),
      },
    );
    const sent = await run.ended;
    expect(sent.status, sent.stdout).toBe(0);
    await expectArrived(1, 2);
  });
});
