import { performance } from 'node:perf_hooks';
import type { SealApi, StageTimes } from '../native/api.js';
import type { ReceiverWaits, SenderWaits } from './bottleneck.js';
import type { SendStage } from './stage-waits.js';

/** What this process's pool and loop did since this was made, in milliseconds. */
class Clock {
  readonly #seal: SealApi;
  readonly #before: StageTimes;
  readonly #began = performance.now();
  readonly #loop = performance.eventLoopUtilization();

  constructor(seal: SealApi) {
    this.#seal = seal;
    this.#before = seal.stageTimes();
  }

  protected get spent() {
    const [before, now] = [this.#before, this.#seal.stageTimes()];
    return {
      totalMs: whole(performance.now() - this.#began),
      loopMs: whole(performance.eventLoopUtilization(this.#loop).active),
      readMs: whole(now.readMs - before.readMs),
      sealMs: whole(now.sealMs - before.sealMs),
      openMs: whole(now.openMs - before.openMs),
      writeMs: whole(now.writeMs - before.writeMs),
    };
  }
}

/** What a sender tells of where its time went. */
export class SenderClock extends Clock {
  waits(waited: Readonly<Record<SendStage, number>>): SenderWaits {
    const { totalMs, loopMs, readMs, sealMs } = this.spent;
    const { source, seal, network, window, limit } = waited;
    const stages = { source, seal, network, window, limit };
    for (const stage of Object.keys(stages) as SendStage[]) stages[stage] = whole(stages[stage]);
    return { ...stages, totalMs, loopMs, readMs, sealMs };
  }
}

/** What a receiver tells of where its time went. */
export class ReceiverClock extends Clock {
  waits(heldMs: number): ReceiverWaits {
    const { loopMs, openMs, writeMs } = this.spent;
    return { heldMs: whole(heldMs), loopMs, openMs, writeMs };
  }
}

const whole = (ms: number) => Math.max(0, Math.round(ms));
