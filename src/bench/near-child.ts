import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { RunProgress } from './contract.js';
import { objectOfLine } from './json-line.js';
import { nearVariable } from './near-variable.js';
import type { NearAnswer, NearRequest } from './near-message.js';
import { toldError } from './told-error.js';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

type LastAnswer = Exclude<NearAnswer, { answer: 'progress' | 'failed' }>;

/**
 * An xfer at the near end of a place that this process is not at. It ends with this process, whatever happens to that: its
 * stdin closes then.
 */
export class NearChild {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #onAnswer: ((answer: NearAnswer) => void) | undefined;
  #onGone: (() => void) | undefined;
  #isGone = false;
  #said = '';

  constructor(near: readonly string[]) {
    const words = [...near, process.execPath, program, 'bench', '--json'];
    this.#child = spawn(words[0] ?? '', words.slice(1), {
      env: { ...process.env, XFER_ENDS_WITH_PARENT: 'stdin', [nearVariable]: '1' },
      // Ctrl-C in a terminal is for this process, which then ends the other.
      detached: true,
    });
    const { stdin, stdout, stderr } = this.#child;
    stdin.on('error', () => undefined);
    stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#said = `${this.#said}${text}`.slice(-1000)));
    createInterface({ input: stdout }).on('line', (line) => {
      const answer = objectOfLine(line);
      if (answer && 'answer' in answer) this.#onAnswer?.(answer as NearAnswer);
    });
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isGone = true;
        this.#onGone?.();
        resolve();
      };
      this.#child.once('close', end).once('error', end);
    });
  }

  /** One at a time. Rejects with what went wrong over there, and where the process has gone. */
  async ask(request: NearRequest, onProgress?: (progress: RunProgress) => void): Promise<LastAnswer> {
    if (this.#isGone) throw this.#gone();
    try {
      return await new Promise((resolve, reject) => {
        this.#onGone = () => reject(this.#gone());
        this.#onAnswer = (answer) => {
          if (answer.answer === 'progress') onProgress?.(answer.progress);
          else if (answer.answer === 'failed') reject(toldError(answer));
          else resolve(answer);
        };
        this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      });
    } finally {
      this.#onAnswer = this.#onGone = undefined;
    }
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), benchDefaults.nearEndMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #gone(): XferError {
    const said = this.#said.trim();
    return new XferError('ERR_XFER_INTERNAL', `the near end has gone${said === '' ? '' : `: ${said}`}`);
  }
}
