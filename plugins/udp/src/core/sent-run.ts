import { packetLayout } from 'xfer/plugin';
import type { PulledContent } from './contract.js';
import type { SendPath } from './send-path.js';
import type { SendStream } from './send-stream.js';

/**
 * Packets of consecutive numbers that were sent at once and whose fate is the same so far: data of one stream, or one
 * control packet. A member of one `SentList` at a time.
 */
export class SentRun {
  previous: SentRun | undefined = undefined;
  next: SentRun | undefined = undefined;

  readonly number: number;
  packets: number;
  /** Whole datagrams. */
  wireBytes: number;
  readonly sentAt: number;
  readonly path: SendPath;
  /** Whether it counts against the window of its path. */
  isCounted = true;

  /** See `DeliveryRate`. */
  delivered = 0;
  deliveredAt = 0;
  firstSentAt = 0;
  isAppLimited = false;
  /** Its own bytes included. */
  inFlightThen = 0;

  /** Data. */
  stream: SendStream | undefined = undefined;
  content: PulledContent | undefined = undefined;
  offset = 0;
  bytes = 0;
  packetBytes = 0;
  fin = false;

  /** Control: what of the control stream it brought. */
  controlFrom = 0;
  controlTo = 0;
  /** The largest number that its ACK told; 0: it had none. */
  ackLargest = 0;
  isClose = false;
  /** Size that it probed; 0: no probe. */
  probeBytes = 0;

  constructor(number: number, packets: number, wireBytes: number, sentAt: number, path: SendPath) {
    this.number = number;
    this.packets = packets;
    this.wireBytes = wireBytes;
    this.sentAt = sentAt;
    this.path = path;
  }

  get last(): number {
    return this.number + this.packets - 1;
  }

  /** The longest of its datagrams. */
  get datagramBytes(): number {
    return this.packets > 1 ? this.packetBytes + packetLayout.dataHeaderBytes : this.wireBytes;
  }

  /** Cuts off the packets from `number` on: they are a run of their own. */
  split(number: number): SentRun {
    const kept = number - this.number;
    const keptBytes = kept * this.packetBytes;
    const keptWireBytes = keptBytes + kept * packetLayout.dataHeaderBytes;
    const rest = new SentRun(
      number,
      this.packets - kept,
      this.wireBytes - keptWireBytes,
      this.sentAt,
      this.path,
    );
    rest.isCounted = this.isCounted;
    rest.delivered = this.delivered;
    rest.deliveredAt = this.deliveredAt;
    rest.firstSentAt = this.firstSentAt;
    rest.isAppLimited = this.isAppLimited;
    rest.inFlightThen = this.inFlightThen;
    rest.stream = this.stream;
    rest.content = this.content;
    rest.offset = this.offset + keptBytes;
    rest.bytes = this.bytes - keptBytes;
    rest.packetBytes = this.packetBytes;
    rest.fin = this.fin;
    this.packets = kept;
    this.wireBytes = keptWireBytes;
    this.bytes = keptBytes;
    this.fin = false;
    return rest;
  }
}
