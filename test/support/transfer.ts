import { expect } from 'vitest';
import type { DoneEvent } from '../../src/app/events.js';
import { startReceiver, type ReceiverOptions } from './receiver.js';
import { runXfer, type Ended, type RunOptions, type XferRun } from './run-xfer.js';

export interface Leg {
  readonly paths: readonly string[];
  /** Where it arrives. */
  readonly out: string;
  readonly sendFlags?: readonly string[];
  readonly recvFlags?: readonly string[];
  readonly sender?: RunOptions;
  /** Starts the sender, and the receiver unless that has its own. Default: `runXfer`. */
  readonly start?: NonNullable<ReceiverOptions['start']>;
  readonly receiver?: ReceiverOptions;
  /** Where the sender finds who listens there. Default: there itself. */
  readonly reach?: (address: string) => Promise<string>;
}

export interface Outcome {
  readonly sent: Ended;
  readonly received: Ended;
}

/** Both sides of a transfer that has begun: a receiver for one, and a sender that has its code. */
export async function beginTransfer(leg: Leg): Promise<{ send: XferRun; recv: XferRun }> {
  const {
    paths,
    out,
    sendFlags = [],
    recvFlags = [],
    sender = {},
    receiver = {},
    reach,
    start = runXfer,
  } = leg;
  const options = { start, ...receiver, flags: ['--once', ...recvFlags] };
  const { recv, address, code } = await startReceiver(out, options);
  const env = { XFER_CODE: code, ...sender.env };
  const target = (await reach?.(address)) ?? address;
  const send = await start(['send', ...paths, target, '--json', ...sendFlags], { ...sender, env });
  return { send, recv };
}

/** One transfer; both sides have ended. */
export async function transfer(leg: Leg): Promise<Outcome> {
  const { send, recv } = await beginTransfer(leg);
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  return { sent, received };
}

/**
 * One transfer that both sides end well, between two processes unless `run` says otherwise (`transferHere` of commands-here): how the sender
 * tells of it, and what it has handed to the network.
 */
export async function transferred(
  leg: Leg,
  run: (leg: Leg) => Promise<Outcome> = transfer,
): Promise<{ done: DoneEvent; sentBytes: number } & Outcome> {
  const outcome = await run(leg);
  const { sent, received } = outcome;
  expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
  const done = sent.events.at(-1);
  if (done?.event !== 'done') throw new Error(`the sender did not end with done:\n${sent.stdout}`);
  return { done, sentBytes: handedOver(sent), ...outcome };
}

/** Content that a sender has handed to the network. */
export function handedOver({ events }: Pick<Ended, 'events'>): number {
  return Math.max(0, ...events.map((event) => (event.event === 'progress' ? event.sent : 0)));
}

export const notesOf = ({ events }: Pick<Ended, 'events'>) =>
  events.flatMap((event) => (event.event === 'note' ? [event.message] : []));

/** The error with which a side ended, its exit status checked against it. */
export function failureOf({ events, status }: Ended): {
  code: string;
  message: string;
  status: number | null;
} {
  const last = events.at(-1);
  if (last?.event !== 'error')
    throw new Error(
      `it did not end with an error: ${events.map((event) => JSON.stringify(event)).join(' ')}`,
    );
  expect(status).toBe(last.exit);
  return { code: last.code, message: last.message, status };
}

/** What a `send` with these flags ends with before it dials: nobody listens at its target. */
export async function refusedFlags(path: string, flags: readonly string[], start = runXfer) {
  const target = 'tcp://127.0.0.1:9';
  const run = await start(['send', path, target, '--code', '4821-crossover-clockwork', '--json', ...flags]);
  return failureOf(await run.ended);
}
