import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { XferError } from '../../errors/index.js';
import { emulatorPath } from './lack.js';
import { LinkEnd } from './link-end.js';
import { parameterWords, type BothDirections, type LinkOptions, type LinkParameters } from './parameters.js';
import type { DirectionStatistics, LinkStatistics } from './statistics.js';

/**
 * Two network namespaces of nobody else's, joined by a link that this process controls. Both are gone, with all that runs
 * in them, at `close()` and when this process ends, however it ends. Nothing in there reaches anything outside.
 */
export async function openLink(options: LinkOptions = {}): Promise<EmulatedLink> {
  const { mtu = 1500, seed = 1, ...parameters } = options;
  const emulator = emulatorPath();
  const control = new Control(spawn(emulator, [String(mtu), String(seed)]));
  try {
    const { namespaces, user, realTime } = (await control.nextAnswer()) as Opened;
    const path = (descriptor: number): string => `/proc/${control.pid}/fd/${descriptor}`;
    const userNamespace = user < 0 ? undefined : path(user);
    const [client, server] = [0, 1].map(
      (at) =>
        new LinkEnd({ emulator, userNamespace, mtu, namespace: path(namespaces[at] ?? 0), number: at + 1 }),
    ) as [LinkEnd, LinkEnd];
    await Promise.all([client.setUp(), server.setUp()]);
    const link = new EmulatedLink(control, { client, server, realTime });
    await link.change(parameters);
    await link.resetStatistics();
    return link;
  } catch (error) {
    await control.close();
    throw error;
  }
}

/** What the emulator says first: descriptors of its own, -1 for none. */
interface Opened {
  readonly namespaces: readonly number[];
  readonly user: number;
  readonly realTime: boolean;
}

interface LinkEnds {
  readonly client: LinkEnd;
  readonly server: LinkEnd;
  readonly realTime: boolean;
}

export class EmulatedLink {
  readonly client: LinkEnd;
  readonly server: LinkEnd;
  /** Whether the emulator runs before others; without it, delays are what the machine's load lets them be. */
  readonly realTime: boolean;
  readonly #control: Control;
  #parameters: readonly [LinkParameters, LinkParameters] = [{}, {}];

  constructor(control: Control, { client, server, realTime }: LinkEnds) {
    this.#control = control;
    this.client = client;
    this.server = server;
    this.realTime = realTime;
  }

  /** Only what is given changes; at once, also for what is in the queue. */
  async change({ toServer, toClient, ...both }: BothDirections): Promise<void> {
    const [there, back] = this.#parameters;
    this.#parameters = [
      { ...there, ...both, ...toServer },
      { ...back, ...both, ...toClient },
    ];
    const roundTripMs = this.#parameters.reduce((sum, { delayMs = 0 }) => sum + delayMs, 0);
    for (const [at, parameters] of this.#parameters.entries())
      await this.#control.ask(`set ${at} ${parameterWords(parameters, roundTripMs)}`);
  }

  async statistics(): Promise<LinkStatistics> {
    const answer = await this.#control.ask('stats');
    const { atMs, directions } = answer as {
      atMs: number;
      directions: [DirectionStatistics, DirectionStatistics];
    };
    return { atMs, toServer: directions[0], toClient: directions[1] };
  }

  async resetStatistics(): Promise<void> {
    await this.#control.ask('reset');
  }

  /** Kills what runs in both namespaces; they are gone then. */
  async close(): Promise<void> {
    await this.#control.close();
  }
}

/** The emulator's process: a line of JSON for each that it is given. */
class Control {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: unknown[] = [];
  readonly #waiting: { resolve: (answer: unknown) => void; reject: (error: XferError) => void }[] = [];
  readonly #ended: Promise<void>;
  #said = '';
  #hasEnded = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        for (const { reject } of this.#waiting.splice(0)) reject(this.#over());
        resolve();
      };
      child.once('close', end).once('error', (error) => {
        this.#said ||= error.message;
        end();
      });
    });
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    createInterface({ input: child.stdout }).on('line', (text) => {
      const answer: unknown = JSON.parse(text);
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve(answer);
      else this.#answers.push(answer);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its next line. */
  nextAnswer(): Promise<unknown> {
    if (this.#answers.length > 0) return Promise.resolve(this.#answers.shift());
    if (this.#hasEnded) return Promise.reject(this.#over());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async ask(line: string): Promise<unknown> {
    this.#child.stdin.write(`${line}\n`);
    const answer = await this.nextAnswer();
    const { error } = answer as { readonly error?: string };
    if (error !== undefined) throw new XferError('ERR_XFER_INTERNAL', `the link emulator: ${error}: ${line}`);
    return answer;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  #over(): XferError {
    return new XferError(
      'ERR_XFER_NO_LINK',
      `the link emulator has ended: ${this.#said.trim() || 'without a word'}`,
    );
  }
}
