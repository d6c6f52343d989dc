import { sessionDefaults } from '../config/index.js';
import { recordLayout } from '../native/api.js';
import type { Framing, StreamFraming } from '../relay/framing.js';
import { messageType } from './handshake-messages.js';
import { joinMessage } from './join-core.js';
import { decodeGroupHeader, decodeJoinHeader, isSessionHeader } from './stream-headers.js';

const { lengthBytes, overheadBytes } = recordLayout;
const mostRecordBytes =
  overheadBytes + Math.max(sessionDefaults.recordBytes, sessionDefaults.maxControlBytes);
/** A message's length, and its type. */
const messageHeadBytes = 3;

/** The parts of the streams that sessions are made of: handshake messages, then records. All others are not known. */
export function laneFraming(header: Uint8Array): StreamFraming | undefined {
  if (isSessionHeader(header))
    return {
      toward: new DirectionFraming([messageType.hello, messageType.confirm, messageType.finish]),
      back: new DirectionFraming([messageType.answer, messageType.confirmBack, messageType.verdict]),
    };
  if (decodeJoinHeader(header))
    return {
      toward: new DirectionFraming([joinMessage.proof]),
      back: new DirectionFraming([joinMessage.answer]),
    };
  if (decodeGroupHeader(header)) return { toward: new DirectionFraming([]), back: new DirectionFraming([]) };
  return undefined;
}

/** Behind the last message of a direction there are records alone. */
class DirectionFraming implements Framing {
  /** Messages that are still to come, in their order. */
  readonly #messages: number[];

  constructor(messages: readonly number[]) {
    this.#messages = [...messages];
  }

  get headBytes(): number {
    return this.#messages.length > 0 ? messageHeadBytes : lengthBytes;
  }

  take(head: Uint8Array): number | undefined {
    return this.#messages.length > 0 ? this.#takeMessage(head) : takeRecord(head);
  }

  #takeMessage([high = 0, low = 0, type]: Uint8Array): number | undefined {
    const length = high * 256 + low;
    if (length === 0 || length > sessionDefaults.maxHandshakeMessageBytes) return undefined;
    // A refusal may stand in the place of any message; nothing follows it.
    if (type !== messageType.refusal && type !== this.#messages.shift()) return undefined;
    return messageHeadBytes - 1 + length;
  }
}

function takeRecord(head: Uint8Array): number | undefined {
  const total = lengthBytes + new DataView(head.buffer, head.byteOffset).getUint32(0);
  return total >= overheadBytes && total <= mostRecordBytes ? total : undefined;
}
