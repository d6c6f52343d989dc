import { expect, it } from 'vitest';
import { ZmqSource } from '../../../plugins/zmq/src/message-source.js';

/** A socket that has so many messages of 10 bytes, and no more. */
function socketWith(count: number) {
  let left = count;
  return {
    receiveTimeout: 0,
    get readable() {
      return left > 0;
    },
    receive: () => {
      left -= 1;
      return Promise.resolve([new Uint8Array(10).fill(left)]);
    },
  };
}

it('gives what it has received though it is stopped, and nothing more of the socket', async () => {
  let stops = 0;
  const socket = socketWith(40);
  const source = new ZmqSource({ socket, isShared: false, onStop: () => (stops += 1) });
  // It takes more at a time than were asked for, since their length shows only then.
  expect(await source.read(95)).toHaveLength(10);
  source.stop();
  source.stop();
  expect(stops).toBe(1);
  expect(await source.read(1000)).toHaveLength(6);
  expect(await source.read(1000)).toBeUndefined();
  expect(socket.readable).toBe(true);
});

it('gives what comes in the turn in which it is stopped', async () => {
  const source = new ZmqSource({ socket: socketWith(3), isShared: false, onStop: () => undefined });
  const read = source.read(1000);
  source.stop();
  expect(await read).toHaveLength(3);
  expect(await source.read(1000)).toBeUndefined();
});
