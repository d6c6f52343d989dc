import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface RechunkingProxy {
  readonly port: number;
  /** What each client has sent, in order, all together. */
  sent(): Buffer;
  close(): void;
}

/** Passes everything on in pieces of 1 to 7 bytes, each in a write of its own. */
export async function rechunkingProxy(port: number): Promise<RechunkingProxy> {
  const sockets = new Set<Socket>();
  const sent: Buffer[] = [];
  const server = createServer({ noDelay: true }, (client) => {
    const far = connect({ host: '127.0.0.1', port, noDelay: true });
    client.on('data', (bytes) => sent.push(bytes));
    for (const [from, to] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      void passOn(from, to);
    }
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => Buffer.concat(sent),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function passOn(from: Socket, to: Socket): Promise<void> {
  let size = 0;
  try {
    for await (const bytes of from as AsyncIterable<Buffer>)
      for (let at = 0; at < bytes.length; at += size) {
        size = (size % 7) + 1;
        to.write(bytes.subarray(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
    to.end();
  } catch {
    to.destroy();
  }
}
