import { transportCompliance } from 'xfer/compliance';
import type { MemoryLink } from '../support/memory-link.js';
import { memory } from '../support/memory-transport.js';

transportCompliance('memory', () => {
  let newest: MemoryLink | undefined;
  const at = (port: number) => ({ scheme: 'memory', host: 'here', port });
  // Silence is noticed soon here: the cut link says nothing to either side.
  const mux = { probeIntervalMs: 20, suspectMs: 60, deadMs: 200 };
  return {
    descriptor: memory({ mux, onLink: (_dialer, listener) => (newest = listener) }),
    listenAt: at(0),
    nobodyAt: at(999),
    vanish: () => newest && (newest.hooks.held = true),
  };
});
