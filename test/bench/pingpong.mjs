import { readFileSync } from 'node:fs';
import { freePort } from './free-port.mjs';
import { finish, start } from './processes.mjs';
import { hasProgram } from './ssh-peers.mjs';

/** Why there is nothing to compare fabrics with, or undefined where there is. */
export const pingpongMissing = () =>
  hasProgram('fi_pingpong') ? undefined : 'no fi_pingpong (Debian: libfabric-bin)';

/** fi_pingpong of libfabric, two processes on loopback: microseconds of one message one way, half of a round trip. */
export async function pingpong(provider, messageBytes, iterations) {
  const port = await freePort();
  const flags = ['-e', 'rdm', '-p', provider, '-S', String(messageBytes), '-I', String(iterations)];
  const server = start('fi_pingpong', [...flags, '-B', String(port)]);
  await listens(server, port);
  const client = start('fi_pingpong', [...flags, '-P', String(port), '127.0.0.1']);
  const { stdout } = await finish(client, 'fi_pingpong');
  await finish(server, 'fi_pingpong');
  // bytes, #sent, #ack, total, time, MB/sec, usec/xfer, Mxfers/sec
  const us = Number(stdout.trim().split('\n').at(-1).trim().split(/\s+/)[6]);
  if (!(us > 0)) throw new Error(`fi_pingpong said: ${stdout}`);
  return us;
}

/** It says nothing when it listens, and takes any connection for its client: the kernel is asked. */
async function listens(server, port) {
  const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0{8}:0{4} 0A `);
  for (const until = performance.now() + 5000; performance.now() < until && !server.over;) {
    if (listening.test(readFileSync('/proc/net/tcp', 'latin1'))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`fi_pingpong does not listen: ${server.stderr}`);
}
