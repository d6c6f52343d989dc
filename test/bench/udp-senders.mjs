import { finish, line, start } from './processes.mjs';

/**
 * A receiver and some senders, each a process of its own, by the words that udp-flood.mjs and udp-blast.cc take. What was
 * received in how many seconds.
 */
export async function flood([command, ...args], { senders, datagramBytes, seconds, how = [] }) {
  const receiver = start(command, [...args, 'receive', String(seconds)]);
  const port = await line(receiver, (text) => /^port (\d+)$/.exec(text)?.[1]);
  // They outlast the receiver's clock, which begins with the first datagram.
  const sending = Array.from({ length: senders }, () =>
    start(command, [...args, 'send', port, String(datagramBytes), String(seconds + 1), ...how]),
  );
  const { stdout } = await finish(receiver, 'the receiver of datagrams');
  for (const { child } of sending) child.kill();
  await Promise.all(sending.map(({ ended }) => ended));
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** The library's batch socket. */
export const ours = [process.execPath, `${import.meta.dirname}/udp-flood.mjs`];
