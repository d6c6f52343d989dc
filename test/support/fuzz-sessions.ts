import { breaches, firstMessages } from './fuzz-breaches.js';
import { dialFuzz } from './fuzz-handshake.js';
import { complete, goOn, oddities, type FuzzStep } from './fuzz-oddities.js';
import { FuzzPeer } from './fuzz-peer.js';
import { FuzzSession } from './fuzz-session.js';
import type { FuzzContext } from './fuzz-strangers.js';
import type { FuzzTally } from './fuzz-tally.js';

const mostTurns = 20;

export interface SessionsContext extends FuzzContext {
  /** How sessions ended that broke nothing and said their end; and those whose handshake did not come through. */
  readonly ends: FuzzTally;
}

/** One session of somebody who has proved who he is: oddities, honest steps between them, and mostly a breach at last. */
export async function fuzzSession(context: SessionsContext, byCode = false): Promise<void> {
  const { target, random, tally, ends, known, coded } = context;
  const peer = await FuzzPeer.open(target);
  peer.begin();
  const dialled = await dialFuzz(peer, byCode ? coded : known);
  if (!dialled.keys) {
    ends.add('no session', dialled.outcome);
    return peer.leave();
  }
  const session = new FuzzSession(peer, dialled);
  /** The steps one behind the other, then what became of them; where the session ended, it was by the last. */
  const take = async (steps: readonly FuzzStep[]) => {
    const taken: string[] = [];
    for (const step of steps)
      if (peer.end === undefined && (await step.run(session, random))) taken.push(step.kind);
    await peer.fence();
    taken.forEach((kind, at) =>
      tally.add(`session: ${kind}`, at < taken.length - 1 ? 'taken' : (peer.end ?? 'taken')),
    );
  };
  let isHonest = true;
  if (random.chance(6)) {
    isHonest = false;
    await take([random.pick(firstMessages)]);
  } else {
    await peer.data(session.hello());
    await peer.data(session.message(session.begin()));
  }
  for (let turns = 1 + random.below(mostTurns); turns > 0 && peer.end === undefined; turns--) {
    if (random.chance(4)) await goOn(session, random);
    else if (random.chance(5)) {
      isHonest = false;
      await take([random.pick(breaches)]);
    } else await take(Array.from({ length: 1 + random.below(4) }, () => random.pick(oddities)));
  }
  if (isHonest && peer.end !== undefined) ends.add('oddities alone', peer.end);
  else if (isHonest && random.chance(2)) {
    await complete(session);
    ends.add('honest end behind oddities', peer.end ?? 'nothing');
  }
  await (random.chance(2) ? peer.tearOff() : peer.leave());
}
