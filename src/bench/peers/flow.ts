import type { BenchPattern } from '../work.js';

/** Content that goes one way, once. */
export interface Flow {
  readonly pattern: BenchPattern;
  /** `there`: from the near end to the far one. */
  readonly direction: 'there' | 'back';
  /** Where it is: a file, or a directory of small files. */
  readonly source: string;
  /** Where it is to be. Nothing is there; the directory that it is in is empty. */
  readonly target: string;
  /** Of a pipe. */
  readonly piped?: PipedContent;
}

export interface PipedContent {
  /** What brings it. */
  readonly producer: readonly string[];
  /** It is written to the target. False: it is counted alone, since to write it would be what is measured. */
  readonly isKept: boolean;
  readonly timeMs?: number;
}

/** What a tool does for a flow. */
export interface FlowCommands {
  /** Listens before the clock starts, and ends by itself. */
  readonly far?: Pipeline;
  readonly near: Pipeline;
  /** The target is a directory that must be there before. */
  readonly intoDirectory?: true;
}

/** Programs side by side, the output of each the input of the next. */
export interface Pipeline {
  readonly commands: readonly FlowCommand[];
  /** A file which the first one reads. */
  readonly input?: string;
  /** A file which the output of the last one is written to. */
  readonly output?: string;
}

export interface FlowCommand {
  readonly argv: readonly string[];
  /** What its processor time is told as; undefined: it only brings or takes content, and is not counted. */
  readonly process?: string;
  /** It listens on the port of its flow. */
  readonly listens?: true;
  /** It brings the content of a pipe, and is ended when the time of the work is over. */
  readonly isProducer?: true;
  /** It says how many bytes have come out of the pipe. */
  readonly isCounter?: true;
}

export type CommandsOf = (flow: Flow, port: number) => FlowCommands;

/** Names of processor time: who sends and who receives, by which way the content goes. */
export function processNames({ direction }: Flow): { readonly near: string; readonly far: string } {
  return direction === 'there' ? { near: 'sender', far: 'receiver' } : { near: 'receiver', far: 'sender' };
}

/** Through real pipes, and never through the bench's own process. */
export const produce = ({ piped }: Flow): FlowCommand => ({
  argv: piped?.producer ?? [],
  isProducer: true,
});

/** What comes out of a command goes to what keeps or counts it. */
export const consumed = (from: FlowCommand, { piped, target }: Flow): Pipeline =>
  piped?.isKept === false
    ? { commands: [from, { argv: ['wc', '-c'], isCounter: true }] }
    : { commands: [from, { argv: ['cat'] }], output: target };

/** Both ends of a pipe through a tool that reads stdin at one end, and writes stdout at the other. */
export function pipeBetween(
  flow: Flow,
  far: { readonly sends: readonly string[]; readonly receives: readonly string[] },
  near: { readonly sends: readonly string[]; readonly receives: readonly string[] },
): FlowCommands {
  const names = processNames(flow);
  const isThere = flow.direction === 'there';
  const nearTool: FlowCommand = { argv: isThere ? near.sends : near.receives, process: names.near };
  const farTool: FlowCommand = {
    argv: isThere ? far.receives : far.sends,
    process: names.far,
    listens: true,
  };
  const sending = (tool: FlowCommand): Pipeline => ({ commands: [produce(flow), tool] });
  const receiving = (tool: FlowCommand): Pipeline => consumed(tool, flow);
  return isThere
    ? { far: receiving(farTool), near: sending(nearTool) }
    : { far: sending(farTool), near: receiving(nearTool) };
}
