// Which turns of the event loop took long, of any command:
//   NODE_OPTIONS="--import ./test/bench/loop-watch.mjs" npx xfer send FILE HOST
// At its end it tells on stderr, of each turn longer than 8 ms, when it ended, how long it took, and for how much of that
// the thread waited for a processor. The first ones are the loading of the program.
import { openSync, readSync, writeSync } from 'node:fs';

const longMs = 8;
const everyMs = 1;
const schedule = openSync('/proc/self/schedstat');
const text = Buffer.alloc(64);
const turns = [];

/** Milliseconds that the main thread could have run and did not (Linux, sched-stats.rst). */
function waitedMs() {
  const bytes = readSync(schedule, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, bytes).split(' ')[1]) / 1e6;
}

let last = { at: performance.now(), waited: waitedMs() };
setInterval(() => {
  const now = { at: performance.now(), waited: waitedMs() };
  const ms = now.at - last.at - everyMs;
  if (ms > longMs) turns.push({ atMs: now.at, ms, waitedMs: now.waited - last.waited });
  last = now;
}, everyMs).unref();

process.on('exit', () => {
  for (const { atMs, ms, waitedMs } of turns)
    writeSync(
      2,
      `loop: ${ms.toFixed(1)} ms until ${atMs.toFixed(0)} ms, of which ${waitedMs.toFixed(1)} ms waiting for a processor\n`,
    );
});
