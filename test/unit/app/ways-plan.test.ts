import { describe, expect, it } from 'vitest';
import { planWays } from '../../../src/app/ways-plan.js';

const all = ['tcp', 'udp', 'quic', 'ws', 'wss'];
const shown = (port: number | undefined, schemes: readonly string[]) =>
  planWays({ host: 'far', port }, new Set(schemes)).map(
    ({ address, afterMs }) => `${address.scheme} ${address.host} ${address.port} +${afterMs}`,
  );

describe('planWays', () => {
  it('begins with tcp, and ends where all but 443 is blocked', () => {
    expect(shown(undefined, all)).toEqual([
      'tcp far 4840 +0',
      'udp far 4840 +150',
      'quic far 4841 +150',
      'tcp far 443 +200',
      'wss far 443 +100',
      'quic far 443 +100',
      'udp far 443 +100',
      'ws far 4840 +100',
    ]);
  });

  it('stays at the port that was named, since another receiver may be beside it', () => {
    expect(shown(5000, all)).toEqual([
      'tcp far 5000 +0',
      'udp far 5000 +150',
      'quic far 5000 +200',
      'wss far 5000 +100',
      'ws far 5000 +100',
    ]);
    expect(shown(4840, ['udp', 'quic'])).toEqual([
      'udp far 4840 +0',
      'quic far 4841 +150',
      'quic far 4840 +200',
    ]);
    expect(shown(4841, ['quic'])).toEqual(['quic far 4841 +0']);
  });

  it('tries what a plugin brings behind all others', () => {
    expect(shown(undefined, ['udp', 'serial', 'rdma'])).toEqual([
      'udp far 4840 +0',
      'udp far 443 +200',
      'serial far 4840 +200',
      'rdma far 4842 +100',
    ]);
    expect(shown(5000, ['tcp', 'serial'])).toEqual(['tcp far 5000 +0', 'serial far 5000 +200']);
    expect(shown(undefined, ['serial'])).toEqual(['serial far 4840 +0']);
  });

  it('begins at once with whatever may be used', () => {
    expect(shown(undefined, ['udp'])).toEqual(['udp far 4840 +0', 'udp far 443 +200']);
    expect(shown(undefined, ['wss'])).toEqual(['wss far 443 +0']);
    expect(shown(undefined, [])).toEqual([]);
  });
});
