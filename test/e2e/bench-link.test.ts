import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { parseLink } from '../../src/bench/links.js';
import { openPlace, type LinkPlace } from '../../src/bench/places.js';
import type { BenchReport } from '../../src/bench/report.js';
import { runXfer } from '../support/run-xfer.js';
import { whyNoLink } from '../support/link-emulator.js';

const probePath = fileURLToPath(new URL('../support/udp-probe.mjs', import.meta.url));
const modulePath = (name: string): string => new URL(`../../dist/bench/link/${name}`, import.meta.url).href;

const open: LinkPlace[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((place) => place.close()));
});

describe.skipIf(whyNoLink !== undefined)(`the place of a bench${whyNoLink ? ` (${whyNoLink})` : ''}`, () => {
  it('has its ends on both sides of the link, each direction as it was written', async () => {
    const place = await at(parseLink('satellite'));
    expect(place.isHere).toBe(false);
    const echo = linesOf(run(place.far, 'echo'));
    await echo();
    const child = run(place.near, 'ping', place.farHost);
    const answer = linesOf(child);
    child.stdin?.write('\n');
    const { ms } = (await answer()) as { ms: number };
    expect(ms).toBeGreaterThanOrEqual(600);
    const { toServer, toClient } = await place.statistics();
    expect([toServer.deliveredPackets, toClient.deliveredPackets]).toEqual([1, 1]);
    await place.close();
    expect(existsSync(namespaceOf(place))).toBe(false);
  });

  it('is where xfer bench --link runs what is bare, and the report has it', async () => {
    const words = ['bench', '--link', '80mbit,10ms,0,1MiB', '--seed', '9', '--transport', 'tcp', '--json'];
    const bench = await runXfer([
      ...[...words, '--pattern', 'latency', '--size', '64', '--iterations', '5', '--repeat', '2'],
    ]);
    const { status, stdout } = await bench.ended;
    expect(status, stdout).toBe(0);
    const { rows, skipped, parameters } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BenchReport;
    expect(skipped).toEqual([]);
    expect(rows.map(({ contestant, pattern }) => [contestant, pattern])).toEqual([['tcp', 'latency']]);
    // Of what took no time here both ways of the link are left.
    expect(rows[0]?.latency?.minUs).toBeGreaterThanOrEqual(10_000);
    expect(rows[0]?.samples).toHaveLength(2);
    expect(parameters.link).toEqual(parseLink('80mbit,10ms,0,1MiB', 9));
  });

  it('loses the same packets with the same seed, and others with another', async () => {
    const [one, same, others] = (await Promise.all([3, 3, 4].map(through))) as [
      unknown[],
      unknown[],
      unknown[],
    ];
    // 500 draws of 0.2: four standard deviations are 36.
    expect(Math.abs(one.length - 400)).toBeLessThan(36);
    expect(same).toEqual(one);
    expect(others).not.toEqual(one);
  });
});

/** No root in there, and no right but its own: this user's, and another's where this is root. */
const other = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
const whyNotOther = whyNoLink ?? lackOfOther();

describe.skipIf(whyNotOther !== undefined)(
  `a link of a user who is not root${whyNotOther ? ` (${whyNotOther})` : ''}`,
  () => {
    it('is whole, and in there is nobody but that user', () => {
      const script = `
        import { once } from 'node:events';
        import { openLink } from '${modulePath('open-link.js')}';
        const link = await openLink({ delayMs: 1 });
        const child = link.client.spawn('sh', ['-c', 'id -u; grep CapEff /proc/self/status'], { stdio: ['ignore', 'inherit', 'inherit'] });
        await once(child, 'close');
        await link.close();`;
      const { stdout, stderr, status } = asOther(script);
      expect([status, stderr]).toEqual([0, '']);
      const uid = other.length > 0 ? '65534' : String(process.getuid?.());
      expect(stdout).toMatch(new RegExp(`^${uid}\\nCapEff:\\t0+\\n$`));
    });
  },
);

function asOther(script: string) {
  const words = [...other, process.execPath, '--input-type=module', '-e', script];
  return spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8', timeout: 20_000 });
}

function lackOfOther(): string | undefined {
  const { status, stdout, stderr } = asOther(`
    import { linkLack } from '${modulePath('lack.js')}';
    console.log(linkLack()?.message ?? '');`);
  return status === 0 ? stdout.trim() || undefined : stderr.trim().split('\n').at(-1);
}

async function at(link: Parameters<typeof openPlace>[0]): Promise<LinkPlace> {
  const place = await openPlace(link);
  open.push(place);
  return place;
}

/** The numbers of the packets, of 500, that come to the far end. */
async function through(seed: number): Promise<unknown> {
  // So slow that a busy receiver loses none of its own.
  const place = await at(parseLink('1mbit,0,20%,200kB', seed));
  const child = run(place.far, 'sink');
  const answer = linesOf(child);
  await answer();
  await once(run(place.near, 'source', place.farHost, '500', '100'), 'close');
  const arrived = async (): Promise<number | undefined> => {
    const { toServer } = await place.statistics();
    return toServer.deliveredPackets + toServer.lostPackets === 500 ? toServer.deliveredPackets : undefined;
  };
  await expect.poll(arrived, { timeout: 10_000, interval: 20 }).toBeDefined();
  child.stdin?.write(`${await arrived()}\n`);
  return answer();
}

function run(prefix: readonly string[], ...args: string[]): ChildProcess {
  const words = [...prefix, process.execPath, probePath, ...args];
  return spawn(words[0] ?? '', words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
}

function linesOf(child: ChildProcess): () => Promise<unknown> {
  if (!child.stdout) throw new Error('the probe has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => JSON.parse(((await lines.next()) as { value: string }).value) as unknown;
}

const namespaceOf = ({ near }: LinkPlace): string =>
  near.find((word) => word.startsWith('--net='))?.slice('--net='.length) ?? '';
