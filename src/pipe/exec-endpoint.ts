import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileError, XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';
import { ChildGroup } from './child-group.js';
import type { ByteSink, ByteSource, Endpoint, EndpointKind, EndpointUse } from './endpoint.js';
import { resetSocket } from './moved-socket.js';
import { SocketSink } from './socket-sink.js';
import { SocketSource } from './socket-source.js';

const scheme = 'exec:';
const shell = '/bin/sh';
const maxLabelLength = 80;
/** Who closed its stdin is mostly about to end, and how says more than that nobody reads. */
const exitAfterBrokenMs = 1_000;
/** What a shell says of a program that SIGPIPE ended: 128 and the signal's number. */
const sigpipeStatus = 141;

/**
 * `exec:CMD` runs CMD by `/bin/sh -c`, in a process group (and session) of its own. CMD is never a peer's: only this side's
 * command line has it. As socat has it: stderr is ours; of a source alone stdin is /dev/null, of a sink alone stdout is
 * ours. What is a pipe here is a socket pair, as with socat and Node: /dev/stdin cannot be opened by name.
 */
export const execEndpoint: EndpointKind = Object.freeze({
  check(url, _use) {
    commandOf(url);
  },
  async open(url, { use, signal }) {
    const command = commandOf(url);
    signal.throwIfAborted();
    const label = labelOf(command);
    const child = spawn(shell, ['-c', command], { detached: true, stdio: stdioFor[use] });
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error').catch((thrown: unknown) => [thrown])) as [unknown];
      throw fileError(error, `${label}: ${shell}`);
    }
    return new ExecEndpoint(child, label, use);
  },
} satisfies EndpointKind);

const stdioFor = Object.freeze<Record<EndpointUse, StdioOptions>>({
  source: ['ignore', 'pipe', 'inherit'],
  sink: ['pipe', 'inherit', 'inherit'],
  both: ['pipe', 'pipe', 'inherit'],
});

function commandOf(url: string): string {
  const command = url.slice(scheme.length);
  if (command.trim() === '' || command.includes('\0'))
    throw new XferError('ERR_XFER_USAGE', `${printable(url)}: there is no command`, {
      remedy: `write ${scheme}COMMAND, in quotes: '${scheme}gzip -c'`,
    });
  return command;
}

function labelOf(command: string): string {
  const label = printable(`${scheme}${command}`);
  return label.length <= maxLabelLength ? label : `${label.slice(0, maxLabelLength - 1)}…`;
}

interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running program. How it ends counts: a source whose program failed is not whole, nor has a sink's taken all. */
class ExecEndpoint implements Endpoint {
  readonly label: string;
  readonly source?: ByteSource;
  readonly sink?: ByteSink;
  readonly #group: ChildGroup;
  readonly #exit: Promise<Exit>;
  readonly #sockets: Socket[] = [];
  #isStopped = false;
  #closing: Promise<void> | undefined;

  constructor(child: ChildProcess, label: string, use: EndpointUse) {
    this.label = label;
    this.#group = new ChildGroup(child);
    this.#exit = new Promise((resolve) => {
      child.once('exit', (status, signal) => resolve({ status, signal }));
    });
    // Later failures of a program that has started are of signals to it: nothing to do about them.
    child.on('error', () => undefined);
    if (use !== 'sink') this.source = this.#sourceOf(child.stdout as Socket);
    if (use !== 'source') this.sink = this.#sinkOf(child.stdin as Socket);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Before it sees an end that is none.
    this.#group.signal('SIGTERM');
    for (const socket of this.#sockets) socket.destroy();
    await this.#group.close();
  }

  #sourceOf(stdout: Socket): ByteSource {
    let isStopped: () => void = () => undefined;
    const stopped = new Promise<undefined>((resolve) => (isStopped = () => resolve(undefined)));
    const reader = new SocketSource(stdout, this.label, () => resetSocket(reader.socket));
    this.#sockets.push(reader.socket);
    return {
      kind: 'bytes',
      read: async (into) => {
        const count = await reader.read(into);
        if (count > 0 || this.#isStopped) return count;
        const exit = await Promise.race([this.#exit, stopped]);
        if (exit) this.#mustBeWell(exit);
        return 0;
      },
      stop: () => {
        this.#isStopped = true;
        reader.stop();
        isStopped();
      },
    };
  }

  #sinkOf(stdin: Socket): ByteSink {
    // Nothing comes out of a stdin; that it ends shows that nobody has it any more.
    const watch = new SocketSource(stdin, this.label, () => undefined);
    const writer = new SocketSink(watch.socket, this.label);
    this.#sockets.push(watch.socket);
    watch.discard();
    watch.onEnd(() => writer.broken());
    return {
      kind: 'bytes',
      write: (bytes) => writer.write(bytes).catch((error: unknown) => this.#reject(error)),
      end: async () => {
        // A program that has taken all may end before it is told that it was all.
        await writer.end().catch((error: unknown) => (watch.hasEnded ? undefined : this.#reject(error)));
        this.#mustBeWell(await this.#exit);
      },
      abort: (error) => {
        writer.forsake(error);
        this.#group.signal('SIGTERM');
        watch.socket.destroy();
      },
      onBroken: (handler) => writer.onBroken((error) => void this.#whyBroken(error).then(handler)),
    };
  }

  async #reject(error: unknown): Promise<never> {
    throw await this.#whyBroken(error as XferError);
  }

  /** A program that failed is a better reason than that it does not read any more. */
  async #whyBroken(error: XferError): Promise<XferError> {
    if (error.code !== 'ERR_XFER_BROKEN_PIPE') return error;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), exitAfterBrokenMs);
    });
    const exit = await Promise.race([this.#exit, late]);
    clearTimeout(timer);
    return (exit && this.#failureOf(exit)) ?? error;
  }

  #mustBeWell(exit: Exit): void {
    const failure = this.#failureOf(exit);
    if (failure) throw failure;
  }

  #failureOf({ status, signal }: Exit): XferError | undefined {
    const isSigpipe = signal === 'SIGPIPE' || status === sigpipeStatus;
    if (status === 0 || (isSigpipe && this.#isStopped)) return undefined;
    const how = signal
      ? `was ended by ${signal}`
      : `ended with status ${status ?? '?'}${meaning[status ?? 0] ?? ''}`;
    // Of a sink alone whose own reader has gone, that is how its writer is to end, too.
    const isPassedOn = isSigpipe && !this.source;
    return new XferError(
      isPassedOn ? 'ERR_XFER_BROKEN_PIPE' : 'ERR_XFER_COMMAND_FAILED',
      `${this.label} ${how}`,
    );
  }
}

/** What POSIX shells mean by them. */
const meaning: Readonly<Record<number, string>> = Object.freeze({
  126: ' (it cannot be run)',
  127: ' (there is no such command)',
});
