import { tcp } from '@xfer/mux';
import { afterAll, expect } from 'vitest';
import type { DoneEvent, XferEvent } from '../../src/app/events.js';
import type { ReceiveOptions, SendOptions } from '../../src/app/options.js';
import { receive } from '../../src/app/receive.js';
import { send } from '../../src/app/send.js';
import { asXferError, XferError } from '../../src/errors/index.js';
import { TransportRegistry } from '../../src/transport/registry.js';
import { temporaryDirectory } from './run-xfer.js';
import { handedOver } from './transfer.js';

export interface LegHere {
  readonly paths: readonly string[];
  /** Where it arrives. */
  readonly out: string;
  readonly sender?: Partial<SendOptions>;
  readonly receiver?: Partial<ReceiveOptions>;
  /** Where the sender finds who listens there. Default: there itself. */
  readonly reach?: (address: string) => Promise<string>;
}

/** How a side ended, as `Ended` tells it of a process. */
export interface EndedHere {
  /** What its process would exit with. */
  readonly status: number;
  /** The error's code; not there where it ended well. */
  readonly code?: string;
  readonly message?: string;
  readonly events: readonly XferEvent[];
}

const code = '4821-crossover-clockwork-melon';
const transports = new TransportRegistry();
transports.add(tcp(), '@xfer/mux');
const over = new AbortController();
let homes: Promise<readonly [string, string]> | undefined;

afterAll(() => over.abort(new XferError('ERR_XFER_INTERRUPTED', 'the tests are over')));

/**
 * Both sides of a transfer over tcp, within this process: for what does not depend on a command line, an exit or a signal. A
 * process for each side takes a hundred times the processor time of a small transfer.
 */
export async function beginHere(leg: LegHere) {
  const { paths, out, sender = {}, receiver = {}, reach } = leg;
  homes ??= Promise.all([temporaryDirectory(), temporaryDirectory()]);
  const [sendHome, recvHome] = await homes;
  const common = { code, transports, signal: over.signal };
  let received: Promise<EndedHere> | undefined;
  const address = await new Promise<string>((resolve, reject) => {
    received = ended((onEvent) =>
      receive({
        ...{
          ...common,
          home: recvHome,
          directory: out,
          listen: ['tcp://127.0.0.1:0'],
          once: true,
          ...receiver,
        },
        onEvent: (event) => {
          onEvent(event);
          if (event.event === 'listening') resolve(event.addresses[0] ?? '');
        },
      }),
    );
    void received.then(({ message }) => reject(new Error(message)));
  });
  const target = (await reach?.(address)) ?? address;
  const sent = ended((onEvent) => send({ ...common, home: sendHome, paths, target, ...sender, onEvent }));
  return { sent, received: received as Promise<EndedHere> };
}

/** One transfer; both sides have ended. */
export async function transferHere(leg: LegHere): Promise<{ sent: EndedHere; received: EndedHere }> {
  const both = await beginHere(leg);
  const [sent, received] = await Promise.all([both.sent, both.received]);
  return { sent, received };
}

/** One transfer that both sides end well: how the sender tells of it, and what it has handed to the network. */
export async function transferredHere(leg: LegHere) {
  const { sent, received } = await transferHere(leg);
  expect([sent.status, received.status], `${sent.message} ${received.message}`).toEqual([0, 0]);
  const done = sent.events.find((event): event is DoneEvent => event.event === 'done');
  if (done === undefined) throw new Error('the sender did not end with done');
  return { done, sentBytes: handedOver(sent), sent, received };
}

async function ended(run: (onEvent: (event: XferEvent) => void) => Promise<unknown>): Promise<EndedHere> {
  const events: XferEvent[] = [];
  try {
    await run((event) => events.push(event));
    return { status: 0, events };
  } catch (error) {
    const { exit, code, message } = asXferError(error);
    return { status: exit, code, message, events };
  }
}
