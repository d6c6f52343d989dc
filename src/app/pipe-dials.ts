import { asXferError, XferError } from '../errors/index.js';
import { loadIdentity } from '../session/identity.js';
import type { LaneProgress, XferEvent } from './events.js';
import { neverThere, whileThere } from './lost-channel.js';
import type { SessionShape } from './pipe-account.js';
import { DialledPipes, pipeCapabilities } from './pipe-dial.js';
import type { PipeOptions } from './pipe-options.js';
import type { ReadPlace } from './pipe-place.js';
import { dialledEnd, localEnd, type StreamEnd } from './pipe-stream.js';

type PipeDialsOptions = Omit<PipeOptions, 'endpoints' | 'from' | 'to'>;

/** The sessions that a pipe has dialled, one with each target. */
export class PipeDials {
  readonly #options: PipeDialsOptions;
  readonly #onProgress: () => void;
  readonly #dialled = new Map<ReadPlace, DialledPipes>();
  readonly #lost = new AbortController();
  readonly #gone = new AbortController();
  /** Targets that could not be reached, and that the others go on without. */
  readonly #missed = new Map<ReadPlace, XferError>();
  readonly #ending = new Map<DialledPipes, Promise<void>>();
  /** Others go on without one that is lost. */
  #goesOn = false;
  /** One of those is on this machine. */
  #isHereToo = false;
  #lostCount = 0;

  constructor(options: PipeDialsOptions, onProgress: () => void) {
    this.#options = options;
    this.#onProgress = onProgress;
  }

  /** Aborts when one of the sessions has ended, whoever uses it; where others go on without it, when none of them is left. */
  get lost(): AbortSignal {
    if (!this.#goesOn) return this.#lost.signal;
    return this.#isHereToo ? new AbortController().signal : this.gone;
  }

  /** Aborts when all of them have. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * Dials all targets among these places at once. Rejects with the first failure, and then none is left; with `several`, of
   * which one is enough, only where there is nobody of them to go on with: who could not be reached is one whose channels fail.
   */
  async open(places: readonly ReadPlace[], several: readonly ReadPlace[] = []): Promise<void> {
    const targets = places.filter((place) => place.kind === 'target');
    if (targets.length === 0) return;
    this.#goesOn = several.length > 1;
    this.#isHereToo = several.some((place) => place.kind === 'local');
    const { home, askCode } = this.#options;
    const identity = await loadIdentity(home);
    const asked = askCode && once(askCode);
    const opened = targets.map(async (place) => {
      const dialled = await DialledPipes.open({
        ...this.#options,
        ...{ identity, at: place.at, capabilities: pipeCapabilities() },
        ...(asked ? { askCode: asked } : {}),
        ...(targets.length > 1 ? { onEvent: (event) => this.#tell(event, place.target) } : {}),
        onProgress: this.#onProgress,
      });
      this.#dialled.set(place, dialled);
      dialled.pipes.over.catch((error: unknown) => {
        this.#lost.abort(error);
        if (++this.#lostCount === targets.length - this.#missed.size) this.#gone.abort(error);
      });
    });
    const settled = await Promise.allSettled(opened);
    const failed = settled.find((one) => one.status === 'rejected');
    if (!failed) return;
    const { aborted } = this.#options.signal;
    if (!this.#goesOn || aborted || (this.#dialled.size === 0 && !this.#isHereToo)) {
      await this.end(failed.reason as XferError);
      throw failed.reason;
    }
    for (const [index, place] of targets.entries()) {
      const one = settled[index];
      if (one?.status === 'rejected') this.#missed.set(place, asXferError(one.reason));
    }
    if (this.#lostCount === this.#dialled.size) this.#gone.abort(failed.reason);
  }

  /** Where there is one session: those of several would have the same numbers. */
  get lanes(): readonly LaneProgress[] {
    const [first, ...others] = this.#dialled.values();
    return first && others.length === 0 ? first.lanes : [];
  }

  /** `isOnly`: there is no other stream with it. */
  endOf(place: ReadPlace, isOnly = false): StreamEnd {
    if (place.kind === 'local') return localEnd(place);
    const { name } = this.#options;
    const missed = this.#missed.get(place);
    if (missed) return dialledEnd(neverThere(missed), name);
    const dialled = this.#dialled.get(place);
    if (!dialled) throw new XferError('ERR_XFER_INTERNAL', 'a place was not dialled');
    // Who has all of it need not wait for the others: what reads from it over there sees its end.
    const onDelivered = (): void => void this.#endOne(dialled).catch(() => undefined);
    const opening = this.#goesOn ? whileThere(dialled.pipes) : dialled.pipes;
    return dialledEnd(opening, name, isOnly ? onDelivered : undefined);
  }

  /** Ends all of them; in order where there is no `error`. */
  async end(error?: XferError): Promise<void> {
    const ended = await Promise.allSettled(
      [...this.#dialled.values()].map((one) => this.#endOne(one, error)),
    );
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed && !error) throw failed.reason;
  }

  /** Once; with an error also one that is about to end in order. */
  #endOne(dialled: DialledPipes, error?: XferError): Promise<void> {
    const begun = this.#ending.get(dialled);
    if (begun && !error) return begun;
    const ending = begun ? Promise.race([begun, dialled.end(error)]) : dialled.end(error);
    this.#ending.set(dialled, ending);
    return ending;
  }

  async shapes(): Promise<readonly SessionShape[]> {
    const all = [...this.#dialled.values()];
    return Promise.all(all.map(async ({ peer, shape }) => ({ peer: await peer, ...shape })));
  }

  /** Where there are several, each event says whom it is about; where all of them are is nobody's. */
  #tell(event: XferEvent, target: string): void {
    const { onEvent } = this.#options;
    if (event.event === 'connected' || event.event === 'lane' || event.event === 'note')
      onEvent({ ...event, target });
    else if (event.event === 'explain') onEvent({ ...event, target });
  }
}

function once<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let asked: Promise<Value> | undefined;
  return () => (asked ??= work());
}
