import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from './run-xfer.js';
import { tlsFiles } from './tls-identity.js';

export const hasNginx = spawnSync('nginx', ['-v']).error === undefined;

export interface Nginx {
  /** Where it has TLS, and passes WebSockets on to `/some/path` of the upstream. */
  readonly port: number;
  close(): Promise<void>;
}

/** A real nginx before the HTTP server on `upstream`, a port of loopback. */
export async function startNginx(upstream: number): Promise<Nginx> {
  const directory = await temporaryDirectory();
  const port = await freePort();
  await mkdir(join(directory, 'tmp'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/tmp/${kind};`)
    .join(' ');
  await writeFile(
    join(directory, 'nginx.conf'),
    `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
     events {}
     http {
       access_log off; ${temporary}
       server {
         listen 127.0.0.1:${port} ssl;
         ssl_certificate ${tlsFiles.certificate}; ssl_certificate_key ${tlsFiles.key};
         location / {
           proxy_pass http://127.0.0.1:${upstream}/some/path;
           proxy_http_version 1.1;
           proxy_set_header Upgrade $http_upgrade;
           proxy_set_header Connection upgrade;
         }
       }
     }`,
  );
  const nginx = spawn('nginx', ['-p', directory, '-c', join(directory, 'nginx.conf')], { stdio: 'ignore' });
  await listens(port, nginx);
  return {
    port,
    async close() {
      if (nginx.exitCode !== null) return;
      nginx.kill('SIGTERM');
      await once(nginx, 'exit');
    },
  };
}

/** nginx cannot choose one itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Until it takes connections; nginx tells nobody when that is. */
async function listens(port: number, nginx: ChildProcess): Promise<void> {
  for (const until = Date.now() + 10_000; Date.now() < until && nginx.exitCode === null;) {
    const socket = connect({ host: '127.0.0.1', port });
    const event = await Promise.race([
      once(socket, 'connect').then(() => 'connect'),
      once(socket, 'error').then(() => 'error'),
    ]).catch(() => 'error');
    socket.destroy();
    if (event === 'connect') return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('nginx did not start');
}
