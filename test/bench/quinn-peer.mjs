// One side of a transfer by quinn, from memory to memory: recv takes one connection with one stream and prints its port
// first; send dials it, and prints the seconds from its first stream until all has arrived. The first argument is quinn's
// binding, as its package is named.
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';

const [binding, mode, size, port] = process.argv.slice(2);
const { Client, QuinnConfig, Server } = createRequire(import.meta.url)(binding);
const blockBytes = 2 ** 20;
const config = new QuinnConfig({
  privateKeyProto: ed25519Key(),
  ...{ handshakeTimeout: 5000, maxIdleTimeout: 10_000, keepAliveInterval: 5000, shutdownTimeout: 5000 },
  maxConcurrentStreamLimit: 16,
  // More than its defaults, which are made for many small streams.
  ...{ maxStreamData: 32 * blockBytes, maxConnectionData: 64 * blockBytes },
  ...{ receiveBufferSize: 4 * blockBytes, sendBufferSize: 4 * blockBytes },
});
await (mode === 'recv' ? recv() : send());
process.exit();

async function recv() {
  const server = new Server(config, '127.0.0.1', 0);
  console.log(JSON.stringify({ port: server.port() }));
  const connection = await server.inboundConnection();
  const stream = await connection.inboundStream();
  let left = Number(size);
  while (left > 0) {
    const bytes = await stream.read(blockBytes);
    if (!bytes) throw new Error(`the stream ended ${left} bytes early`);
    left -= bytes.length;
  }
  await stream.write(Uint8Array.of(1));
  await stream.finishWrite();
  await connection.closed();
}

async function send() {
  const connection = await new Client(config, 0).outboundConnection('127.0.0.1', Number(port));
  const began = performance.now();
  const stream = await connection.outboundStream();
  const block = new Uint8Array(blockBytes).fill(7);
  for (let left = Number(size); left > 0; left -= blockBytes)
    await stream.write(left >= blockBytes ? block : block.subarray(0, left));
  // All has arrived when the answer does.
  await stream.read(1);
  console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }));
  connection.abort();
}

/** A private key as libp2p writes it: type 1, Ed25519, and 64 bytes, seed and public key. */
function ed25519Key() {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const key = Buffer.concat([d, x].map((text) => Buffer.from(text, 'base64url')));
  return Buffer.concat([Buffer.from([0x08, 0x01, 0x12, key.length]), key]);
}
