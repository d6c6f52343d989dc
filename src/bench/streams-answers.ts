import { benchDefaults } from '../config/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import { firstByteAnswer } from './streams-message.js';

/**
 * The other end of one of many streams: answers the first byte with one, or sends all back, and the end with an end; never
 * more bytes than came. Whoever sends without reading is not read until he does.
 */
export function answerStream(stream: Stream, isBothWays: boolean, onFirstByte?: () => void): void {
  let hasBegun = false;
  const timer = setTimeout(() => stream.reset(resetCode.timeout), benchDefaults.streamMs);
  stream.onData((bytes) => {
    if (!hasBegun) onFirstByte?.();
    // The bytes are the transport's when this returns, and a Buffer's slice would be of the same memory.
    const answer = isBothWays ? Uint8Array.from(bytes) : hasBegun ? undefined : firstByteAnswer;
    hasBegun = true;
    if (!answer || stream.send(answer)) return;
    stream.pause();
    void stream.drained().then(() => stream.resume());
  });
  stream.onEnd(() => stream.closeWrite());
  stream.accept();
  void stream.closed.then(() => clearTimeout(timer));
}
