import { transportCompliance } from 'xfer/compliance';
import { MemoryStreamsLink } from '../support/memory-streams-link.js';
import { memory } from '../support/memory-transport.js';

transportCompliance('memory with streams of its own', () => {
  let newest: MemoryStreamsLink | undefined;
  const at = (port: number) => ({ scheme: 'memory', host: 'here', port });
  // Silence is noticed soon here: the cut link says nothing to either side.
  const mux = { probeIntervalMs: 20, suspectMs: 60, deadMs: 200 };
  const pair = () => {
    const ends = MemoryStreamsLink.pair({ seed: 5 });
    [, newest] = ends;
    return ends;
  };
  return {
    descriptor: memory({ mux, pair }),
    listenAt: at(0),
    nobodyAt: at(999),
    vanish: () => newest && (newest.hooks.held = true),
  };
});
