// A flood of handshakes from one address: node handshake-flood.mjs URL SECONDS
// Dials as often as it can, and says nothing on what it gets. Prints {"tried":…} at the end.
import { addressOf, loadTransport } from './transports.mjs';

const [url, seconds] = process.argv.slice(2);
const to = addressOf(url);
const transport = await loadTransport(to.scheme);
const until = performance.now() + Number(seconds) * 1000;
const atOnce = 64;
let tried = 0;

async function flood() {
  while (performance.now() < until) {
    tried++;
    const connection = await transport
      .dial(to, { signal: AbortSignal.timeout(1_000) })
      .catch(() => undefined);
    connection?.abort(new Error('garbage'));
  }
}

await Promise.all(Array.from({ length: atOnce }, flood));
console.log(JSON.stringify({ tried }));
process.exit(0);
