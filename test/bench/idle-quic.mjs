// Quic connections that do nothing: node idle-quic.mjs ADDRESSES EACH PORT
// It dials each address 10.91.2.N so often, prints {"open":…} when all are there, and {"left":…}, those that are still
// there, at the end of stdin.
import { quic } from '../../plugins/quic/dist/index.js';

const [addresses, each, port] = process.argv.slice(2).map(Number);
/** A second; a relay also counts those of all addresses together. */
const pace = 100;
const transport = await quic().load();
const { signal } = new AbortController();
const open = new Set();
const began = performance.now();
const dials = [];
for (let number = 0; number < addresses * each; number++) {
  const waitMs = (number * 1000) / pace - (performance.now() - began);
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  dials.push(dial({ scheme: 'quic', host: `10.91.2.${1 + (number % addresses)}`, port }));
}
await Promise.all(dials);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
say({ open: open.size });
process.stdin.resume().on('end', () => {
  say({ left: open.size });
  process.exit();
});

async function dial(to) {
  const connection = await transport.dial(to, { signal });
  open.add(connection);
  void connection.closed.then(({ error }) => {
    open.delete(connection);
    process.stderr.write(`closed: ${error?.message ?? 'in order'}\n`);
  });
}
