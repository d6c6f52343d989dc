import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** The address of this host that datagrams to there would come from; the any address where there is no way. Nothing is sent. */
export async function ownAddress(host: string, port: number, family: 4 | 6): Promise<string> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    return socket.address().address;
  } catch {
    return family === 4 ? '0.0.0.0' : '::';
  } finally {
    socket.close();
  }
}
