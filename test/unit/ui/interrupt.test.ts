import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { interruptSignal } from '../../../src/ui/interrupt.js';

// A signal that nothing else here listens to.
const name = 'SIGWINCH';
const press = () => process.emit(name, name);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  process.removeAllListeners(name);
});

it('aborts at the first signal', () => {
  const signal = interruptSignal([name]);
  expect(signal.aborted).toBe(false);
  press();
  expect(signal.reason).toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
});

it('lets what has begun to end in order end, until the second signal', () => {
  const endInOrder = vi.fn(() => true);
  const signal = interruptSignal([name], endInOrder);
  press();
  expect(signal.aborted).toBe(false);
  press();
  expect(signal.aborted).toBe(true);
  expect(endInOrder).toHaveBeenCalledOnce();
});

it('waits five seconds for it', () => {
  const signal = interruptSignal([name], () => true);
  press();
  vi.advanceTimersByTime(4999);
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(signal.aborted).toBe(true);
});
