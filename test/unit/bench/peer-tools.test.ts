import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ChildKeeper } from '../../../src/bench/child-keeper.js';
import type { BenchSetup, RunResult } from '../../../src/bench/contract.js';
import { pipeBetween, type Flow } from '../../../src/bench/peers/flow.js';
import { iperf3, iperf3Flags } from '../../../src/bench/peers/iperf3.js';
import { iperf3Result } from '../../../src/bench/peers/iperf3-result.js';
import { isListening } from '../../../src/bench/peers/listening.js';
import { netcats } from '../../../src/bench/peers/nc.js';
import { halvesOf } from '../../../src/bench/peers/sockperf.js';
import { loopback } from '../../../src/bench/places.js';
import { plainPath } from '../../../src/bench/sshd.js';
import type { BenchWork } from '../../../src/bench/work.js';

describe('what is run', () => {
  const flow = (direction: Flow['direction'], isKept: boolean): Flow => ({
    ...{ pattern: 'pipe', direction, source: '/from', target: '/to' },
    piped: { producer: ['cat', '/from'], isKept },
  });
  const words = (name: string) => ({ sends: [`${name} sends`], receives: [`${name} receives`] });

  it('the far end of a pipe listens, whichever way the content goes', () => {
    expect(pipeBetween(flow('there', true), words('far'), words('near'))).toEqual({
      far: {
        commands: [{ argv: ['far receives'], process: 'receiver', listens: true }, { argv: ['cat'] }],
        output: '/to',
      },
      near: {
        commands: [
          { argv: ['cat', '/from'], isProducer: true },
          { argv: ['near sends'], process: 'sender' },
        ],
      },
    });
    expect(pipeBetween(flow('back', false), words('far'), words('near'))).toEqual({
      far: {
        commands: [
          { argv: ['cat', '/from'], isProducer: true },
          { argv: ['far sends'], process: 'sender', listens: true },
        ],
      },
      near: {
        commands: [
          { argv: ['near receives'], process: 'receiver' },
          { argv: ['wc', '-c'], isCounter: true },
        ],
      },
    });
  });

  it.each([
    ['OpenBSD netcat (Debian patchlevel 1.219-1)', ['-N', '-l', 'host', '7']],
    ['[v1.10-47]\nconnect to somewhere:', ['-q', '0', '-l', '-s', 'host', '-p', '7']],
    ['Ncat 7.93 ( https://nmap.org/ncat )\nUsage: ncat', ['--send-only', '-l', 'host', '7']],
    ['Ncat: Version 7.93 ( https://nmap.org/ncat )', ['--send-only', '-l', 'host', '7']],
    ['BusyBox v1.36.1 multi-call binary.\n\nUsage: nc [-iN]', undefined],
  ])('each netcat is told in its own words: %s', (said, expected) => {
    const found = netcats.filter(({ says }) => says.test(said));
    expect(found.map(({ words: own }) => [...own.sends, ...own.listen('host', '7')])).toEqual(
      expected ? [expected] : [],
    );
  });

  it('iperf3 runs for whole seconds, or so many bytes, in blocks that it takes', () => {
    const of = (bytes: number, limit: BenchWork['limit'], isBothWays = false, lanes?: number) =>
      iperf3Flags({ bytes, limit, isBothWays }, lanes).join(' ');
    expect(of(65_536, { timeMs: 100 })).toBe('-t 1 -l 65536');
    expect(of(4 << 20, { timeMs: 2_500 }, true)).toBe('-t 3 -l 1048576 --bidir');
    expect(of(1_000, { iterations: 7 })).toBe('-n 7000 -l 1000');
    expect(of(1_000, { iterations: 7 }, false, 4)).toBe('-n 28000 -l 1000 -P 4');
    expect(of(1_000, { timeMs: 1 }, true, 2)).toBe('-t 1 -l 1000 -P 2 --bidir');
  });

  it('no path that a shell or a tool reads otherwise is ever given to one', () => {
    expect(plainPath('/dev/shm/xfer-bench-a1.B_2/+x')).toBe('/dev/shm/xfer-bench-a1.B_2/+x');
    for (const path of ['/tmp/a b', '/tmp/$(reboot)', "/tmp/a'b", '/a;b', '/a,b', '/a:b', '/a\nb', 'a', '/é'])
      expect(() => plainPath(path), path).toThrow(
        expect.objectContaining({ code: 'ERR_XFER_USAGE' }) as Error,
      );
  });
});

