import { expect } from 'vitest';
import type { XferError } from '../../../src/errors/index.js';
import type { NativeApi } from '../../../src/native/api.js';
import type { TransferMessage } from '../../../src/transfer/messages.js';
import type { ReceivePolicy } from '../../../src/transfer/receive-policy.js';
import {
  beginning,
  namesIn,
  Rogue,
  sessionPair,
  startReceiving,
  startSending,
  type Receiving,
  type Sending,
} from './transfer-kit.js';

export type MetReceiver = Receiving & { readonly sender: Rogue };
export type MetSender = Sending & { readonly receiver: Rogue };

/** A receiver, and a sender that obeys the test alone. It has begun, with `begin` in the place of what an honest one says. */
export async function meetReceiver(
  native?: NativeApi,
  { policy, begin }: { policy?: ReceivePolicy; begin?: Partial<Begin> } = {},
): Promise<MetReceiver> {
  const [near, far] = await sessionPair();
  const sender = new Rogue(near);
  sender.say({ ...beginning, ...begin });
  return { sender, ...(await startReceiving(far, native, policy)) };
}

type Begin = Extract<TransferMessage, { type: 'begin' }>;

/** A sender of `paths`, and a receiver that obeys the test alone. */
export async function meetSender(paths: readonly string[]): Promise<MetSender> {
  const [near, far] = await sessionPair();
  return { receiver: new Rogue(far), ...startSending(near, paths) };
}

export const failure = (code: string) => expect.objectContaining({ code }) as XferError;

/** The receiver says why, ends with the same, and leaves `names` behind. */
export async function refused(
  met: MetReceiver,
  code: string,
  words: string,
  names: readonly string[] = [],
): Promise<void> {
  expect(await met.sender.isTold()).toContain(`${code} `);
  expect(await met.sender.isTold()).toContain(words);
  await expect(met.running).rejects.toEqual(failure(code));
  expect(await namesIn(met.directory)).toEqual(names);
}
