// A flood for a relay: node flood.mjs PORT CONNECTIONS-A-SECOND SECONDS
// Of five connections three bring garbage and leave, one says a few bytes and stays, one opens a room and leaves it half
// open. They come from 254 addresses. Prints {"tried":…,"connected":…} at the end.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';

const [port, rate, seconds] = process.argv.slice(2).map(Number);
const garbage = randomBytes(512);
const hello = Buffer.from(
  '20000000001800000000000000005846455200010001000003e8000000640004000000040000',
  'hex',
);
const counts = { tried: 0, connected: 0 };
const open = new Set();

function attack(number) {
  counts.tried++;
  const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.2.${1 + (number % 254)}` });
  open.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => open.delete(socket));
  socket.on('data', () => undefined);
  socket.on('connect', () => {
    counts.connected++;
    const kind = number % 5;
    if (kind < 3) socket.end(garbage.subarray(0, 16 + (number % 400)));
    else if (kind === 3) socket.write(hello.subarray(0, 7));
    else socket.write(Buffer.concat([hello, openRoom(`flood-${number}`)]));
  });
  // Whoever is not cut off leaves after a while, or this process would run out of descriptors first.
  setTimeout(() => socket.destroy(), 5_000).unref();
}

/** STREAM_OPEN to the relay itself, with the header of a room. */
function openRoom(name) {
  const inner = Buffer.concat([Buffer.from('xfer\x04', 'latin1'), Buffer.from(name)]);
  const route = Buffer.concat([
    Buffer.from('xfer\x03\x10\x00\x00\x01\x00', 'latin1'),
    Buffer.from([inner.length >> 8, inner.length & 0xff]),
    inner,
  ]);
  const header = Buffer.alloc(14 + 9);
  header[0] = 1;
  header.writeUInt32BE(9 + route.length, 2);
  header.writeUInt32BE(1, 10);
  header.writeUInt32BE(65_536, 18);
  return Buffer.concat([header, route]);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const began = performance.now();
  const timer = setInterval(() => {
    const due = Math.min(rate * seconds, ((performance.now() - began) / 1000) * rate);
    // More at once than the descriptors of this process would only fail here.
    while (counts.tried < due && open.size < 8_000) attack(counts.tried);
    if (performance.now() - began < seconds * 1000) return;
    clearInterval(timer);
    console.log(JSON.stringify(counts));
    process.exit(0);
  }, 5);
}
