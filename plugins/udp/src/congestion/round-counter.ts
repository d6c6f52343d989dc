import type { AckSample } from './controller.js';

/**
 * Round trips counted by packets: one is over when a packet is acknowledged that was sent after the last one had ended. So
 * a round lasts as long as the queue makes it, and no clock can end it.
 */
export class RoundCounter {
  #count = 0;
  #endsAtBytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Whether a round ended with this ACK. */
  handleAck({ priorDeliveredBytes, deliveredBytes }: AckSample): boolean {
    if (!(priorDeliveredBytes >= this.#endsAtBytes)) return false;
    this.#endsAtBytes = deliveredBytes;
    this.#count++;
    return true;
  }
}
