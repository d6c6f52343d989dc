import { stripVTControlCharacters } from 'node:util';
import { benchFrame } from './bench-frame.js';
import type { BenchPicture } from './bench-tally.js';
import { InkOutput } from './ink-output.js';
import { tableStyle } from './table-style.js';

/** It shares the machine with what is measured: five pictures a second at most, and a hundredth of one core. */
const leastPauseMs = 200;
const mostPauseMs = 2_000;
const pausesACost = 100;
/** Of latency a picture in the middle of a run is one of the trips that take long. */
const latencyPauseMs = 1_000;

/** A terminal on which a bench is shown while it runs, drawn by ink, which nothing else loads. */
export class BenchScreen {
  readonly #picture: () => BenchPicture;
  readonly #out: NodeJS.WriteStream;
  readonly #env: NodeJS.ProcessEnv;
  readonly #leave = (): void => this.close();
  readonly #resized = (): void => this.#resize();
  #drawn: Drawn | undefined;
  #lines: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(picture: () => BenchPicture, out: NodeJS.WriteStream = process.stderr, env = process.env) {
    this.#picture = picture;
    this.#out = out;
    this.#env = env;
  }

  /** Resolves when the first picture is there: nothing is loaded later, while something is measured. */
  async open(): Promise<void> {
    // React's other build measures each drawing, and keeps the measurements for good.
    process.env['NODE_ENV'] = 'production';
    const [{ render }, { createElement }] = await Promise.all([import('ink'), import('react')]);
    // After them: in the program that is one file it takes what is there (src/program.ts).
    const { BenchLive } = await import('./bench-live.js');
    const output = new InkOutput(this.#out);
    const element = (lines: readonly string[]) => createElement(BenchLive, { lines });
    this.#lines = this.#frame();
    const app = render(element(this.#lines), {
      stdout: output.stream,
      ...{ exitOnCtrlC: false, patchConsole: false },
    });
    this.#drawn = {
      draw: (lines) => app.rerender(element(lines)),
      clear: app.clear,
      end: app.unmount,
    };
    this.#out.on('resize', this.#resized);
    process.once('exit', this.#leave);
    this.#wait(0);
  }

  /** The terminal is as it was before `open`: nothing of the pictures stays. */
  close(): void {
    clearTimeout(this.#timer);
    this.#out.off('resize', this.#resized);
    process.off('exit', this.#leave);
    const drawn = this.#drawn;
    this.#drawn = undefined;
    drawn?.draw([]);
    drawn?.clear();
    drawn?.end();
  }

  #frame(): readonly string[] {
    const { columns, rows } = this.#out;
    // Painted anew each time: what a terminal shows depends on where it is looked at.
    const { paint } = tableStyle({ json: false }, this.#out, this.#env);
    return benchFrame(this.#picture(), { columns: columns || 80, rows: rows || 24 }, paint);
  }

  #look(): void {
    const before = performance.now();
    this.#lines = this.#frame();
    this.#drawn?.draw(this.#lines);
    this.#wait(performance.now() - before);
  }

  #wait(costMs: number): void {
    const isDelicate = this.#picture().run?.entry.pattern === 'latency';
    const least = isDelicate ? latencyPauseMs : leastPauseMs;
    this.#timer = setTimeout(
      () => this.#look(),
      Math.min(Math.max(least, pausesACost * costMs), mostPauseMs),
    );
    this.#timer.unref();
  }

  /** A terminal that has become narrower has broken lines, so there are more of them to be erased than were drawn. */
  #resize(): void {
    const columns = this.#out.columns || 80;
    const broken = this.#lines.reduce((sum, line) => {
      const width = stripVTControlCharacters(line).length;
      return sum + Math.max(0, Math.ceil(width / columns) - 1);
    }, 0);
    this.#out.write('\u001b[2K\u001b[1A'.repeat(broken));
    clearTimeout(this.#timer);
    this.#look();
  }
}

interface Drawn {
  draw(lines: readonly string[]): void;
  clear(): void;
  end(): void;
}
