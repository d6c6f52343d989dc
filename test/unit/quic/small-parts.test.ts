import { describe, expect, it } from 'vitest';
import { bindingError } from '../../../plugins/quic/src/binding-error.js';
import { checkTuning, quicConfig } from '../../../plugins/quic/src/config.js';
import type { QuicStats } from '../../../plugins/quic/src/binding.js';
import { PathStats } from '../../../plugins/quic/src/path-stats.js';
import { ReadSize } from '../../../plugins/quic/src/read-size.js';
import { remoteOf } from '../../../plugins/quic/src/remote-address.js';
import { gathered } from '../../../plugins/quic/src/stream-writer.js';

describe('an error of the binding', () => {
  it.each([
    ['Address already in use (os error 98)', 'ERR_XFER_ADDRESS_IN_USE'],
    ['Permission denied (os error 13)', 'ERR_XFER_PERMISSION'],
    ['timed out', 'ERR_XFER_TIMEOUT'],
    ['closed by peer: 0', 'ERR_XFER_CONNECTION_LOST'],
    ["peer doesn't implement any supported version", 'ERR_XFER_VERSION'],
    ['something new', 'ERR_XFER_CONNECTION_LOST'],
  ])('is a row of the table: %s', (said, code) => {
    if (process.platform !== 'linux' && said.includes('98')) return;
    expect(bindingError(new Error(said), 'here')).toMatchObject({ code });
  });
});

describe('what is chosen', () => {
  it('is checked', () => {
    expect(() => quicConfig({ idleTimeoutMs: 0 })).toThrow('idleTimeoutMs');
    expect(quicConfig({ maxStreams: 20 })).toMatchObject({ maxStreams: 20 });
  });

  it('is cubic, or nothing', () => {
    expect(() => checkTuning({ congestion: 'cubic', mtuBytes: 1500 })).not.toThrow();
    expect(() => checkTuning()).not.toThrow();
    const usage = expect.objectContaining({ code: 'ERR_XFER_USAGE' }) as Error;
    expect(() => checkTuning({ congestion: 'bbr' })).toThrow(usage);
  });
});

describe('counters of 32 bits', () => {
  it('go on where they wrap', () => {
    let stats = { pathRtt: 5, pathCwnd: 7, udpTxBytes: 2 ** 32 - 10, udpTxDatagrams: 3 } as QuicStats;
    const path = new PathStats({ stats: () => stats });
    expect(path.sample(0, 1)).toMatchObject({ sentBytes: 2 ** 32 - 10, rttMs: 5, minRttMs: 5 });
    stats = { ...stats, pathRtt: 9, udpTxBytes: 20 };
    expect(path.sample(0.5, 1)).toMatchObject({ sentBytes: 2 ** 32 - 10 });
    expect(path.sample(2, 1)).toMatchObject({
      sentBytes: 2 ** 32 + 20,
      sentDatagrams: 3,
      rttMs: 9,
      minRttMs: 5,
    });
    stats = { ...stats, udpTxBytes: 19 };
    expect(path.sample(4, 1)).toMatchObject({ sentBytes: 2 * 2 ** 32 + 19 });
  });
});

describe('who dials', () => {
  it('is where the binding says', () => {
    expect(remoteOf('/ip4/192.0.2.1/udp/4841/quic-v1/p2p/12D3')).toEqual({ host: '192.0.2.1', port: 4841 });
    expect(remoteOf('/ip6/2001:db8::1/udp/9/quic-v1/p2p/12D3')).toEqual({ host: '2001:db8::1', port: 9 });
    expect(() => remoteOf('/dns/here')).toThrow('/dns/here');
  });
});

describe('writes', () => {
  it('are few: small pieces are copied together, large ones stay where they are', () => {
    const large = new Uint8Array(64 * 1024).fill(7);
    const small = (n: number) => new Uint8Array(10).fill(n);
    const pieces = gathered([small(1), small(2), large, small(3), new Uint8Array(0)]);
    expect(pieces.map(({ length }) => length)).toEqual([20, 64 * 1024, 10]);
    expect(pieces[1]).toBe(large);
    expect(gathered([])).toEqual([]);
  });
});

describe('a read', () => {
  it('asks for little until much comes, and for little again behind it', () => {
    const size = new ReadSize(256 * 1024);
    const asked = [];
    for (const came of [0, 30, 4096, 16 * 1024, 64 * 1024, 256 * 1024, 100_000, 20]) {
      size.handleRead(came);
      asked.push(size.bytes);
    }
    expect(asked).toEqual([4096, 4096, 16_384, 65_536, 262_144, 262_144, 200_000, 4096]);
  });
});
