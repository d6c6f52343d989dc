import { connect } from 'node:net';
import { MuxBudget, MuxConnection } from '../../dist/plugin.js';

/** A connection to a port of loopback that comes from an address of our choice in 127.0.0.0/8: a peer of its own to a relay. */
export async function connectFrom(localAddress, port) {
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const at = (host, from) => ({ scheme: 'tcp', host, port: from });
  return new MuxConnection({
    link: linkOf(socket),
    role: 'dialer',
    local: at(localAddress, socket.localPort),
    remote: at('127.0.0.1', port),
    budget: unlimited(),
  });
}

/** What the bench's own ends may have: they are not what is measured. */
export const unlimited = () => new MuxBudget({ grantBudgetBytes: 2 ** 34, maxStreamsTotal: 10 ** 6 });

/** The least that a mux needs of a socket. */
function linkOf(socket) {
  return {
    get unsentBytes() {
      return socket.writableLength;
    },
    write(chunks, written) {
      socket.cork();
      for (const chunk of chunks.slice(0, -1)) socket.write(chunk);
      socket.write(chunks.at(-1), () => written());
      socket.uncork();
      return true;
    },
    onData: (handler) => socket.on('data', handler),
    onWritable: (handler) => socket.on('drain', handler),
    onEnd: (handler) => socket.on('end', handler),
    onError: (handler) => socket.on('error', handler).on('close', () => handler(new Error('closed'))),
    close: () => socket.end(),
    abort: () => socket.destroy(),
  };
}
