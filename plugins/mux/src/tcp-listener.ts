import { formatAddress, type Address, type ListenOptions, type Listener } from 'xfer/plugin';
import { onFirstBytes } from './adopt-socket.js';
import { listenForArrivals, type Arrival } from './arrivals.js';
import type { TcpOptions } from './index.js';
import { muxOver } from './mux-over.js';
import { TcpLink } from './tcp-link.js';

/** A mux begins with the type of LINK_HELLO, 0x20; WebSocket with the G of `GET / HTTP/1.1`. */
const firstByteOfGet = 0x47;

/** Takes WebSocket on the same port, too. */
export function listenTcp(at: Address, listen: ListenOptions, options: TcpOptions): Promise<Listener> {
  const { limits } = listen;
  const takeMux = (arrival: Arrival, first: Buffer): void => {
    const { local, remote } = arrival.ends(at.scheme);
    const link = new TcpLink(arrival.socket, formatAddress(remote));
    arrival.settle(
      muxOver({ link, role: 'listener', local, remote, limits, helloTimeoutMs: arrival.leftMs }, options),
    );
    link.begin(first);
  };
  const takeWs = async (arrival: Arrival, first: Buffer): Promise<void> => {
    const { upgradeArrival } = await import('./ws-listener.js');
    if (arrival.isOver) return;
    arrival.socket.unshift(first);
    upgradeArrival(arrival, arrival.socket, 'ws', limits, options);
  };
  return listenForArrivals(at, listen, options, (arrival) =>
    onFirstBytes(arrival.socket, (first) => {
      if (first[0] === firstByteOfGet) takeWs(arrival, first).catch(() => arrival.drop());
      else takeMux(arrival, first);
    }),
  );
}
