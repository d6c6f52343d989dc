import { describe, expect, it, vi } from 'vitest';
import { Gate } from '../../../src/transfer/gate.js';
import { Slots } from '../../../src/transfer/slots.js';

describe('a gate', () => {
  it('lets through at once where the condition holds', async () => {
    await expect(new Gate().until(() => true)).resolves.toBeUndefined();
  });

  it('opens with the check that finds the condition true, not before', async () => {
    const gate = new Gate();
    let isReady = false;
    const through = vi.fn();
    const waiting = gate.until(() => isReady).then(through);
    gate.check();
    await Promise.resolve();
    expect(through).not.toHaveBeenCalled();
    isReady = true;
    gate.check();
    await waiting;
    expect(through).toHaveBeenCalledOnce();
  });

  it('asks nothing of a condition that was met', async () => {
    const gate = new Gate();
    const condition = vi.fn(() => condition.mock.calls.length > 1);
    const waiting = gate.until(condition);
    gate.check();
    await waiting;
    gate.check();
    expect(condition).toHaveBeenCalledTimes(2);
  });
});

describe('slots', () => {
  it('start so many at once and the others in order as places are given back', () => {
    const slots = new Slots(2);
    const started: number[] = [];
    for (let n = 0; n < 5; n++) slots.take(() => started.push(n));
    expect(started).toEqual([0, 1]);
    slots.give();
    expect(started).toEqual([0, 1, 2]);
    slots.give();
    slots.give();
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  it('have as many places after a round as before it', () => {
    const slots = new Slots(2);
    let running = 0;
    let most = 0;
    const start = () => (most = Math.max(most, ++running));
    const end = () => {
      running--;
      slots.give();
    };
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 4; n++) slots.take(start);
      for (let n = 0; n < 4; n++) end();
    }
    expect([most, running]).toEqual([2, 0]);
  });

  it('forget those who leave the queue, however many, and start who is next', () => {
    const slots = new Slots(1);
    const started: number[] = [];
    slots.take(() => started.push(0));
    const leaving = Array.from({ length: 20_000 }, (_, i) => slots.take(() => started.push(i + 1)));
    slots.take(() => started.push(-1));
    for (const leave of leaving) leave();
    slots.give();
    expect(started).toEqual([0, -1]);
    // To leave afterwards gives no place away.
    leaving[0]?.();
    slots.take(() => started.push(-2));
    expect(started).toEqual([0, -1]);
    slots.give();
    expect(started).toEqual([0, -1, -2]);
  });
});
