import { describe, expect, it } from 'vitest';
import { ListenerGate } from '../../../src/transport/listener-gate.js';

describe('the gate of a listener', () => {
  it('counts connections in all and by address, and gives back what is over', () => {
    const gate = new ListenerGate({ maxConnections: 3, maxConnectionsPerAddress: 2 });
    const [first] = [gate.enter('192.0.2.1'), gate.enter('::ffff:192.0.2.1')];
    expect(gate.enter('192.0.2.1')).toBeUndefined();
    expect(gate.enter('192.0.2.2')).toBeDefined();
    expect(gate.enter('192.0.2.3')).toBeUndefined();
    first?.leave();
    expect(gate.enter('192.0.2.1')).toBeDefined();
  });

  it('counts the /64 that an IPv6 host may choose from as one address', () => {
    const gate = new ListenerGate({ maxConnectionsPerAddress: 1 });
    const first = gate.enter('2001:db8::1');
    expect(gate.enter('2001:db8::ffff:2')).toBeUndefined();
    expect(gate.enter('2001:db8:0:1::1')).toBeDefined();
    first?.leave();
    expect(gate.enter('2001:db8::ffff:2')).toBeDefined();
  });

  it('asks its user with the very address, and counts nobody whom that sends away', () => {
    const asked: string[] = [];
    let isOpen = false;
    const gate = new ListenerGate({
      maxConnectionsPerAddress: 1,
      admit: (source) => {
        asked.push(source);
        return isOpen ? { over: () => asked.push('over') } : undefined;
      },
    });
    expect(gate.enter('2001:db8::1')).toBeUndefined();
    isOpen = true;
    gate.enter('2001:db8::1')?.leave();
    expect(asked).toEqual(['2001:db8::1', '2001:db8::1', 'over']);
  });
});
