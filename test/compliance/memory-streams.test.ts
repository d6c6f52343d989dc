import { transportCompliance } from 'xfer/compliance';
import { MemoryStreamsLink, type MemoryStreamsOptions } from '../support/memory-streams-link.js';
import { memory } from '../support/memory-transport.js';
import { PagedMemory } from '../support/paged-memory.js';

const KiB = 1024;
const links: readonly (readonly [string, MemoryStreamsOptions, (() => PagedMemory)?])[] = [
  ['in large pieces', { seed: 5 }],
  ['in small pieces that come late', { seed: 6, pullBytes: 5000, bytesPerTurn: 40_000, delayTurns: 4 }],
  [
    'from memory of its own into memory that readers may keep',
    { seed: 7, pullBytes: 2048 * KiB, bytesPerTurn: 4096 * KiB, aloneBytes: 64 * KiB, mostRetained: 8 },
    () => new PagedMemory(16),
  ],
];

for (const [name, options, own] of links)
  transportCompliance(`memory with streams of its own, ${name}`, () => {
    let newest: MemoryStreamsLink | undefined;
    const at = (port: number) => ({ scheme: 'memory', host: 'here', port });
    // Silence is noticed soon here: the cut link says nothing to either side.
    const mux = { probeIntervalMs: 20, suspectMs: 60, deadMs: 200 };
    const pair = () => {
      const ends = MemoryStreamsLink.pair(options);
      [, newest] = ends;
      return ends;
    };
    return {
      descriptor: memory({ mux, pair, ...(own ? { memory: own } : {}) }),
      listenAt: at(0),
      nobodyAt: at(999),
      vanish: () => newest && (newest.hooks.held = true),
    };
  });
