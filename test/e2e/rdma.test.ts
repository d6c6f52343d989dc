import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chosen } from '../support/campaign.js';
import { startReceiver, type ReceiverOptions } from '../support/receiver.js';
import { dialPipe, listenPipe } from '../support/run-pipe.js';
import { runXfer, temporaryDirectory, type Ended, type XferRun } from '../support/run-xfer.js';
import { startRelay } from '../support/start-relay.js';
import { failureOf, handedOver, notesOf } from '../support/transfer.js';
import { whyNoFabric } from '../support/why-no-fabric.js';
import { hashOf } from './resume-kit.js';

const MB = 1_000_000;
const timeoutMs = 40_000;
const small = 8 * MB;
/** What is sent where something happens in the middle, how fast, and when that is: so much has arrived. */
/** `progress` comes each quarter of a second: the rest takes longer than from one to the next. */
const long = { bytes: 64 * MB, limit: '40MB/s', happensAt: 24 * MB };

const reason = await whyNoFabric();
if (reason !== undefined) process.stderr.write(`NOT TESTED: transfers over rdma: ${reason}\n`);

let work: string;
let file: string;
let out: string;
/** Process ids of all that a test has started. */
let started: number[];

beforeEach(async () => {
  work = await temporaryDirectory();
  [file, out] = [join(work, 'file'), join(work, 'out')];
  started = [];
});

/** Endpoints of shm are files named after the process whose they are. */
afterEach(async () => {
  const names = await readdir('/dev/shm');
  expect(names.filter((name) => started.some((pid) => name.includes(`-${pid}-`)))).toEqual([]);
});

function track<Run extends { readonly child: { readonly pid?: number | undefined } }>(run: Run): Run {
  if (run.child.pid !== undefined) started.push(run.child.pid);
  return run;
}

const receive = async (listen: string, options: ReceiverOptions = {}) => {
  const receiver = await startReceiver(out, { listen, timeoutMs, ...options });
  track(receiver.recv);
  return receiver;
};

const send = async (words: readonly string[], options: { code?: string; home?: string } = {}) => {
  const { code, home } = options;
  const env = { XFER_CODE: code };
  return track(
    await runXfer(['send', ...words, '--json'], { timeoutMs, env, ...(home === undefined ? {} : { home }) }),
  );
};

const relayAt = async (listen: string) => {
  const relay = await startRelay({ listen });
  track(relay.run);
  return relay;
};

async function ended(sender: XferRun, receiver: XferRun) {
  const [sent, received] = await Promise.all([sender.ended, receiver.ended]);
  expect([sent.status, received.status], sent.stdout + received.stdout + received.stderr).toEqual([0, 0]);
  return { sent, received, done: await sender.event('done') };
}

const expectSame = async () => expect(await hashOf(join(out, 'file'))).toBe(await hashOf(file));

/** A file of random bytes; a transfer of it is in the middle. */
async function inTheMiddle(listen: string, flags: readonly string[] = [], recvFlags: readonly string[] = []) {
  await writeFile(file, randomBytes(long.bytes));
  const homes = { sender: await temporaryDirectory(), receiver: await temporaryDirectory() };
  const receiver = await receive(listen, { flags: recvFlags, home: homes.receiver });
  const words = [file, receiver.address, '--limit', long.limit, ...flags];
  const sender = await send(words, { code: receiver.code, home: homes.sender });
  await sender.until(({ events }) => {
    const last = events.at(-1);
    return last?.event === 'progress' && last.bytes >= long.happensAt;
  });
  return { ...receiver, sender, homes };
}

/** Some of what there was has not gone again. */
function expectResumed(again: Ended): void {
  expect(again).toMatchObject({ status: 0, timedOut: false });
  expect(handedOver(again)).toBeGreaterThan(0);
  expect(handedOver(again)).toBeLessThan(long.bytes - 5 * MB);
}

