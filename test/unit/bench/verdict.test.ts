import { describe, expect, it } from 'vitest';
import type { BenchParameters, BenchReport, BenchRow } from '../../../src/bench/report.js';
import { benchVerdict } from '../../../src/bench/verdict.js';
import { streamBuffer, type VerdictFacts } from '../../../src/bench/verdict-facts.js';
import { referenceOf, reportOf, rowOf } from '../../support/bench-report.js';

const facts: VerdictFacts = { platform: 'linux', sudo: 'sudo ', streamBufferBytes: 6_291_456 };
const link = { name: null, bitsPerSecond: 1e8, delayMs: 20, lossShare: 0, seed: 1 };
const at = (parameters: Partial<BenchParameters>): Partial<BenchReport> => ({
  parameters: { ...reportOf([]).parameters, ...parameters },
});
const busy = (sender: number, receiver: number) => ({
  cpu: [
    { process: 'sender', seconds: sender },
    { process: 'receiver', seconds: receiver },
  ],
});
const back = { bitsPerSecond: 2e7, delayMs: 20, lossShare: 0 };
const { transport: _tcp, ...autoRow } = rowOf([1e6], { contestant: 'auto' });
const streamLayer = rowOf([2e10], {
  ...{ pattern: 'memory', bytes: 2 ** 20, contestant: 'stream layer', transport: 'memory' },
});
/** A run of one second. */
const GiB = 2 ** 30;

