import type { ErrorEvent, XferEvent } from '../app/events.js';
import type { RelayStatus } from '../app/relay-status.js';
import { errorLines, noteLine } from './sentences.js';
import type { View } from './view.js';

/** What was told last stays below the peers. */
const mostMessages = 3;

/** `--dashboard`: the whole terminal, on stderr, drawn by ink, which nothing else loads. */
export class DashboardScreen implements View {
  readonly #messages: string[] = [];
  #status: RelayStatus | undefined;
  #error: ErrorEvent | undefined;
  #drawing: Promise<{ unmount(): void }> | undefined;

  /** What is to be watched. */
  show(status: RelayStatus): void {
    this.#status = status;
  }

  onEvent(event: XferEvent): void {
    this.#error = event.event === 'error' ? event : undefined;
    if (event.event === 'listening' && this.#status) this.#drawing ??= draw(this.#status, this.#messages);
    if (event.event === 'note') this.#messages.push(noteLine(event));
    if (event.event === 'error') this.#messages.push(`error: ${event.message}`);
    this.#messages.splice(0, this.#messages.length - mostMessages);
  }

  suspended<Result>(work: () => Promise<Result>): Promise<Result> {
    return work();
  }

  async close(): Promise<void> {
    const drawing = await this.#drawing;
    this.#drawing = undefined;
    drawing?.unmount();
    if (this.#error) process.stderr.write(errorLines(this.#error));
    this.#error = undefined;
  }
}

async function draw(status: RelayStatus, messages: readonly string[]): Promise<{ unmount(): void }> {
  // React's other build measures each drawing, and keeps the measurements for good.
  process.env['NODE_ENV'] = 'production';
  const [{ render }, { createElement }] = await Promise.all([import('ink'), import('react')]);
  // After them: in the program that is one file it takes what is there (src/program.ts).
  const { Dashboard } = await import('./relay-dashboard.js');
  // What the keys would mean without a dashboard: SIGTERM ends a relay in order.
  const onKey = (key: 'quit' | 'interrupt') =>
    void process.kill(process.pid, key === 'quit' ? 'SIGTERM' : 'SIGINT');
  return render(createElement(Dashboard, { status, messages: () => messages, onKey }), {
    stdout: process.stderr,
    exitOnCtrlC: false,
    patchConsole: false,
  });
}
