import { describe, expect, it } from 'vitest';
import { FabricTrust, type Way } from '../../../src/session/fabric-trust.js';

const way = (changes: { isFabric?: boolean; isRelayed?: boolean } = {}): Way => {
  const { isFabric = true, isRelayed = false } = changes;
  const remote = { scheme: isFabric ? 'rdma' : 'tcp', host: '192.0.2.1', port: 1 };
  return { capabilities: { isFabric }, isRelayed, remote };
};
const each = [false, true];
const cases = each.flatMap((wanted) =>
  each.flatMap((remote) =>
    each.flatMap((isFabric) => each.map((isRelayed) => ({ wanted, remote, isFabric, isRelayed }))),
  ),
);

function trust(wanted: boolean, first: Way, remote: boolean | undefined): FabricTrust {
  const made = new FabricTrust({ wanted, way: () => first });
  made.handleLane(0, () => first);
  made.handleHello(remote === undefined ? {} : { trustFabric: remote });
  return made;
}

describe('whether content need not be sealed', () => {
  it.each(cases)('$wanted here, $remote there, a fabric $isFabric, relayed $isRelayed', (given) => {
    const { wanted, remote, isFabric, isRelayed } = given;
    const made = trust(wanted, way({ isFabric, isRelayed }), remote);
    expect(made.isOffered).toBe(wanted && !isRelayed);
    expect(made.isSealed(0)).toBe(!(wanted && remote && isFabric && !isRelayed));
    expect(made.whySealed === undefined).toBe(!wanted || !made.isSealed(0));
  });

  it('says why not', () => {
    expect(trust(true, way({ isFabric: false }), true).whySealed).toMatch(
      /^tcp is no fabric; where one joins/,
    );
    expect(trust(true, way({ isFabric: false }), false).whySealed).toBe(
      'the other side does not say the same',
    );
    expect(trust(true, way({ isRelayed: true }), true).whySealed).toBe('the way leads over a relay');
    expect(trust(true, way(), false).whySealed).toBe('the other side does not say the same');
    // A peer that does not know of it.
    expect(trust(true, way(), undefined).whySealed).toBe('the other side does not say the same');
    expect(trust(true, way(), true).whySealed).toBeUndefined();
  });

  it('is each lane’s own matter', () => {
    const made = trust(true, way(), true);
    made.handleLane(1, () => way({ isFabric: false }));
    made.handleLane(2, () => way({ isRelayed: true }));
    made.handleLane(3, () => way());
    expect([0, 1, 2, 3, 4].map((lane) => made.isSealed(lane))).toEqual([false, true, true, false, true]);
  });

  it('is so on a fabric that joins what began over something else', () => {
    const made = trust(true, way({ isFabric: false }), true);
    made.handleLane(1, () => way());
    made.handleLane(2, () => way({ isRelayed: true }));
    expect([0, 1, 2].map((lane) => made.isSealed(lane))).toEqual([true, false, true]);
  });

  it('is so nowhere in a session that began over a relay, not even on a fabric that joins', () => {
    const made = trust(true, way({ isRelayed: true, isFabric: false }), true);
    made.handleLane(1, () => way());
    expect([made.isOffered, made.isSealed(0), made.isSealed(1)]).toEqual([false, true, true]);
  });

  it('is not before the other side has said so', () => {
    const made = new FabricTrust({ wanted: true, way: () => way() });
    made.handleLane(0, () => way());
    expect(made.isSealed(0)).toBe(true);
  });

  it('asks for no way where nobody wants it', () => {
    const never = () => expect.unreachable();
    const made = new FabricTrust({ wanted: false, way: never });
    made.handleLane(0, never);
    made.handleHello({ trustFabric: true });
    expect([made.isOffered, made.isSealed(0), made.whySealed]).toEqual([false, true, undefined]);
  });

  it('is told of afterwards only where some went so', () => {
    const made = trust(true, way(), true);
    expect(made.hasCarriedPlain).toBe(false);
    made.handlePlain();
    expect(made.hasCarriedPlain).toBe(true);
  });
});
