import { expect, test } from 'vitest';
import { ChildEvents } from '../../../src/bench/child-events.js';

const line = (event: object): string => JSON.stringify(event);

test('keeps what an xfer told last, and what it said besides for whoever has to explain its end', () => {
  const events = new ChildEvents();
  events.handleLine(line({ event: 'listening', addresses: ['tcp://127.0.0.1:1', 'udp://127.0.0.1:1'] }));
  events.handleLine(line({ event: 'connected', peer: 'x' }));
  events.handleLine(line({ event: 'progress', bytes: 1 }));
  events.handleLine(line({ event: 'progress', bytes: 2 }));
  events.handleLine(line({ event: 'lane', state: 'up', numbers: { rttMs: 9, minRttMs: 7 } }));
  events.handleLine(line({ event: 'lane', state: 'up', numbers: { rttMs: 8 } }));
  events.handleLine(line({ event: 'what comes later' }));
  events.handleLine('{"event":');
  events.handleLine('Terminated');
  expect(events).toMatchObject({
    ...{ address: 'tcp://127.0.0.1:1', isConnected: true, progress: { bytes: 2 }, rttMs: 7 },
    ...{ done: undefined, error: undefined, rest: '{"event":\nTerminated\n' },
  });
});

test('an error is told with its own code, or as one of ours where nobody knows that', () => {
  const events = new ChildEvents();
  events.handleLine(line({ event: 'error', code: 'ERR_XFER_REFUSED', message: 'no\u001b', remedy: 'ask' }));
  expect(events.error).toMatchObject({ code: 'ERR_XFER_REFUSED', remedy: 'ask' });
  expect(events.error?.message).not.toContain('\u001b');
  events.handleLine(line({ event: 'error', code: 'constructor', message: 'm', remedy: 'r' }));
  expect(events.error?.code).toBe('ERR_XFER_INTERNAL');
});
