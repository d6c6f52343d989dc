import type {
  AckSample,
  CongestionController,
  LossSample,
} from '../../plugins/udp/src/congestion/controller.js';

/**
 * What a flow of TCP does in the same bottleneck, as plainly as can be: a window without a pace, slow start, and CUBIC's
 * curve (RFC 8312) or Reno's line behind it. It stands beside the controllers, and shares no code with them.
 */
export class ReferenceTcp implements CongestionController {
  readonly name: 'reno' | 'cubic';
  readonly pacingRate = Infinity;
  readonly #packetBytes: number;
  #window = 10;
  #threshold = Infinity;
  #lossAt = -Infinity;
  #largest = 0;
  #renoWindow = 0;

  constructor(name: 'reno' | 'cubic', packetBytes = 1448) {
    this.name = name;
    this.#packetBytes = packetBytes;
  }

  get windowBytes(): number {
    return this.#window * this.#packetBytes;
  }

  handleSent(): void {}

  handleAck({ now, ackedBytes, smoothedRttMs }: AckSample): void {
    const acked = ackedBytes / this.#packetBytes;
    if (this.#window < this.#threshold) this.#window += acked;
    else if (this.name === 'reno') this.#window += acked / this.#window;
    else {
      const seconds = (now - this.#lossAt + smoothedRttMs) / 1000;
      const flat = Math.cbrt((this.#largest * 0.3) / 0.4);
      const curve = 0.4 * (seconds - flat) ** 3 + this.#largest;
      this.#renoWindow += (0.53 * acked) / this.#window;
      const wanted = Math.min(1.5 * this.#window, Math.max(curve, this.#renoWindow));
      this.#window += Math.max(0, ((wanted - this.#window) / this.#window) * acked);
    }
  }

  handleLoss({ now, sentAt }: LossSample): void {
    if (sentAt <= this.#lossAt) return;
    this.#lossAt = now;
    this.#largest = this.#window < this.#largest ? this.#window * 0.85 : this.#window;
    this.#window = Math.max(2, this.#window * (this.name === 'reno' ? 0.5 : 0.7));
    this.#threshold = this.#renoWindow = this.#window;
  }

  handlePersistentCongestion(now: number): void {
    this.#lossAt = now;
    this.#threshold = Math.max(2, this.#window / 2);
    this.#window = 2;
  }

  handleSpuriousLoss(): void {}
  handleDatagramBytes(): void {}

  describe(): Readonly<Record<string, number | string>> {
    return { window: this.#window };
  }
}
