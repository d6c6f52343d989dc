import type { Session } from '../session/session.js';
import type { DoneEvent, LaneEvent, NoteEvent } from './events.js';

type Told = Pick<Session, 'fabric'>;

/** Why all is sealed although the user would have trusted the fabric; undefined where there is nothing to be told. */
export function sealedNote({ fabric }: Told): NoteEvent | undefined {
  const why = fabric.whySealed;
  return why === undefined
    ? undefined
    : { event: 'note', message: `content goes sealed in spite of --trust-fabric: ${why}` };
}

/** Of a lane: that content need not be sealed on it, where that is so. */
export const laneSealing = ({ fabric }: Told, lane: number): Pick<LaneEvent, 'sealed'> =>
  fabric.isSealed(lane) ? {} : { sealed: false };

/** Of what is done: that content went unsealed, where some did. */
export const doneSealing = ({ fabric }: Told): Pick<DoneEvent, 'sealed'> =>
  fabric.hasCarriedPlain ? { sealed: false } : {};