describe('the verdict', () => {
  it.each<{
    of: string;
    rows: readonly BenchRow[];
    over?: Partial<BenchReport>;
    bottleneck: string;
    share?: number;
    finding: RegExp;
    advice: readonly string[];
  }>([
    {
      of: 'a full link',
      rows: [rowOf([1.2e7, 1.2e7], { path: { bottleneck: 'seal' } })],
      over: at({ link }),
      ...{ bottleneck: 'network', share: 0.96, finding: /link is full/, advice: [] },
    },
    {
      of: 'a full machine, whatever the transfer itself says',
      rows: [rowOf([GiB], { ...busy(0.8, 1.1), path: { bottleneck: 'disk' } }), referenceOf([4 * GiB])],
      ...{ bottleneck: 'processor', share: 0.25, finding: /keep 1\.90 of its 2 cores busy/ },
      advice: ['xfer bench --serve', 'xfer bench HOST'],
    },
    {
      of: 'one that seals as fast as it can, on a machine with cores to spare',
      rows: [rowOf([GiB], { ...busy(1.4, 0.7), path: { bottleneck: 'seal', lanes: 1 } })],
      over: { cores: 8 },
      ...{ bottleneck: 'processor', finding: /waited for the sender's processor, which seals/ },
      advice: ['xfer bench --lanes 2', 'xfer bench --no-seal'],
    },
    {
      of: 'a busy loop of which the transfer says nothing',
      rows: [rowOf([GiB], { ...busy(0.4, 1.05), isSealed: false, path: { lanes: 2 } })],
      over: { cores: 8 },
      ...{
        bottleneck: 'processor',
        finding: /The receiver keeps 1\.05 cores busy/,
        advice: ['xfer bench --lanes 4'],
      },
    },
    {
      of: 'files that are slow to write',
      rows: [rowOf([1e8], { path: { bottleneck: 'disk' } })],
      ...{
        bottleneck: 'disk',
        finding: /waited for the receiver to write/,
        advice: ['xfer bench --pattern pipe'],
      },
    },
    {
      of: 'a pipe that is fed slowly: no disk',
      rows: [rowOf([1e8], { pattern: 'pipe', path: { bottleneck: 'source' } })],
      ...{ bottleneck: 'unknown', finding: /Nothing that was measured tells/, advice: [] },
    },
    {
      of: 'tcp on a path that loses packets',
      rows: [rowOf([1e6], { path: { lossShare: 0.01, rttMs: 100 } })],
      over: at({ target: 'tcp://192.0.2.7:4840' }),
      ...{ bottleneck: 'loss', finding: /loses 1\.0 % of the packets, and tcp slows down/ },
      advice: ['xfer bench --transport udp --cc bbr', 'sudo sysctl -w net.ipv4.tcp_congestion_control=bbr'],
    },
    {
      of: 'udp with cubic on a link that loses packets',
      rows: [rowOf([1e6], { contestant: 'udp', transport: 'udp' })],
      over: at({ congestion: 'cubic', link: { ...link, lossShare: 0.02 } }),
      ...{
        bottleneck: 'loss',
        share: 0.08,
        finding: /and cubic slows down/,
        advice: ['xfer bench --transport udp --cc bbr'],
      },
    },
    {
      of: 'udp with bbr there: loss does not hold it back, and nothing tells what does',
      rows: [rowOf([1e6], { contestant: 'udp', transport: 'udp' })],
      over: at({ link: { ...link, lossShare: 0.02 } }),
      ...{ bottleneck: 'unknown', share: 0.08, finding: /Nothing that was measured tells/, advice: [] },
    },
    {
      of: 'loss within this machine, which is a queue of its own',
      rows: [rowOf([1e9], { path: { lossShare: 0.05 } })],
      ...{ bottleneck: 'unknown', finding: /Nothing that was measured tells/, advice: [] },
    },
    {
      of: 'a long path through small buffers',
      rows: [rowOf([3e7], { path: { rttMs: 100, bottleneck: 'network' } })],
      over: at({ target: 'tcp://192.0.2.7:4840' }),
      ...{ bottleneck: 'window', finding: /holds 3\.00 MB a lane .*6\.29 MB/ },
      advice: [
        'xfer bench --lanes 2',
        'sudo sysctl -w net.ipv4.tcp_rmem="4096 131072 67108864" net.ipv4.tcp_wmem="4096 16384 67108864"',
      ],
    },
    {
      of: 'a path that says no more than that it is slow',
      rows: [rowOf([3e6], { path: { rttMs: 10, bottleneck: 'network' } })],
      over: at({ target: 'tcp://192.0.2.7:4840' }),
      ...{ bottleneck: 'network', finding: /waited for the network/, advice: ['xfer bench --transport all'] },
    },
    {
      of: 'one as fast as the kernel',
      rows: [rowOf([2.9e9], { pattern: 'memory' }), referenceOf([3e9], { pattern: 'memory' })],
      ...{
        bottleneck: 'network',
        share: 2.9 / 3,
        finding: /as fast as one connection gets/,
        advice: ['xfer bench --lanes 2'],
      },
    },
    {
      of: 'one faster than it: no more than all',
      rows: [rowOf([9e9], { pattern: 'memory', transport: 'rdma', contestant: 'rdma' }), referenceOf([3e9])],
      ...{ bottleneck: 'network', share: 1, finding: /as fast as one/, advice: ['xfer bench --lanes 2'] },
    },
    {
      of: 'four lanes as fast as one connection of the kernel',
      rows: [rowOf([2.9e9], { pattern: 'memory', path: { lanes: 4 } }), referenceOf([3e9])],
      over: at({ lanes: 4 }),
      ...{ bottleneck: 'network', share: 2.9 / 3, finding: /Its 4 lanes together are as fast as one/ },
      advice: ['xfer bench --lanes 8'],
    },
    {
      of: 'as many lanes as there may be',
      rows: [rowOf([2.9e9], { pattern: 'memory' }), referenceOf([3e9])],
      over: at({ lanes: 16 }),
      ...{ bottleneck: 'network', share: 2.9 / 3, finding: /Its 16 lanes/, advice: [] },
    },
    {
      of: 'both ways at once, of twice what one way has',
      rows: [rowOf([3e9], { pattern: 'memory', isBothWays: true }), referenceOf([3e9])],
      over: at({ isBothWays: true }),
      ...{ bottleneck: 'unknown', share: 0.5, finding: /50 % of twice the 3\.00 GB\/s/, advice: [] },
    },
    {
      of: 'both ways over a link that is slower on the way back, which both have to wait for',
      rows: [rowOf([4e6], { isBothWays: true })],
      over: at({ isBothWays: true, link: { ...link, back } }),
      ...{ bottleneck: 'unknown', share: 0.8, finding: /80 % of the 5\.00 MB\/s of the link/, advice: [] },
    },
    {
      of: 'pipes both ways for a time, each at the rate of its direction',
      rows: [rowOf([7.5e6], { pattern: 'pipe', isBothWays: true })],
      over: at({
        ...{ isBothWays: true, link: { ...link, back } },
        works: [{ pattern: 'pipe', bytes: 2 ** 30, count: 1, limit: { timeMs: 1000 } }],
      }),
      ...{ bottleneck: 'unknown', share: 0.5, finding: /50 % of the 15\.0 MB\/s of the link/, advice: [] },
    },
    {
      of: 'what xfer chose by itself on a link that loses packets',
      rows: [autoRow],
      over: at({ link: { ...link, lossShare: 0.01 } }),
      ...{ bottleneck: 'unknown', share: 0.08, finding: /^auto carried [^]*Nothing that was/, advice: [] },
    },
    {
      of: 'the stream layer beside a transport: the transport alone',
      rows: [streamLayer, rowOf([1e9], { pattern: 'memory', bytes: 2 ** 20 }), referenceOf([2e9])],
      ...{ bottleneck: 'unknown', share: 0.5, finding: /^tcp carried(?!.*stream layer)/, advice: [] },
    },
    {
      of: 'the stream layer alone, of which the kernel is no measure',
      rows: [streamLayer, referenceOf([2e9])],
      ...{ bottleneck: 'unknown', finding: /^stream layer carried[^%]*There is no path in it/, advice: [] },
    },
    {
      of: 'latency alone',
      rows: [rowOf([1e6], { pattern: 'latency', bytes: 64 })],
      ...{ bottleneck: 'latency', finding: /A message at a time/, advice: [] },
    },
    {
      of: 'latency alone over a link, of whose rate it is no share',
      rows: [rowOf([1e6], { pattern: 'latency', bytes: 64 })],
      over: at({ link }),
      ...{ bottleneck: 'latency', finding: /A message at a time/, advice: [] },
    },
    {
      of: 'peers alone',
      rows: [rowOf([1e9], { kind: 'peer', contestant: 'scp' })],
      ...{ bottleneck: 'unknown', finding: /Nothing of xfer/, advice: [] },
    },
  ])('of $of', ({ rows, over, bottleneck, share, finding, advice }) => {
    const verdict = benchVerdict(reportOf(rows, over), facts);
    expect({ bottleneck: verdict.bottleneck, advice: verdict.advice }).toEqual({ bottleneck, advice });
    if (share === undefined) expect(verdict).not.toHaveProperty('share');
    else expect(verdict.share).toBeCloseTo(share, 6);
    expect(verdict.findings.join(' ')).toMatch(finding);
  });

  it('says in whole sentences how fast, beside what, and how surely', () => {
    const best = rowOf([7e8, 7.6e8, 1.2e9], {
      besides: [
        { contestant: 'scp', ratio: 1.31, min: 1.2, max: 1.42 },
        { contestant: 'rsync', ratio: 0.8, min: 0.7, max: 0.9 },
        { contestant: 'ssh', ratio: 1.2, min: 0.9, max: 1.5 },
      ],
    });
    const rows = [
      ...[best, rowOf([5e8], { contestant: 'udp', transport: 'udp' }), referenceOf([1.9e9])],
      rowOf([2e9], { pattern: 'memory', bytes: 2 ** 20 }),
    ];
    expect(benchVerdict(reportOf(rows), facts).findings).toEqual([
      "tcp carried 760 MB/s (file, 1GiB), 40 % of the 1.90 GB/s that this machine's kernel gives one connection.",
      'Nothing that was measured tells what holds it back.',
      'On the same work: udp 500 MB/s.',
      'Bare, from memory to memory, tcp carries 2.00 GB/s: 62 % of that goes to sealing, files and the protocol.',
      'tcp is 1.31 times as fast as scp (1.20 to 1.42 in single rounds).',
      'rsync is 1.25 times as fast as tcp (1.11 to 1.43 in single rounds).',
      'tcp and ssh are about as fast (1.20 times, 0.90 to 1.50 in single rounds).',
      'Its runs differ by 66 %: something else is at work here, or on the path. Trust ratios of the same round more.',
    ]);
  });

  it('says of tools that they went without the relays', () => {
    const besides = ([1.3, 0.8, 1] as const).map((ratio) => ({
      ...{ contestant: 'scp', ratio, min: ratio, max: ratio },
    }));
    const { findings } = benchVerdict(reportOf([rowOf([1e8], { besides })], at({ hops: 2 })), facts);
    expect(findings.slice(2)).toEqual([
      'tcp is 1.30 times as fast as scp without relays (1.30 to 1.30 in single rounds).',
      'scp without relays is 1.25 times as fast as tcp (1.25 to 1.25 in single rounds).',
      'tcp and scp without relays are about as fast (1.00 times, 1.00 to 1.00 in single rounds).',
    ]);
  });

  it('begins with the addon where that is missing', () => {
    const row = rowOf([GiB], busy(1, 1));
    const { advice } = benchVerdict(reportOf([row]), { ...facts, addonRemedy: 'unset XFER_NATIVE' });
    expect(advice[0]).toBe('unset XFER_NATIVE');
  });
});

describe('the buffers of streams', () => {
  it('are the smaller of what both directions may grow to', () => {
    expect(streamBuffer('4096\t131072\t6291456\n', '4096\t16384\t4194304\n')).toBe(4_194_304);
    expect(streamBuffer('4096\t131072\t6291456\n', '')).toBeUndefined();
  });
});
