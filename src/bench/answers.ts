import { benchDefaults } from '../config/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import { BenchMemory } from './memory.js';
import { BenchMessageCore } from './message-core.js';
import { benchMessage, encodeAcknowledgement } from './message.js';

/**
 * The other end of one stream that is measured by: takes messages, and answers those that ask for it, never with more bytes
 * than came. Whoever sends without reading is not read until he does.
 */
export function answerBench(stream: Stream, messageBytes: number): void {
  const core = new BenchMessageCore(messageBytes);
  const memory = new BenchMemory(stream.connection);
  let echo: Uint8Array | undefined;
  let unreleased = 0;
  let isOver = false;
  const released = (): void => {
    unreleased--;
    if (isOver && unreleased === 0) memory.release();
  };
  const send = (bytes: Uint8Array): boolean => {
    unreleased++;
    return stream.send(bytes, released);
  };
  const timer = setTimeout(() => stream.reset(resetCode.timeout), benchDefaults.streamMs);
  stream.onData((bytes) => {
    const owed = core.handleData(bytes);
    if (!owed) return stream.reset(resetCode.protocol);
    let hasRoom = true;
    if (owed.echoes > 0) echo ??= memory.message(messageBytes, benchMessage.count);
    for (let left = owed.echoes; left > 0 && echo; left--) hasRoom = send(echo);
    if (owed.acknowledges) hasRoom = send(encodeAcknowledgement(core.messages));
    if (hasRoom) return;
    stream.pause();
    void stream.drained().then(() => stream.resume());
  });
  stream.onEnd(() => stream.closeWrite());
  stream.accept();
  void stream.closed.then(() => {
    clearTimeout(timer);
    isOver = true;
    if (unreleased === 0) memory.release();
  });
}
