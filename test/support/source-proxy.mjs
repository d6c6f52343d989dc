import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Forwards to a port of this machine so that whoever listens there sees another address of loopback. See the `.d.mts`. */
export async function sourceProxy(scheme, port, from) {
  return scheme === 'tcp' ? overTcp(port, from) : overDatagrams(scheme, port, from);
}

async function overTcp(port, from) {
  const sockets = new Set();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port, localAddress: from, allowHalfOpen: true, noDelay: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `tcp://127.0.0.1:${server.address().port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function overDatagrams(scheme, port, from) {
  const near = createSocket('udp4');
  /** By the port of who dials. */
  const far = new Map();
  near.on('message', (bytes, { port: dialer }) => {
    let socket = far.get(dialer);
    if (!socket) {
      socket = createSocket('udp4');
      far.set(dialer, socket);
      socket.on('message', (answer) => near.send(answer, dialer, '127.0.0.1'));
      socket.on('error', () => undefined);
      socket.bind(0, from);
    }
    socket.send(bytes, port, '127.0.0.1');
  });
  near.bind(0, '127.0.0.1');
  await once(near, 'listening');
  return {
    url: `${scheme}://127.0.0.1:${near.address().port}`,
    close: async () => {
      for (const socket of far.values()) socket.close();
      near.close();
      await once(near, 'close');
    },
  };
}
