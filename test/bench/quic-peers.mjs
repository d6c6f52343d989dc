import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compare, finish, line, start } from './processes.mjs';

const serverPath = '/usr/sbin/gtlsserver';
const tlsDirectory = join(import.meta.dirname, '../../fixtures/tls');
const quinnPeer = join(import.meta.dirname, 'quinn-peer.mjs');
/** What is left of an Ethernet frame for the payload of UDP over IPv4. */
const payloadBytes = 1472;

/** ngtcp2's HTTP/3 server and client of Debian, from file to file: `{ once }` or `{ missing }`. */
export function ngtcp2({ directory }, source) {
  if (!existsSync(serverPath) || spawnSync('gtlsclient', ['--help']).error)
    return { missing: 'ngtcp2 is not here (Debian: ngtcp2-server, ngtcp2-client)' };
  const [root, target] = ['ngtcp2-root', 'ngtcp2-target'].map((name) => join(directory, name));
  mkdirSync(root);
  symlinkSync(source.path, join(root, source.name));
  const quiet = ['-q', '--no-quic-dump', '--no-http-dump'];
  const windows = ['--max-data=64M', '--max-stream-data-bidi-local=32M', '--max-window=64M'];
  return {
    async once() {
      mkdirSync(target);
      const port = await freeUdpPort();
      const tls = ['key', 'certificate'].map((name) => join(tlsDirectory, `test-only-${name}.pem`));
      const served = [
        ...quiet,
        '-d',
        root,
        `--max-udp-payload-size=${payloadBytes}`,
        '127.0.0.1',
        String(port),
      ];
      const server = start(serverPath, [...served, ...tls]);
      await bound(port);
      const fetched = [...quiet, '--exit-on-all-streams-close', ...windows, `--download=${target}`];
      const url = `https://127.0.0.1:${port}/${source.name}`;
      const { seconds } = await finish(
        start('gtlsclient', [...fetched, '127.0.0.1', String(port), url]),
        'gtlsclient',
      );
      server.child.kill('SIGKILL');
      await server.ended;
      await compare(source.path, join(target, source.name));
      rmSync(target, { recursive: true });
      return { seconds };
    },
  };
}

/**
 * quinn through the binding that plugins/quic has, from memory to memory: `{ once }` or `{ missing }`. Its seconds are those
 * of the whole sender, `inside` those of the transfer.
 */
export function quinn(source) {
  const libc = process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  const name = `@chainsafe/libp2p-quic-linux-${process.arch}-${libc}`;
  try {
    createRequire(import.meta.url).resolve(name);
  } catch {
    return { missing: `${name} is not installed` };
  }
  const run = (...rest) => start(process.execPath, [quinnPeer, name, ...rest.map(String)]);
  return {
    async once() {
      const receiving = run('recv', source.bytes);
      const { port } = await line(receiving, (text) => JSON.parse(text));
      const { seconds, stdout } = await finish(run('send', source.bytes, port), 'quinn, sending');
      await finish(receiving, 'quinn, receiving');
      return { seconds, inside: JSON.parse(stdout).seconds };
    },
  };
}

function freeUdpPort() {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4').once('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

/**
 * Until the port is taken: looks every 10 ms, for 5 s. A client that came too early would wait for its timeout, and who
 * tried the port by taking it would be in the server's way.
 */
async function bound(port) {
  const name = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let tries = 0; tries < 500; tries++) {
    if (readFileSync('/proc/net/udp', 'latin1').includes(name)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('gtlsserver does not start');
}
