import { zmq } from '@xfer/zmq';
import { endpointCompliance, endpointOptions } from 'xfer/compliance';
import { addressOf } from '../support/zmq-endpoints.js';

// What is queued goes nowhere when a test is over.
const traits = { hasEnd: false, tellsStop: false } as const;

endpointCompliance('zmq+push, zmq+pull', traits, async () => {
  const kind = await zmq().load();
  return {
    kind,
    open: async () => {
      const far = await kind.open('zmq+pull:bind:tcp://127.0.0.1:*?hwm=20', endpointOptions('source'));
      const near = await kind.open(`zmq+push:${addressOf(far)}?hwm=20`, endpointOptions('sink'));
      return { near, far: () => Promise.resolve(far) };
    },
    good: 'zmq+push:tcp://127.0.0.1:9',
    rubbish: ['zmq+push:', 'zmq+push:tcp://', 'zmq+push:udp://127.0.0.1:1', 'zmq+push:tcp://a:1?x=1'],
  };
});

// A router's messages have the sender in front, and a pub does not wait: neither passes a suite of what comes out as it went in.
endpointCompliance('zmq+dealer', { ...traits, isDuplex: true }, async () => {
  const kind = await zmq().load();
  return {
    kind,
    open: async (use) => {
      const both = use === 'both';
      const far = await kind.open(
        'zmq+dealer:bind:tcp://127.0.0.1:*?hwm=20',
        endpointOptions(both ? 'both' : 'source'),
      );
      const near = await kind.open(
        `zmq+dealer:${addressOf(far)}?hwm=20`,
        endpointOptions(both ? 'both' : 'sink'),
      );
      return { near, far: () => Promise.resolve(far) };
    },
    good: 'zmq+dealer:tcp://127.0.0.1:9',
    rubbish: ['zmq+dealer:', 'zmq+dealer:inproc://a', 'zmq+dealer:tcp://a:1?topic=a'],
  };
});
