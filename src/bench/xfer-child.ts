import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { benchDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { pipelineScript, type Pipeline } from './child-words.js';
import { objectOfLine } from './json-line.js';
import { sampleProcessTimes, type ProcessTimes } from './process-times.js';
import { RunningEnd } from './running-end.js';

const ownProgram = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/**
 * Has an xfer tell who it is on descriptor 3, and when it ends what it used: from outside nobody can learn the whole of that.
 */
const tellsTimes = `data:text/javascript,${encodeURIComponent(`
import { writeSync } from 'node:fs';
const tell = (what) => { try { writeSync(3, JSON.stringify(what) + '\\n'); } catch {} };
tell({ pid: process.pid });
process.on('exit', () => { const { user, system } = process.cpuUsage(); tell({ micros: user + system }); });
`)}`;

export interface XferChildOptions {
  /** Of the reports: `sender`, `relay 1`. */
  readonly name: string;
  /** `bin/run.js` of the xfer that runs. Default: this one. */
  readonly program?: string;
  /** Behind `xfer`. */
  readonly words: readonly string[];
  /** What the command line begins with. */
  readonly place: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly countsCpu: boolean;
  /** Its events are on stderr then, and on stdout is what the consumer says. */
  readonly pipeline?: Pipeline;
}

/**
 * One real xfer that says under `--json` what it does. It ends with this process, whatever happens to that: the channel
 * between them closes then. Ctrl-C in a terminal is for this process alone, which then ends the others.
 */
export class XferChild extends RunningEnd {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #status: number | NodeJS.Signals | null = null;
  #times: ProcessTimes | undefined;
  #secondsBefore = 0;
  #secondsTold: number | undefined;
  #producer: number | undefined;

  constructor({ name, words, program = ownProgram, place, env, countsCpu, pipeline }: XferChildOptions) {
    super(name);
    const xfer = [process.execPath, ...(countsCpu ? ['--import', tellsTimes] : []), program, ...words];
    const [command = '', ...rest] = [...place, ...(pipeline ? pipelineScript(xfer, pipeline) : xfer)];
    this.#child = spawn(command, rest, {
      env: { ...process.env, ...env, XFER_ENDS_WITH_PARENT: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
      detached: true,
      windowsHide: true,
    });
    this.#child.once('error', (error) => this.handleFailure(asXferError(error)));
    this.#child.once('exit', (status, signal) => {
      this.endedAt = performance.now();
      this.#status = status ?? signal;
    });
    this.#closed = once(this.#child, 'close').catch(() => undefined);
    void this.#closed.then(() => {
      this.#times?.stop();
      this.handleClosed();
    });
    const [, stdout, stderr, told] = this.#child.stdio as readonly (Readable | null)[];
    if (pipeline) stdout?.setEncoding('latin1').on('data', (text: string) => (this.output += text));
    for (const stream of pipeline ? [stderr] : [stdout, stderr])
      this.#read(stream, (line) => this.handleLine(line));
    this.#read(told, (line) => this.#handleTold(objectOfLine(line) ?? {}));
  }

  /** undefined: it could not be started, or has ended, and its number may be another's. */
  get pid(): number | undefined {
    return this.endedAt === undefined ? this.#child.pid : undefined;
  }

  endProducer(): void {
    // Once: its number may be another's then.
    if (this.#producer !== undefined && !this.isClosed) kill(this.#producer, 'SIGTERM');
    this.#producer = undefined;
  }

  async stop(): Promise<void> {
    const { pid } = this.#child;
    if (pid !== undefined && !this.isClosed) kill(-pid, 'SIGTERM');
    const timer = setTimeout(() => {
      if (pid !== undefined) kill(-pid, 'SIGKILL');
    }, benchDefaults.stopMs);
    await this.#closed;
    clearTimeout(timer);
  }

  countFromHere(): void {
    this.#secondsBefore = this.#times?.seconds() ?? 0;
  }

  get cpuSeconds(): number {
    return Math.max(0, (this.#secondsTold ?? this.#times?.seconds() ?? 0) - this.#secondsBefore);
  }

  protected whyEnded(): XferError {
    const said = this.events.rest.trim();
    return new XferError(
      'ERR_XFER_INTERNAL',
      `xfer ${this.name} ended with status ${String(this.#status)}${said === '' ? '' : `: ${said}`}`,
    );
  }

  #read(stream: Readable | null | undefined, handle: (line: string) => void): void {
    if (stream) createInterface({ input: stream }).on('line', handle);
  }

  #handleTold({ pid, micros, producer }: Told): void {
    if (pid !== undefined) this.#times = sampleProcessTimes(pid, { withDescendants: false });
    if (micros !== undefined) this.#secondsTold = micros / 1e6;
    // 0: it has ended.
    if (producer !== undefined) this.#producer = producer === 0 ? undefined : producer;
  }
}

/** A line on descriptor 3. */
interface Told {
  readonly pid?: number;
  readonly micros?: number;
  readonly producer?: number;
}

/** A negative id is that of a group. Who is gone is gone. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
