import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { XferEvent } from '../../src/app/events.js';
import { behindHost, HostProxy } from '../support/host-proxy.js';
import { runXfer, temporaryDirectory, type Ended, type XferRun } from '../support/run-xfer.js';

const MB = 1_000_000;
/** What was promised of a way that is cut; progress itself is told four times a second. */
const mostStallMs = 2_000;
const progressMs = 250;
const timeoutMs = 40_000;
const beatMs = 20;
/** Sender, receiver and proxy are as late as this process, one after the other. */
const machines = 3;

let work: string;
let out: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  [out, file] = [join(work, 'out'), join(work, 'file')];
});

const expectWhole = async () =>
  expect((await readFile(join(out, 'file'))).equals(await readFile(file))).toBe(true);

interface Leg {
  readonly send: XferRun;
  readonly recv: XferRun;
  readonly proxy: HostProxy;
  /** The longest time without any more content over there, in milliseconds; without what the machine was late. */
  longestStall(): number;
}

/** A receiver that listens on tcp and udp behind a proxy of both, and a sender that was told the proxy's host alone. */
async function begin(bytes: number, tcpBytesPerSecond: number, flags: readonly string[]): Promise<Leg> {
  await writeFile(file, randomBytes(bytes));
  const listen = ['tcp', 'udp'].flatMap((scheme) => ['--listen', `${scheme}://${behindHost}:0`]);
  const recv = await runXfer(['recv', out, ...listen, '--json', '--once'], { timeoutMs: 60_000 });
  const { addresses, code } = await recv.event('listening');
  const proxy = await HostProxy.open({ addresses, tcpBytesPerSecond });
  const args = ['send', file, proxy.target, '--json', '--explain', ...flags];
  const send = await runXfer(args, { env: { XFER_CODE: code }, timeoutMs: 60_000 });
  const stalls = watchStalls(send);
  return { send, recv, proxy, longestStall: () => stalls.longestMs - machines * stalls.latenessMs };
}

/** Measures, as events come, how long nothing more was told to be there, and how late this busy machine is at anything. */
function watchStalls(run: XferRun): { longestMs: number; latenessMs: number } {
  const stalls = { longestMs: 0, latenessMs: 0 };
  let dueAt = performance.now() + beatMs;
  const timer = setInterval(() => {
    stalls.latenessMs = Math.max(stalls.latenessMs, performance.now() - dueAt);
    dueAt = performance.now() + beatMs;
  }, beatMs);
  let bytes = 0;
  let movedAt: number | undefined;
  void (async () => {
    for await (const event of run) {
      const now = performance.now();
      const isEnd = event.event === 'phase' && event.phase === 'commit';
      if (!isEnd && (event.event !== 'progress' || event.bytes <= bytes)) continue;
      if (event.event === 'progress') bytes = event.bytes;
      if (movedAt !== undefined) stalls.longestMs = Math.max(stalls.longestMs, now - movedAt);
      movedAt = isEnd ? undefined : now;
    }
    clearInterval(timer);
  })();
  return stalls;
}

const ended = async ({ send, recv }: Leg): Promise<Ended> => {
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  expect([sent.status, received.status], sent.stdout + sent.stderr + received.stdout).toEqual([0, 0]);
  await expectWhole();
  return sent;
};

const isLane = (event: XferEvent, state: 'up' | 'down', transport: string) =>
  event.event === 'lane' && event.state === state && event.transport === transport;
const hasMoved = (bytes: number) => (run: XferRun) =>
  run.events.some((event) => event.event === 'progress' && event.bytes >= bytes);
describe('send to a host without a scheme', { timeout: timeoutMs }, () => {
  it('leaves tcp for udp where tcp is throttled, and tells why with numbers', async () => {
    // Slow enough that it is not over before the trial is judged.
    const leg = await begin(64 * MB, 0.25 * MB, ['--limit', '16MB/s']);
    const sent = await ended(leg);
    expect(sent.events.some((event) => isLane(event, 'up', 'udp'))).toBe(true);
    expect(sent.events.some((event) => isLane(event, 'down', 'tcp'))).toBe(true);
    const won = sent.events.find(
      (event) =>
        event.event === 'explain' && event.decision === 'prefer' && event.address?.startsWith('udp:'),
    );
    expect(won).toMatchObject({ numbers: { ownBytesPerSecond: expect.any(Number) as number } });
    const done = sent.events.at(-1);
    if (done?.event !== 'done') throw new Error('it did not end with done');
    expect(done.transport).toBe('udp');
    // By tcp alone it would take 256.
    expect(done.seconds).toBeLessThan(30);
  });

  it('goes on over udp when tcp is cut without a word', async () => {
    const leg = await begin(24 * MB, 100 * MB, ['--limit', '6MB/s']);
    await leg.send.until(hasMoved(6 * MB));
    leg.proxy.cut('tcp');
    const sent = await ended(leg);
    expect(sent.events.some((event) => isLane(event, 'up', 'udp'))).toBe(true);
    expect(leg.longestStall(), sent.stdout).toBeLessThan(mostStallMs + progressMs);
  });

  it('goes back to tcp when udp is cut without a word', async () => {
    const leg = await begin(32 * MB, 3 * MB, ['--limit', '8MB/s']);
    await leg.send.until(({ events }) => events.some((event) => isLane(event, 'up', 'udp')));
    await leg.send.until(hasMoved(8 * MB));
    leg.proxy.cut('udp');
    const sent = await ended(leg);
    expect(leg.longestStall(), sent.stdout).toBeLessThan(mostStallMs + progressMs);
  });

  it('with --lanes 2: has as many on the other way when the one is cut', async () => {
    const leg = await begin(24 * MB, 100 * MB, ['--limit', '6MB/s', '--lanes', '2']);
    await leg.send.until(hasMoved(6 * MB));
    leg.proxy.cut('tcp');
    const sent = await ended(leg);
    expect(sent.events.filter((event) => isLane(event, 'up', 'udp'))).toHaveLength(2);
    expect(leg.longestStall(), sent.stdout).toBeLessThan(mostStallMs + progressMs);
  });
});
