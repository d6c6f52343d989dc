// A peer that sends as much as it can: the thread of row-relay-shares.mjs, until it is ended.
import { workerData } from 'node:worker_threads';
import { connectFrom } from './loopback-link.mjs';
import { encodeRouteTo } from './route-header.mjs';

const { peer, port, to } = workerData;
const connection = await connectFrom(`127.0.3.${peer}`, port);
const header = encodeRouteTo(to, Buffer.from(String(peer)));
for (let i = 0; i < 2; i++) void feed(connection.openStream({ header }));

async function feed(stream) {
  const piece = new Uint8Array(256 * 1024);
  for (;;) if (!stream.send(piece)) await stream.drained();
}
