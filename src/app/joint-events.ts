import type { PhaseEvent, ProgressEvent, XferEvent } from './events.js';
import { ThinOut } from './thin-out.js';

const phases: readonly PhaseEvent['phase'][] = ['connect', 'pair', 'transfer', 'commit'];

interface TargetState {
  /** Index in `phases`; past them when it has ended. */
  phase: number;
  progress: ProgressEvent | undefined;
}

/**
 * The events of transfers to several targets as those of one: each with its target, but one progress and one phase for
 * all of them, which are those of the one that is furthest behind.
 */
export class JointEvents {
  readonly #onEvent: (event: XferEvent) => void;
  readonly #targets = new Map<string, TargetState>();
  readonly #progress: ThinOut<true>;
  #phase = -1;

  constructor(targets: readonly string[], onEvent: (event: XferEvent) => void) {
    this.#onEvent = onEvent;
    for (const target of targets) this.#targets.set(target, { phase: -1, progress: undefined });
    this.#progress = new ThinOut(() => this.#tellProgress());
  }

  handle(target: string, event: XferEvent): void {
    const state = this.#targets.get(target);
    if (!state) return;
    if (event.event === 'progress') {
      state.progress = event;
      this.#progress.push(true);
    } else if (event.event === 'phase') {
      state.phase = Math.max(state.phase, phases.indexOf(event.phase));
      this.#tellPhase();
    } else {
      if (event.event === 'done') {
        state.phase = phases.length;
        this.#tellPhase();
        this.#progress.flush();
      }
      this.#onEvent(event.event === 'listening' ? event : { ...event, target });
    }
  }

  /** It has failed: the others are not measured by it. */
  drop(target: string): void {
    this.#targets.delete(target);
    this.#tellPhase();
  }

  #tellPhase(): void {
    const slowest = Math.min(...[...this.#targets.values()].map(({ phase }) => phase));
    const phase = phases[slowest];
    if (slowest <= this.#phase || phase === undefined) return;
    this.#phase = slowest;
    this.#onEvent({ event: 'phase', phase });
  }

  #tellProgress(): void {
    const known = [...this.#targets.values()].flatMap(({ progress }) => progress ?? []);
    // Nothing is there of a target that has not begun.
    const isBegun = known.length === this.#targets.size;
    const least = (of: (event: ProgressEvent) => number) => (isBegun ? Math.min(...known.map(of)) : 0);
    this.#onEvent({
      event: 'progress',
      bytes: least(({ bytes }) => bytes),
      total: Math.max(0, ...known.map(({ total }) => total)),
      sent: known.reduce((sum, { sent }) => sum + sent, 0),
      files: least(({ files }) => files),
    });
  }
}
