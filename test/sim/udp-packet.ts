import type { Place } from './udp-network.js';

const nothing = new Uint8Array(0);

/**
 * A datagram under way, as what its header says; its content is where the sender has it. Pooled: whoever takes one off
 * the network gives it back by `release`.
 */
export class SimPacket {
  isData = false;
  number = 0;
  streamId = 0;
  offset = 0;
  fin = false;
  /** Content from `at` on, or frames. */
  source: Uint8Array = nothing;
  at = 0;
  bytes = 0;
  /** UDP payload. */
  datagramBytes = 0;
  /** CE. */
  isMarked = false;
  /** Altered where the tag shows it: the receiving socket drops it. */
  isForged = false;
  from: Place | undefined;
  to: Place | undefined;
  /** In the world's time; where an attacker remembers it: seen. */
  arrivesAt = 0;

  copy(): SimPacket {
    const { arrivesAt: _, ...fields } = this;
    return Object.assign(SimPacket.take(), fields);
  }

  release(): void {
    this.source = nothing;
    this.from = this.to = undefined;
    this.isMarked = this.isForged = false;
    if (free.length < mostFree) free.push(this);
  }

  static take(): SimPacket {
    return free.pop() ?? new SimPacket();
  }
}

const free: SimPacket[] = [];
const mostFree = 100_000;
