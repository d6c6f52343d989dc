import { ackBytes, ackRangeBytes, controlDataBytes, frameType, pathTokenBytes } from './frame-writer.js';
import { u16At, u48At } from './number-at.js';
import { ReceivedAck } from './received-ack.js';

/** Whom the frames go to, in their order. Bytes live until the call returns. A string says what is wrong: reading stops. */
export interface FrameHandler {
  handleAck(ack: ReceivedAck): string | undefined;
  handleControlData(offset: number, bytes: Uint8Array): string | undefined;
  handlePathChallenge(token: Uint8Array): void;
  handlePathResponse(token: Uint8Array): void;
  handleClose(code: number, reason: string): void;
}

/** Reads the frames of control packets. */
export class FrameReader {
  readonly #ack = new ReceivedAck();
  readonly #decoder = new TextDecoder();

  /** What is wrong with them; undefined: nothing, and all were handled. */
  read(frames: Uint8Array, handler: FrameHandler): string | undefined {
    let acks = 0;
    for (let at = 0; at < frames.length;) {
      const bytes = frameBytes(frames, at);
      if (bytes === undefined) return `a frame of the unknown type ${frames[at] ?? 0}`;
      if (at + bytes > frames.length) return 'a frame that does not fit into its packet';
      if (frames[at] === frameType.ack && ++acks > 1) return 'a second ACK in one packet';
      const fault = this.#handle(frames, at, bytes, handler);
      if (fault !== undefined) return fault;
      at += bytes;
    }
    return undefined;
  }

  #handle(frames: Uint8Array, at: number, bytes: number, handler: FrameHandler): string | undefined {
    switch (frames[at]) {
      case frameType.ack:
        return this.#ack.read(frames, at) ?? handler.handleAck(this.#ack);
      case frameType.controlData:
        return handler.handleControlData(
          u48At(frames, at + 1),
          frames.subarray(at + controlDataBytes, at + bytes),
        );
      case frameType.pathChallenge:
        handler.handlePathChallenge(frames.subarray(at + 1, at + bytes));
        return undefined;
      case frameType.pathResponse:
        handler.handlePathResponse(frames.subarray(at + 1, at + bytes));
        return undefined;
      case frameType.close:
        handler.handleClose(u16At(frames, at + 1), this.#decoder.decode(frames.subarray(at + 4, at + bytes)));
        return undefined;
      default:
        return undefined;
    }
  }
}

/** Whether it has to be acknowledged. The frames are sound. */
export function isAckEliciting(frames: Uint8Array): boolean {
  for (let at = 0; at < frames.length;) {
    const type = frames[at];
    if (type !== frameType.padding && type !== frameType.ack) return true;
    at += frameBytes(frames, at) ?? frames.length;
  }
  return false;
}

/** Undefined: a type that is not known. Past the end where the frame is cut off. */
function frameBytes(frames: Uint8Array, at: number): number | undefined {
  switch (frames[at]) {
    case frameType.padding:
    case frameType.ping:
      return 1;
    case frameType.ack:
      return at + ackBytes > frames.length
        ? ackBytes
        : ackBytes + Math.max(0, u16At(frames, at + 19) - 1) * ackRangeBytes;
    case frameType.controlData:
      return at + controlDataBytes > frames.length
        ? controlDataBytes
        : controlDataBytes + u16At(frames, at + 7);
    case frameType.pathChallenge:
    case frameType.pathResponse:
      return 1 + pathTokenBytes;
    case frameType.close:
      return at + 4 > frames.length ? 4 : 4 + (frames[at + 3] ?? 0);
    default:
      return undefined;
  }
}
