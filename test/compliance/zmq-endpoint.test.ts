import { zmq } from '@xfer/zmq';
import { endpointCompliance, endpointOptions } from 'xfer/compliance';
import { addressOf } from '../support/zmq-endpoints.js';

// What is queued goes nowhere when a test is over.
endpointCompliance('zmq+push, zmq+pull', { hasEnd: false, tellsStop: false }, async () => {
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