const [tcp, shm] = ['rdma+tcp', 'rdma+shm'];
const schemes = [tcp, shm];
const at = (scheme: string) => `${scheme}://127.0.0.1:0`;
/** Of what only one does in the usual run. */
const usually = (scheme: string) => it.each(chosen(schemes, [scheme]));

describe.skipIf(reason !== undefined)('rdma', { timeout: timeoutMs + 10_000 }, () => {
  usually(tcp)(
    '%s carries a file and a tree of a thousand small ones, with modes and times, over several lanes',
    async (scheme) => {
      await writeFile(file, randomBytes(15 * MB));
      const tree = join(work, 'tree');
      const names = Array.from({ length: 1000 }, (_, n) => join(`${Math.floor(n / 100)}`, `${n}`));
      for (const [n, name] of names.entries()) {
        if (n % 100 === 0) await mkdir(join(tree, `${n / 100}`), { recursive: true });
        await writeFile(join(tree, name), randomBytes(n * 5));
        await chmod(join(tree, name), n % 2 ? 0o640 : 0o755);
        await utimes(join(tree, name), 1e9 + n, 1e9 + n);
      }
      const { recv, address, code } = await receive(at(scheme));
      const sender = await send([file, tree, address, '--lanes', '4', '--limit', '15MB/s'], { code });
      const { done } = await ended(sender, recv);
      expect(done).toMatchObject({ files: 1001, path: 'direct' });
      // They open one behind the other.
      expect(done.lanes, sender.stdout).toBeGreaterThan(1);
      expect(Object.keys(done.transports)).toEqual([scheme]);
      await expectSame();
      const there = join(out, 'tree');
      expect(await readdir(there, { recursive: true })).toHaveLength(1010);
      for (const name of names) {
        const [a, b] = [await lstat(join(tree, name)), await lstat(join(there, name))];
        expect([name, b.mode, b.mtimeMs]).toEqual([name, a.mode, a.mtimeMs]);
        expect((await readFile(join(there, name))).equals(await readFile(join(tree, name))), name).toBe(true);
      }
    },
  );

  usually(shm)(
    '%s goes on where it was when the sender is killed and its command is given again',
    async (scheme) => {
      const { recv, address, code, sender, homes } = await inTheMiddle(at(scheme));
      await sender.kill();
      const again = await send([file, address], { code, home: homes.sender });
      expectResumed(await again.ended);
      await expectSame();
      expect((await recv.kill('SIGINT')).status).toBe(130);
    },
  );

  usually(tcp)(
    '%s goes on where it was when the receiver is killed and comes back, with the sender that stayed',
    async (scheme) => {
      const { recv, address, sender, homes } = await inTheMiddle(at(scheme));
      await recv.kill();
      const second = await receive(address, { flags: [], home: homes.receiver });
      expect(await sender.ended).toMatchObject({ status: 0, timedOut: false });
      await expectSame();
      expect((await second.recv.kill('SIGINT')).status).toBe(130);
    },
  );

  usually(shm)(
    '%s ends with 3 and says why when the receiver is killed, and the next try goes on',
    async (scheme) => {
      const { recv, address, code, sender, homes } = await inTheMiddle(at(scheme), ['--retry', '0']);
      await recv.kill();
      const failure = failureOf(await sender.ended);
      expect(failure).toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST', status: 3 });
      expect(failure.message).not.toBe('');
      const second = await receive(address, { flags: [], home: homes.receiver });
      const again = await send([file, address], { code, home: homes.sender });
      expectResumed(await again.ended);
      await expectSame();
      expect((await second.recv.kill('SIGINT')).status).toBe(130);
    },
  );

  const ends = ['send', 'recv'] as const;
  it.each(
    chosen(
      schemes.flatMap((scheme) => ends.map((who) => [scheme, who] as const)),
      [
        [tcp, 'send'],
        [shm, 'recv'],
      ],
    ),
  )('%s: %s ends with 130 at Ctrl-C in the middle, and the other with an error', async (scheme, who) => {
    const { recv, sender } = await inTheMiddle(at(scheme), ['--retry', '0'], ['--once', '--retry', '0']);
    const [mine, other] = who === 'send' ? [sender, recv] : [recv, sender];
    expect(failureOf(await mine.kill('SIGINT'))).toMatchObject({ status: 130 });
    expect((await other.event('error')).code).toMatch(/^ERR_XFER_/);
    expect((await other.ended).timedOut).toBe(false);
    expect(await readdir(out)).not.toContain('file');
  });

  usually(shm)(
    '%s is one hop of a way over a relay, the other by tcp, and trusted by neither',
    async (scheme) => {
      for (const [here, there] of [
        [at(scheme), 'tcp://127.0.0.1:0'],
        ['tcp://127.0.0.1:0', at(scheme)],
      ] as const) {
        await writeFile(file, randomBytes(small));
        const relay = await relayAt(here);
        const { recv, address, code } = await receive(there, {
          flags: ['--once', '--trust-fabric', '--overwrite', 'always'],
        });
        const sender = await send([file, address, '--via', relay.url, '--trust-fabric'], {
          code,
        });
        const { sent, received, done } = await ended(sender, recv);
        expect(done).toMatchObject({ path: 'relayed', bytes: small });
        expect(notesOf(sent)).toContain(
          'content goes sealed in spite of --trust-fabric: the way leads over a relay',
        );
        expect(notesOf(received).join()).toContain('content goes sealed in spite of --trust-fabric: ');
        for (const { events } of [sent, received])
          for (const event of events) expect(event).not.toHaveProperty('sealed');
        await expectSame();
        expect((await relay.run.kill('SIGINT')).timedOut).toBe(false);
      }
    },
  );

  usually(tcp)(
    '%s leaves content unsealed where both trust the fabric, paired by a code, and not where one does, known by their keys',
    async (scheme) => {
      await writeFile(file, randomBytes(small));
      const homes = { sender: await temporaryDirectory(), receiver: await temporaryDirectory() };
      const [trust, remember] = ['--trust-fabric', '--remember'];
      const paired = await receive(at(scheme), { home: homes.receiver, flags: ['--once', remember, trust] });
      const first = await send([file, paired.address, remember, trust], {
        code: paired.code,
        home: homes.sender,
      });
      const unsealed = await ended(first, paired.recv);
      for (const run of [first, paired.recv])
        expect(await run.event('done')).toMatchObject({ sealed: false });
      expect(notesOf(unsealed.sent).join()).not.toContain('sealed');
      await expectSame();

      await writeFile(file, randomBytes(small));
      const known = await receive(at(scheme), {
        home: homes.receiver,
        flags: ['--once', '--overwrite', 'always'],
      });
      const second = await send([file, known.address, trust], { home: homes.sender });
      const { sent, received, done } = await ended(second, known.recv);
      expect(done).not.toHaveProperty('sealed');
      expect(notesOf(sent)).toEqual([
        'content goes sealed in spite of --trust-fabric: the other side does not say the same',
      ]);
      expect(notesOf(received)).toEqual([]);
      await expectSame();
    },
  );

  usually(shm)('%s carries a pipe both ways', async (scheme) => {
    const [there, back] = [randomBytes(20 * MB), randomBytes(10 * MB + 7)];
    const listening = await listenPipe(['--duplex'], { listen: at(scheme), input: back });
    track(listening.run);
    const dialer = track(await dialPipe(listening, ['--duplex'], { input: there }));
    const [given, taken] = await Promise.all([dialer.ended, listening.run.ended]);
    expect([given.status, taken.status], given.stderr + taken.stderr).toEqual([0, 0]);
    expect(taken.stdout.equals(there)).toBe(true);
    expect(given.stdout.equals(back)).toBe(true);
    expect(taken.events.find(({ event }) => event === 'connected')).toMatchObject({ transport: scheme });
  });
});
