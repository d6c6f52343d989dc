import type { SendStage } from './stage-waits.js';

/** What a transfer was limited by: reading, sealing or the network at the sender, opening or writing at the receiver. */
export type Bottleneck = 'source' | 'seal' | 'network' | 'open' | 'disk' | 'limit' | 'none';

/** Milliseconds, whole ones: what the sender waited for, how long its pool read and sealed, and how long its loop was busy. */
export interface SenderWaits extends Record<SendStage, number> {
  readonly totalMs: number;
  readonly readMs: number;
  readonly sealMs: number;
  readonly loopMs: number;
}

/** Milliseconds: with content that was not written yet, what its pool spent opening and writing, its loop being busy. */
export interface ReceiverWaits {
  readonly heldMs: number;
  readonly openMs: number;
  readonly writeMs: number;
  readonly loopMs: number;
}

/** A wait that is less than this share of the transfer limits nothing. */
const leastShare = 0.1;
const leastMs = 50;
/** A side whose loop is busy for this share of the time has no time left. */
const saturated = 0.85;
/** A receiver that holds content for this share of the time is what the window waits for. */
const heldShare = 0.5;

/** Of both sides' waits the longest, attributed to whom it was for. Pure. */
export function bottleneckOf(sender: SenderWaits, receiver: ReceiverWaits): Bottleneck {
  const { totalMs } = sender;
  const waits: Record<Exclude<Bottleneck, 'none'>, number> = {
    source: sender.source,
    seal: 0,
    network: 0,
    open: 0,
    disk: 0,
    limit: sender.limit,
  };
  const split = (
    ms: number,
    first: Bottleneck & keyof typeof waits,
    second: Bottleneck & keyof typeof waits,
  ) => {
    const [of1, of2] =
      first === 'source' ? [sender.readMs, sender.sealMs] : [receiver.writeMs, receiver.openMs];
    const share = of1 + of2 > 0 ? of1 / (of1 + of2) : 0.5;
    waits[first] += ms * share;
    waits[second] += ms * (1 - share);
  };
  split(sender.seal, 'source', 'seal');
  if (receiver.heldMs >= heldShare * totalMs) split(sender.window, 'disk', 'open');
  else waits.network += sender.window;
  // A socket is full because of the network, unless one of the two loops has no time to empty or fill it.
  if (receiver.loopMs >= saturated * totalMs) waits.open += sender.network;
  else if (sender.loopMs >= saturated * totalMs) waits.seal += sender.network;
  else waits.network += sender.network;
  const [stage, ms] = Object.entries(waits).reduce((most, next) => (next[1] > most[1] ? next : most));
  return ms < Math.max(leastMs, leastShare * totalMs) ? 'none' : (stage as Bottleneck);
}
