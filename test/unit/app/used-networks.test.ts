import { describe, expect, it } from 'vitest';
import { UsedNetworks } from '../../../src/app/used-networks.js';
import type { OwnNetwork } from '../../../src/transport/topology.js';

const at = (cidr: string): OwnNetwork => ({ address: cidr.split('/')[0] ?? '', cidr });
const office = at('192.0.2.7/24');

/** Lanes on these hosts, while this machine has one set of addresses after the other. */
function movesOf(hosts: readonly string[], ...machine: OwnNetwork[][]): number {
  const networks = new UsedNetworks();
  for (const own of machine) networks.handle(hosts, own);
  return networks.moves;
}

describe('UsedNetworks', () => {
  it('containers that come and go are no move', () =>
    expect(
      movesOf(['192.0.2.7'], [office], [office, at('172.17.0.1/16')], [at('172.18.0.1/16'), office]),
    ).toBe(0));

  it('an address that lanes use is gone: once', () =>
    expect(movesOf(['192.0.2.7'], [office], [at('198.51.100.7/24')], [at('198.51.100.7/24')])).toBe(1));

  it('the same address in another network', () =>
    expect(movesOf(['::ffff:192.0.2.7'], [office], [at('192.0.2.7/16')])).toBe(1));

  it('a zone is no part of an address', () =>
    expect(movesOf(['fe80::7%eth0'], [at('fe80::7/64')], [office])).toBe(1));

  it('lanes on one more address are no move, and nothing is known of any address', () => {
    const networks = new UsedNetworks();
    const own = [office, at('198.51.100.7/24')];
    networks.handle(['192.0.2.7', '::'], own);
    networks.handle(['192.0.2.7', '198.51.100.7'], own);
    expect(networks.moves).toBe(0);
  });
});
