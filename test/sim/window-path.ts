import { MuxBudget } from '../../src/mux/budget.js';
import { muxConfig, type MuxConfig } from '../../src/mux/config.js';
import type { CoreStream } from '../../src/mux/core-stream.js';
import { MuxCore } from '../../src/mux/core.js';
import type { Content } from '../../src/mux/streams-link.js';
import { FuzzRandom } from '../support/fuzz-random.js';
import { Witness } from '../support/mux-cores.js';
import { VirtualClock } from './virtual-clock.js';

export interface PathOptions {
  readonly seed: number;
  readonly roundTripMs: number;
  readonly bytesPerMs: number;
  /** Of all packets, this part is lost. */
  readonly loss: number;
  readonly bytes: number;
  readonly config: Partial<MuxConfig>;
}

const packetBytes = 1200;
const startPackets = 64;
/** A loss is found by the acknowledgement of a later packet. */
const findLossRoundTrips = 1.03;
/** As fast as a sender may look for the path's rate (BBR's startup gain, 2 ÷ ln 2). */
const startupGain = 2.89;
const maxSteps = 5_000_000;

class Reader extends Witness {
  override handleData(): void {}
}

/**
 * One transfer over a long path that loses packets, with a sender that loss does not slow down: it doubles what is in
 * flight each round trip up to two round trips' worth. What time it takes more than that is its window's fault.
 */
export class WindowPath {
  readonly #options: PathOptions;
  readonly #clock = new VirtualClock();
  readonly #random: FuzzRandom;
  readonly #sender: MuxCore;
  readonly #receiver: MuxCore;
  readonly #arrived = new Map<number, Content>();
  readonly #lost: Content[] = [];
  readonly #controlAt = new Map<MuxCore, number>();
  #given = 0;
  #inFlight = 0;
  #mostInFlight = startPackets * packetBytes;
  #lineFreeAt = 0;
  #waiting = false;
  #endedAt: number | undefined;

  constructor(options: PathOptions) {
    this.#options = options;
    this.#random = new FuzzRandom(options.seed);
    this.#sender = this.#core(true);
    this.#receiver = this.#core(false);
  }

  /** Milliseconds until the receiver has all of it. */
  run(): number {
    const stream = this.#sender.open(0, new Uint8Array(0), 0);
    if ('refused' in stream) throw new Error('no stream');
    stream.events = new Reader();
    this.#sender.send(stream, new Uint8Array(this.#options.bytes));
    this.#sender.closeWrite(stream);
    this.#send();
    for (let steps = 0; this.#endedAt === undefined && this.#clock.step(); steps++)
      if (steps > maxSteps) throw new Error('it does not come to an end');
    if (this.#endedAt === undefined) throw new Error('it stands still');
    return this.#endedAt;
  }

  #core(dialer: boolean): MuxCore {
    const core: MuxCore = new MuxCore({
      dialer,
      config: muxConfig(this.#options.config),
      budget: new MuxBudget(),
      now: 0,
      contentBeside: true,
      minRttMs: () => this.#options.roundTripMs,
      events: {
        stream: (stream: CoreStream) => {
          stream.events = new Reader();
          core.setReading(stream, true, false);
          core.accept(stream);
        },
        output: () => undefined,
        message: () => undefined,
        left: () => undefined,
      },
    });
    return core;
  }

  get #isLost(): boolean {
    return this.#random.word() < this.#options.loss * 2 ** 32;
  }

  /** Control of one side: in order, and later where it is lost. */
  #sendControl(from: MuxCore, to: MuxCore): void {
    const { roundTripMs } = this.#options;
    for (let frames: Uint8Array | undefined; (frames = from.pollControl(this.#clock.now, packetBytes));) {
      const bytes = frames;
      let at = this.#clock.now + roundTripMs / 2;
      while (this.#isLost) at += roundTripMs * findLossRoundTrips;
      at = Math.max(at, this.#controlAt.get(from) ?? 0);
      this.#controlAt.set(from, at);
      this.#clock.after(at - this.#clock.now, () => {
        to.handleData(this.#clock.now, bytes);
        this.#send();
      });
    }
  }

  #send(): void {
    this.#sendControl(this.#sender, this.#receiver);
    this.#sendControl(this.#receiver, this.#sender);
    while (!this.#waiting && this.#inFlight < this.#mostInFlight) {
      const packet = this.#lost.shift() ?? this.#sender.pollContent(this.#clock.now, packetBytes);
      if (!packet) return;
      this.#sendPacket(packet);
    }
  }

  #sendPacket(packet: Content): void {
    const { roundTripMs, bytesPerMs } = this.#options;
    const pace = Math.min(bytesPerMs, (startupGain * this.#mostInFlight) / roundTripMs);
    this.#inFlight += packet.bytes;
    this.#lineFreeAt = Math.max(this.#lineFreeAt, this.#clock.now) + packet.bytes / pace;
    const onLineMs = this.#lineFreeAt - this.#clock.now;
    if (this.#isLost)
      this.#clock.after(onLineMs + roundTripMs * findLossRoundTrips, () => {
        this.#inFlight -= packet.bytes;
        this.#lost.push(packet);
        this.#send();
      });
    else this.#clock.after(onLineMs + roundTripMs / 2, () => this.#arrive(packet));
    this.#waiting = true;
    this.#clock.after(onLineMs, () => {
      this.#waiting = false;
      this.#send();
    });
  }

  #arrive(packet: Content): void {
    const { roundTripMs, bytesPerMs } = this.#options;
    this.#arrived.set(packet.offset, packet);
    for (let next; (next = this.#arrived.get(this.#given));) {
      this.#arrived.delete(this.#given);
      this.#given += next.bytes;
      const fault = this.#receiver.handleContent(
        this.#clock.now,
        next.streamId,
        new Uint8Array(next.bytes),
        next.fin,
      );
      if (fault) throw new Error(fault.reason);
      if (next.fin) this.#endedAt = this.#clock.now;
    }
    this.#sendControl(this.#receiver, this.#sender);
    this.#clock.after(roundTripMs / 2, () => {
      this.#inFlight -= packet.bytes;
      this.#mostInFlight = Math.min(this.#mostInFlight + packet.bytes, 2 * bytesPerMs * roundTripMs);
      packet.done();
      this.#send();
    });
  }
}
