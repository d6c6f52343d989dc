import { benchDefaults } from '../config/index.js';
import type { FabricApi, FabricLoop } from '../native/fabric-api.js';
import { resetCode, type Stream } from '../transport/contract.js';
import { StreamReader } from '../transport/stream-reader.js';
import { openLoop, readParty, sendParty } from './native-end.js';
import { decodeRun, nativeAnswer, runBytes } from './native-message.js';

/**
 * The other end of native runs: an endpoint of its own beside the connection's, for as long as the stream is there. `provider`
 * is one that this machine has, and that its user lets be used.
 */
export async function answerNativeBench(stream: Stream, api: FabricApi, provider: string): Promise<void> {
  const reader = new StreamReader(stream);
  let loop: FabricLoop | undefined;
  const say = (answer: number): unknown => stream.send(Uint8Array.of(answer));
  stream.accept();
  try {
    loop = await openLoop(api, provider);
    sendParty(stream, provider, loop);
    await loop.connect((await readParty(reader)).peer);
    say(nativeAnswer.done);
    const opened = loop;
    void stream.closed.then(() => opened.close());
    for (;;) {
      const told = await reader.read(runBytes, benchDefaults.connectionMs);
      if (told.length === 0 && reader.hasEnded) break;
      const run = told.length === runBytes ? decodeRun(told) : undefined;
      if (!run) return stream.reset(resetCode.protocol);
      say(await done(loop.run({ ...run, isClient: false })));
    }
    stream.closeWrite();
  } catch {
    stream.reset(resetCode.internal);
  } finally {
    await loop?.close();
  }
}

/** What went wrong the client hears from its own end: nothing moves there any more. */
function done(run: Promise<unknown>): Promise<number> {
  return run.then(
    () => nativeAnswer.done,
    () => nativeAnswer.failed,
  );
}
