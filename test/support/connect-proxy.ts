import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface ConnectProxy {
  readonly url: string;
  /** What was asked for, as `CONNECT host:port`, and how the asker named himself. */
  readonly asked: { readonly target: string; readonly credentials: string | undefined }[];
  /** Connections to it that are open. */
  readonly open: Set<Socket>;
  close(): void;
}

/**
 * An HTTP proxy that knows CONNECT, and finds every host on this machine. `answer` is a status in place of that, or
 * never to answer at all.
 */
export async function connectProxy(answer: number | 'never' = 200): Promise<ConnectProxy> {
  const open = new Set<Socket>();
  const asked: ConnectProxy['asked'] = [];
  const server = createServer();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    const target = request.url ?? '';
    asked.push({ target, credentials: request.headers['proxy-authorization'] });
    client.on('error', () => undefined);
    // Reading, it notices that the client goes.
    if (answer === 'never') return void client.on('end', () => client.destroy()).resume();
    if (answer !== 200) return void client.end(`HTTP/1.1 ${answer} No\r\nContent-Length: 0\r\n\r\n`);
    const far = connect({ host: '127.0.0.1', port: Number(target.split(':').at(-1)) });
    far.on('error', () => client.destroy());
    client.on('close', () => far.destroy());
    far.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      far.pipe(client).pipe(far);
    });
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    open,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
