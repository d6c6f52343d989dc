import { DefaultRenderer, Listr, ListrLogger, ProcessOutput, type ListrTaskWrapper } from 'listr2';
import type { PhaseEvent } from '../app/events.js';

type Phase = PhaseEvent['phase'];
type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof DefaultRenderer>;

const phases: readonly Phase[] = ['connect', 'pair', 'transfer', 'commit'];

/** The phases of one transfer as a listr2 task list: each is ticked when a later one begins. */
export class PhaseList {
  readonly #stages = phases.map((phase) => new Stage(phase));
  readonly #drawing: Promise<Suspendable>;
  #ended: Promise<void> = Promise.resolve();
  #at = 0;

  constructor(stream: NodeJS.WriteStream) {
    // listr2 wraps at the width of stdout; of a terminal that tells none it would make columns of single letters.
    if (process.stdout.columns === 0) process.stdout.columns = 80;
    this.#drawing = new Promise((onDrawing) => {
      this.#ended = this.#run(stream, suspendableRenderer(onDrawing));
    });
  }

  enter(phase: Phase): void {
    const to = phases.indexOf(phase);
    for (; this.#at < to; this.#at++) this.#stages[this.#at]?.succeed();
  }

  /** More about a phase, already fit to be shown. */
  title(phase: Phase, title: string): void {
    this.#stages[phases.indexOf(phase)]?.retitle(title);
  }

  /** The line below the phase that runs. */
  output(text: string): void {
    this.#stages[this.#at]?.output(text);
  }

  /** Ticks what is left, or crosses the phase that runs; resolves when the list is drawn for the last time. */
  async end(success: boolean): Promise<void> {
    if (success) for (const stage of this.#stages) stage.succeed();
    else this.#stages[this.#at]?.fail();
    await this.#ended;
  }

  /** Leaves the terminal alone until `resume`. Not after `end`. */
  async suspend(): Promise<void> {
    (await this.#drawing).suspend();
  }

  async resume(): Promise<void> {
    await (await this.#drawing).resume();
  }

  async #run(stream: NodeJS.WriteStream, renderer: typeof DefaultRenderer): Promise<void> {
    const rendererOptions = {
      collapseErrors: false,
      showErrorMessage: false,
      // Both of listr2's streams are stderr: what is on stdout is data, and it stays untouched.
      logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream) }),
    };
    const list = new Listr(
      this.#stages.map((stage) => ({ title: stage.phase, task: (_, task: Task) => stage.run(task) })),
      {
        renderer,
        rendererOptions,
        // listr2 looks at stdout to tell whether there is a terminal; ours is stderr.
        fallbackRenderer: renderer,
        fallbackRendererOptions: rendererOptions,
        registerSignalListeners: false,
      },
    );
    // A failed phase was crossed in the list; the error itself is an event of its own.
    await list.run().catch(() => undefined);
  }
}

class Stage {
  readonly phase: Phase;
  readonly #settled: Promise<void>;
  #succeed: () => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;
  #task: Task | undefined;
  #title: string | undefined;

  constructor(phase: Phase) {
    this.phase = phase;
    this.#settled = new Promise((resolve, reject) => {
      this.#succeed = resolve;
      this.#fail = reject;
    });
    this.#settled.catch(() => undefined);
  }

  run(task: Task): Promise<void> {
    this.#task = task;
    if (this.#title !== undefined) task.title = this.#title;
    return this.#settled;
  }

  retitle(title: string): void {
    this.#title = title;
    if (this.#task !== undefined) this.#task.title = title;
  }

  output(text: string): void {
    if (this.#task !== undefined) this.#task.output = text;
  }

  succeed(): void {
    this.#succeed();
  }

  fail(): void {
    this.#fail(new Error(this.phase));
  }
}

interface Suspendable {
  suspend(): void;
  resume(): Promise<void>;
}

/** listr2's own renderer, which can leave the terminal to a prompt; told of once it draws. */
function suspendableRenderer(onDrawing: (renderer: Suspendable) => void): typeof DefaultRenderer {
  return class extends DefaultRenderer {
    #suspended = false;

    override async render(): Promise<void> {
      await super.render();
      onDrawing(this);
    }

    override update(): void {
      if (!this.#suspended) super.update();
    }

    override create(options?: Parameters<DefaultRenderer['create']>[0]): string {
      return this.#suspended ? '' : super.create(options);
    }

    suspend(): void {
      this.#suspended = true;
      super.end();
    }

    async resume(): Promise<void> {
      this.#suspended = false;
      await super.render();
    }
  };
}
