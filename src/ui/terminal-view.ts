import type { XferEvent } from '../app/events.js';
import { printable } from '../transfer/printable.js';
import { PhaseList } from './phase-list.js';
import { ProgressLine } from './progress-line.js';
import { doneLine, errorLines, explainLine, listeningBlock, noteLine } from './sentences.js';
import type { View } from './view.js';

/** Notes and explanations kept until the list is drawn; of more only the number is told. */
const mostNotes = 50;

/** For people at a terminal: a task list with a bar while a transfer runs, a line when it has ended. */
export class TerminalView implements View {
  readonly #stream: NodeJS.WriteStream;
  #list: PhaseList | undefined;
  #progress: ProgressLine | undefined;
  #notes: string[] = [];
  #notesLeftOut = 0;
  /** How it ended for those of several targets that are through. */
  readonly #ends: string[] = [];
  #hasFailed = false;
  readonly #peers: string[] = [];
  #waiting: XferEvent[] = [];
  #work: Promise<void> | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // listr2 hides the cursor while it draws; a process that ends in between must not leave it hidden.
    process.once('exit', () => {
      if (this.#list !== undefined) stream.write('\u001b[?25h');
    });
  }

  onEvent(event: XferEvent): void {
    // Drawing the end of a list takes a moment; what happens meanwhile waits, of progress only the newest.
    if (event.event === 'progress' && this.#waiting.at(-1)?.event === 'progress') this.#waiting.pop();
    this.#waiting.push(event);
    this.#work ??= this.#drain();
  }

  async suspended<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#work;
    const list = this.#list;
    await list?.suspend();
    try {
      return await work();
    } finally {
      await list?.resume();
    }
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#endList(this.#ends.length > 0 && !this.#hasFailed);
  }

  async #drain(): Promise<void> {
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift())
      await this.#show(event);
    this.#work = undefined;
  }

  async #show(event: XferEvent): Promise<void> {
    switch (event.event) {
      case 'listening':
        return this.#write(listeningBlock(event));
      case 'phase':
        this.#list ??= new PhaseList(this.#stream);
        return this.#list.enter(event.phase);
      case 'connected':
        this.#peers.push(`${printable(event.peer)} (${printable(event.transport)}, ${event.path})`);
        if (event.target === undefined) this.#peers.splice(0, this.#peers.length - 1);
        return this.#list?.title('connect', `connect: ${this.#peers.join(', ')}`);
      case 'progress':
        this.#progress ??= new ProgressLine(performance.now());
        return this.#list?.output(
          this.#progress.text(event, performance.now(), this.#columns - outputIndent),
        );
      case 'note':
        return this.#note(noteLine(event));
      case 'explain':
        return this.#note(explainLine(event));
      case 'done':
        // The others go on.
        if (event.target !== undefined) return void this.#ends.push(`${doneLine(event)}\n`);
        await this.#endList(true);
        return this.#write(`${doneLine(event)}\n`);
      case 'error':
        if (event.target !== undefined) {
          this.#hasFailed = true;
          return void this.#ends.push(errorLines(event));
        }
        await this.#endList(false);
        return this.#write(errorLines(event));
      case 'lane':
        return undefined;
    }
  }

  #note(line: string): void {
    if (this.#list === undefined) this.#write(`${line}\n`);
    else if (this.#notes.length < mostNotes) this.#notes.push(line);
    else this.#notesLeftOut++;
  }

  async #endList(success: boolean): Promise<void> {
    await this.#list?.end(success);
    this.#list = undefined;
    this.#progress = undefined;
    for (const note of this.#notes) this.#write(`${note}\n`);
    if (this.#notesLeftOut > 0) this.#write(`note: and ${this.#notesLeftOut} more such notes\n`);
    this.#notes = [];
    this.#notesLeftOut = 0;
    for (const end of this.#ends.splice(0)) this.#write(end);
    this.#peers.splice(0);
  }

  get #columns(): number {
    return this.#stream.columns || 80;
  }

  #write(text: string): void {
    this.#stream.write(text);
  }
}

/** What listr2 puts in front of a task's output, and the margin that it keeps. */
const outputIndent = 8;
