import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import {
  emulatedLink,
  runXferAt,
  whyNoLink,
  type EmulatedLink,
  type LinkEnd,
  type LinkOptions,
  type LinkStatistics,
} from '../support/link-emulator.js';
import { linkMissing } from '../support/link-emulator.mjs';
import { startReceiver } from '../support/receiver.js';
import { temporaryDirectory } from '../support/run-xfer.js';

const probePath = fileURLToPath(new URL('../support/udp-probe.mjs', import.meta.url));

it('says that it needs root, to whoever is not', () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  expect(linkMissing()).toMatch(process.platform === 'linux' ? /needs root/ : /Linux/);
  vi.restoreAllMocks();
});

describe.skipIf(whyNoLink !== undefined)(`an emulated link${whyNoLink ? ` (${whyNoLink})` : ''}`, () => {
  it.each([['IPv4'], ['IPv6']])('delays as asked, by %s', async (version) => {
    const link = await emulatedLink({ delayMs: 15, toClient: { delayMs: 25 } });
    const ping = await pinging(link, version === 'IPv4' ? link.server.address : link.server.address6!);
    const times: number[] = [];
    for (let i = 0; i < 20; i++) times.push((await ping()).ms);
    // The quickest is free of what the machine was busy with.
    expect(Math.min(...times)).toBeGreaterThanOrEqual(40);
    expect(Math.min(...times)).toBeLessThan(41.5);
    await link.close();
  });

  it('keeps to its rate, and to another from one moment to the next', async () => {
    const link = await emulatedLink({ rateBitsPerSecond: 40e6, queueBytes: 2_000_000 });
    await sendNumbered(link, 1000, 1500);
    // By the link's clock: a receiver's tells when a busy machine let it look.
    const between = async (first: number, last: number) => {
      const [from, to] = [await deliveredAt(link, first), await deliveredAt(link, last)];
      return ((to.bytes - from.bytes) * 8) / ((to.atMs - from.atMs) / 1000);
    };
    expect(Math.abs((await between(20, 400)) / 40e6 - 1)).toBeLessThan(0.05);
    await link.change({ rateBitsPerSecond: 10e6 });
    expect(Math.abs((await between(500, 900)) / 10e6 - 1)).toBeLessThan(0.05);
    await link.close();
  });

  it('loses what it is asked to, the same with the same seed', async () => {
    const [one, same, other] = await Promise.all(
      [5, 5, 6].map((seed) => numbersThrough({ loss: 0.2, seed })),
    );
    // 1000 draws of 0.2: four standard deviations are 51.
    expect(Math.abs(one!.length - 800)).toBeLessThan(51);
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('loses in bursts as long as asked', async () => {
    const burst = { startChance: 0.02, meanPackets: 8 };
    const arrived = new Set(await numbersThrough({ burst, seed: 7 }));
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    const lost = numbers.filter((i) => !arrived.has(i));
    const bursts = lost.filter((i) => i === 0 || arrived.has(i - 1));
    expect(lost.length / bursts.length).toBeGreaterThan(4);
    expect(bursts.length).toBeGreaterThan(5);
  });

  it.each([
    ['keeps the order in spite of jitter', false],
    ['changes the order by jitter where asked', true],
  ])('%s', async (_, reordering) => {
    const numbers = await numbersThrough({ delayMs: 5, jitterMs: 20, reordering });
    expect(numbers.length).toBe(1000);
    const sorted = numbers.toSorted((a, b) => a - b);
    if (reordering) expect(numbers).not.toEqual(sorted);
    else expect(numbers).toEqual(sorted);
  });

  it('drops what its queue has no room for, and tells how full it was and for how long', async () => {
    const link = await emulatedLink({ rateBitsPerSecond: 1e6, queueBytes: 30_000, markBytes: 15_000 });
    const sink = await sinking(link);
    await sendNumbered(link, 100, 1500);
    await until(link, ({ toServer }) => toServer.deliveredPackets + toServer.overrunPackets === 100);
    const { toServer, toClient } = await link.statistics();
    expect(toServer.arrivedBytes).toBe(150_000);
    // 20 packets fit; one leaves every 12 ms.
    expect(toServer.deliveredPackets).toBeGreaterThanOrEqual(20);
    expect(toServer.deliveredPackets).toBeLessThan(30);
    expect((await sink(toServer.deliveredPackets)).length).toBe(toServer.deliveredPackets);
    expect(toServer.queueHighWaterBytes).toBe(30_000);
    // Half of them are gone when it is no more than half full.
    expect(toServer.longestAboveMarkMs).toBeGreaterThan(9 * 12);
    expect(toServer.aboveMarkMs).toBeGreaterThanOrEqual(toServer.longestAboveMarkMs);
    // All of it comes at once, and what is dropped is one overrun.
    expect(toServer.overruns).toBe(1);
    expect(toServer.overrunMs).toBeLessThan(100);
    expect(toServer.flows).toEqual([
      { protocol: 17, port: 4000, packets: toServer.deliveredPackets, bytes: toServer.deliveredBytes },
    ]);
    expect(toClient.arrivedPackets).toBe(0);
    await link.resetStatistics();
    expect((await link.statistics()).toServer).toMatchObject({
      arrivedPackets: 0,
      overrunPackets: 0,
      flows: [],
    });
    await link.close();
  });

  it('goes down and comes back, and drops what is larger than a part of the path takes', async () => {
    const link = await emulatedLink();
    const ping = await pinging(link, link.server.address);
    await link.change({ down: true });
    await sendNumbered(link, 2, 100);
    await until(link, ({ toServer }) => toServer.downPackets === 2);
    await link.change({ down: false, toServer: { dropAboveBytes: 1000 } });
    await ping();
    await sendNumbered(link, 3, 1001);
    await until(link, ({ toServer }) => toServer.oversizedPackets === 3);
    await ping();
    expect((await link.statistics()).toServer.deliveredPackets).toBe(2);
    await link.close();
  });

  it('gives the client another address in mid-connection', async () => {
    const link = await emulatedLink();
    const ping = await pinging(link, link.server.address);
    expect((await ping()).from).toBe('10.91.0.1');
    await link.client.moveTo('10.91.7.9');
    expect((await ping()).from).toBe('10.91.7.9');
    expect(link.client.address).toBe('10.91.7.9');
    await link.close();
  });

  it('sets the congestion control of TCP in a namespace, and says where it cannot', async () => {
    const link = await emulatedLink();
    await link.server.useTcp('reno');
    const file = '/proc/sys/net/ipv4/tcp_congestion_control';
    const read = async (end: LinkEnd) => (await onceLine(end.spawn('cat', [file]))).trim();
    expect([await read(link.client), await read(link.server)]).toEqual(['cubic', 'reno']);
    await expect(link.server.useTcp('carrier-pigeons')).rejects.toThrow(/could not be set/);
    await link.close();
  });

  it('carries a transfer between two machines, as xfer sees it', async () => {
    const link = await emulatedLink({ rateBitsPerSecond: 50e6, delayMs: 5, loss: 0.01 });
    const directory = await temporaryDirectory();
    const [path, out] = [join(directory, 'file'), join(directory, 'out')];
    const content = randomBytes(500_000);
    await Promise.all([writeFile(path, content), mkdir(out)]);
    const { recv, address, code } = await startReceiver(out, {
      listen: `tcp://${link.server.address}:0`,
      start: (args, options) => runXferAt(link.server, args, options),
    });
    const env = { XFER_CODE: code };
    const send = await runXferAt(link.client, ['send', path, address, '--json'], { env });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
    expect(content.equals(await readFile(join(out, 'file')))).toBe(true);
    expect((await link.statistics()).toServer.deliveredBytes).toBeGreaterThan(content.length);
    await link.close();
  });

  it('leaves nothing behind when it is closed', async () => {
    const link = await emulatedLink();
    const inside = link.client.spawn('sh', ['-c', 'echo inside; exec sleep 1000']);
    const ended = once(inside, 'close');
    await onceLine(inside);
    await link.close();
    expect((await ended)[1]).toBe('SIGKILL');
    expect(existsSync(link.client.namespace)).toBe(false);
    await expect(link.statistics()).rejects.toThrow(/has ended/);
  });

  it('leaves nothing behind when its owner is killed', async () => {
    const module = new URL('../support/link-emulator.mjs', import.meta.url).href;
    const script = `
      import { openLink } from '${module}';
      const link = await openLink();
      const { pid } = link.server.spawn('sleep', ['1000']);
      console.log(JSON.stringify([Number(link.server.namespace.split('/')[2]), pid]));`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { detached: true });
    const pids = JSON.parse(await onceLine(owner)) as number[];
    expect(pids.every(runs)).toBe(true);
    owner.kill('SIGKILL');
    await vi.waitFor(() => expect(pids.filter(runs)).toEqual([]), { timeout: 10_000 });
  });
});

/** The numbers of the packets, of 1000, that come through to the server, in their order. */
async function numbersThrough(options: LinkOptions): Promise<number[]> {
  // So slow that a busy receiver loses none of its own: 1250 a second.
  const link = await emulatedLink({ rateBitsPerSecond: 1e6, queueBytes: 200_000, ...options });
  const sink = await sinking(link);
  await sendNumbered(link, 1000, 100);
  await until(link, ({ toServer }) => toServer.deliveredPackets + toServer.lostPackets === 1000);
  const numbers = await sink((await link.statistics()).toServer.deliveredPackets);
  await link.close();
  return numbers;
}

async function pinging(
  link: EmulatedLink,
  host: string,
): Promise<() => Promise<{ ms: number; from: string }>> {
  const echo = linesOf(probe(link.server, 'echo'));
  await echo.next();
  const child = probe(link.client, 'ping', host);
  const answers = linesOf(child);
  return () => {
    child.stdin?.write('\n');
    return answers.next() as Promise<{ ms: number; from: string }>;
  };
}

/** A receiver at the server: gives the numbers of the packets that came, in their order, as soon as it has so many. */
async function sinking(link: EmulatedLink): Promise<(count: number) => Promise<number[]>> {
  const child = probe(link.server, 'sink');
  const answers = linesOf(child);
  await answers.next();
  return (count) => {
    child.stdin?.write(`${count}\n`);
    return answers.next() as Promise<number[]>;
  };
}

async function sendNumbered(link: EmulatedLink, count: number, bytes: number): Promise<void> {
  await onceLine(probe(link.client, 'source', link.server.address, String(count), String(bytes)));
}

function probe(end: LinkEnd, ...args: string[]): ChildProcess {
  return end.spawn(process.execPath, [probePath, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

function linesOf(child: ChildProcess): { next(): Promise<unknown> } {
  const lines: Interface = createInterface({ input: child.stdout! });
  const iterator = lines[Symbol.asyncIterator]();
  return {
    async next() {
      const { value, done } = await iterator.next();
      if (done === true) throw new Error('the probe has ended');
      return JSON.parse(value) as unknown;
    },
  };
}

async function onceLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return line;
}

/** What the link has delivered, and when, as soon as it is so many packets. */
async function deliveredAt(link: EmulatedLink, packets: number): Promise<{ bytes: number; atMs: number }> {
  for (;;) {
    const { atMs, toServer } = await link.statistics();
    if (toServer.deliveredPackets >= packets) return { atMs, bytes: toServer.deliveredBytes };
  }
}

async function until(link: EmulatedLink, holds: (statistics: LinkStatistics) => boolean): Promise<void> {
  await vi.waitFor(async () => expect(holds(await link.statistics())).toBe(true), {
    timeout: 10_000,
    interval: 5,
  });
}

/** A process that has ended and that nobody has waited for yet does not run. */
function runs(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.startsWith('Z');
  } catch {
    return false;
  }
}
