import type { DoneEvent, LaneProgress, ProgressEvent } from './events.js';
import { PipeMeter } from './pipe-meter.js';
import type { ToldLimit } from './limit-shares.js';
import type { PipeOptions, PipeResult } from './pipe-options.js';
import { ThinOut } from './thin-out.js';

/** What carried the content of a session. */
export interface SessionShape extends Pick<
  DoneEvent,
  'lanes' | 'transport' | 'transports' | 'path' | 'sealed'
> {
  readonly peer: string;
}

export interface AccountOptions extends Pick<PipeOptions, 'onEvent' | 'duplex'> {
  readonly limit?: ToldLimit | undefined;
  /** The stream is a file on one side, and is told of as a transfer of one. */
  readonly ofFile?: 'send' | 'recv';
}

/** What is told of a pipe's content: while it goes, and at its end. */
export class PipeAccount {
  readonly meter = new PipeMeter();
  /** Those of a session that was dialled. */
  lanes: () => readonly LaneProgress[] = () => [];
  readonly #options: AccountOptions;
  readonly #startedAt = performance.now();
  readonly #progress: ThinOut<Omit<ProgressEvent, 'event'>>;

  constructor(options: AccountOptions) {
    this.#options = options;
    this.#progress = new ThinOut((value) => {
      const lanes = this.lanes();
      options.onEvent({ event: 'progress', ...value, ...(lanes.length > 0 ? { lanes } : {}) });
    });
  }

  /** Something of it has changed. */
  push(): void {
    const { limit } = this.#options;
    limit?.handleSent(this.meter.sentBytes, performance.now());
    this.#progress.push(this.meter.progress);
  }

  /** Nothing is told behind it. */
  done(shapes: readonly SessionShape[]): PipeResult {
    this.#progress.push(this.meter.progress);
    this.#progress.flush();
    const { sentBytes, receivedBytes } = this.meter;
    const done: PipeResult = {
      ...{ event: 'done', role: this.#options.ofFile ?? 'pipe' },
      ...jointShape(shapes),
      bytes: sentBytes + receivedBytes,
      ...(this.#options.duplex ? { receivedBytes } : {}),
      files: this.#options.ofFile ? 1 : 0,
      seconds: (performance.now() - this.#startedAt) / 1000,
      bottleneck: 'none',
    };
    this.#options.onEvent(done);
    return done;
  }

  /** It failed: what was to be told of its progress is of no more use. */
  drop(): void {
    this.#progress.flush();
  }
}

/** Of several sessions one: the transport is that which carried most. */
function jointShape(shapes: readonly SessionShape[]): SessionShape {
  const bytesBy = new Map<string, number>();
  for (const { transports } of shapes)
    for (const [transport, bytes] of Object.entries(transports))
      bytesBy.set(transport, (bytesBy.get(transport) ?? 0) + bytes);
  const [most] = [...bytesBy].sort(([, a], [, b]) => b - a);
  return {
    peer: shapes.map(({ peer }) => peer).join(', '),
    lanes: shapes.reduce((sum, { lanes }) => sum + lanes, 0),
    transport: most?.[0] ?? shapes[0]?.transport ?? 'none',
    transports: Object.fromEntries(bytesBy),
    path: shapes.some(({ path }) => path === 'relayed') ? 'relayed' : 'direct',
    ...(shapes.some(({ sealed }) => sealed === false) ? { sealed: false } : {}),
  };
}