/** A tool of this name that is a script, which a bench of `bytes` by memory runs. */
async function ran(script: string, bytes: number): Promise<RunResult> {
  const directory = await mkdtemp(join(tmpdir(), 'xfer-iperf3-'));
  const { signal } = new AbortController();
  const keeper = await ChildKeeper.open(directory, signal);
  try {
    const path = join(directory, 'iperf3');
    await writeFile(path, `#!/bin/sh\n${script}`, { mode: 0o755 });
    const work: BenchWork = { ...once, pattern: 'memory', bytes };
    const setup = { work, place: loopback, signal, countsCpu: false } as BenchSetup;
    const programs = new Map([['iperf3', { path, said: '' }]]);
    return await (await iperf3.open({ setup, keeper, directory, programs })).run(() => undefined);
  } finally {
    await keeper.close();
    await rm(directory, { recursive: true, force: true });
  }
}
const once = { count: 1, limit: { timeMs: 1 }, isBothWays: false };
/** Its end that listens is another program, which ends when that is asked. */
const listens = `if [ "$1" = -s ]; then exec ${process.execPath} -e "require('net').createServer((s)=>process.exit()).listen(process.argv[1], '127.0.0.1')" "$6"; fi\n`;

describe.runIf(process.platform === 'linux')('iperf3 as it is run', () => {
  it('says why it failed in words, not as the last line of an object', async () => {
    const script = `${listens}printf '{\\n\\t"start":\\t{},\\n\\t"error":\\t"unable to connect"\\n}\\n'; exit 1`;
    await expect(ran(script, 1000)).rejects.toMatchObject({
      message: 'iperf3 ended with status 1: unable to connect',
    });
  });

  it('has no figures where it had no time for a whole message', async () => {
    const sums = '{"bytes":500,"seconds":1}';
    const result = `{"start":{},"end":{"streams":[{}],"sum_sent":${sums},"sum_received":${sums}}}`;
    const script = `${listens}exec 2>&1; ${process.execPath} -e "require('net').connect(process.argv[1], '127.0.0.1')" "$4"; echo '${result}'`;
    await expect(ran(script, 1000)).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
    expect(await ran(script, 200)).toMatchObject({ iterations: 2, totalBytes: 500 });
  });
});

describe('what tools say', () => {
  const sum = (bytes: number, seconds: number, retransmits?: number) => ({ bytes, seconds, retransmits });
  const printed = (end: object): string =>
    JSON.stringify({ start: { version: 'iperf 3.12', tcp_mss_default: 1000 }, end });
  const streams = [{ sender: { mean_rtt: 1500 }, receiver: {} }];

  it('of iperf3 what arrived counts, by whoever received it', () => {
    const end = { streams, sum_sent: sum(2_000_000, 1, 20), sum_received: sum(1_900_000, 1.01) };
    expect(iperf3Result(printed(end))).toEqual({
      ...{ totalBytes: 1_900_000, seconds: 1.01 },
      path: { rttMs: 1.5, lossShare: 0.01 },
    });
    const both = {
      ...end,
      ...{ sum_sent_bidir_reverse: sum(6_000_000, 1, 60), sum_received_bidir_reverse: sum(5_000_000, 1.1) },
    };
    expect(iperf3Result(printed(both))).toEqual({
      ...{ totalBytes: 6_900_000, seconds: 1.1 },
      path: { rttMs: 1.5, lossShare: 0.01 },
    });
  });

  it('what a path lost is not told where iperf3 does not tell it', () => {
    const end = { streams: [{}], sum_sent: sum(10, 1), sum_received: sum(10, 1) };
    expect(iperf3Result(printed(end)).path).toEqual({});
  });

  it.each([
    '',
    '{"start":{},"intervals":[],"end":{},"error":"unable to connect to server"}',
    'iperf3: error',
    printed({ streams, sum_sent: sum(0, 1), sum_received: sum(0, 1) }),
    printed({ streams, sum_sent: sum(1, 1), sum_received: { bytes: '1', seconds: 1 } }),
  ])('no figure is made of what is no result: %s', (text) => {
    expect(() => iperf3Result(text)).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_COMMAND_FAILED' }) as Error,
    );
  });

  it('the log of sockperf has halves of round trips', () => {
    const head = 'sockperf: avg-latency=48.323\npacket, txTime(sec), rxTime(sec), latency(usec)\n';
    const halves = halvesOf(
      `${head}0, 2.437039239, 2.437055239, 8.000\n1, 2.440023268, 2.440063268, 20.000\n----\n`,
    );
    expect([halves.count, halves.leastUs, halves.mostUs]).toEqual([2, 8, 20]);
  });

  it('a port is listened on where the kernel says so, and not where it is only connected', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid',
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0',
      '   1: 0100007F:C001 0100007F:C002 01 00000000:00000000 00:00000000 00000000     0',
    ].join('\n');
    expect(isListening(table, 8080)).toBe(true);
    expect([0xc001, 0xc002, 0x1f9, 80].filter((port) => isListening(table, port))).toEqual([]);
  });
});
