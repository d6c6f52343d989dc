import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { listeningPipe, pipeProcess } from './pipes.mjs';
import { finish, line, start } from './processes.mjs';
import { spread } from './stats.mjs';

/** Debian's python3-zmq is for this one. */
const python = '/usr/bin/python3';
const script = join(import.meta.dirname, '../support/pyzmq/peer.py');
const wanted = 100_000;

/** Messages of pyzmq's PUSH to its PULL across a hop; from the first that arrives to the last. */
export const zmqRow = {
  name: 'zmq',
  title: 'ZeroMQ across a hop',
  async measure(context) {
    const missing = missingPyzmq();
    if (missing) return [{ skipped: missing }];
    const count = context.smoke ? 20_000 : 300_000;
    const rows = [];
    for (const size of [100, 1024]) {
      const rates = [];
      for (let round = 0; round < context.runs; round++) rates.push(await measured(context, count, size));
      rows.push({
        ...{ part: `${count} of ${size} bytes`, unit: 'k/s' },
        ...{ ours: spread(rates.map((rate) => rate / 1000)) },
        ...{ peer: spread([wanted / 1000]), peerName: 'wanted' },
        ...{ ratio: spread(rates).median / wanted, goal: { atLeast: 1 } },
      });
    }
    return rows;
  },
};

/** Messages a second. */
async function measured(context, count, size) {
  const puller = peer('measure', count, size);
  const pusher = peer('blast', count, size);
  const [from, to] = await Promise.all([pusher, puller].map(bound));
  const { run, url } = await listeningPipe(context, [`zmq+push:${to}`]);
  const dialer = pipeProcess(context, 'sender', [`zmq+pull:${from}?count=${count}`, url]);
  const { stdout } = await finish(puller, 'the PULL of pyzmq');
  const { seconds, bytes } = JSON.parse(stdout.trim().split('\n').at(-1));
  if (bytes !== count * size) throw new Error(`${bytes} bytes came of ${count * size}`);
  await finish(pusher, 'the PUSH of pyzmq');
  await finish(dialer, 'xfer pipe, giving');
  await finish(run, 'xfer pipe, taking');
  return count / seconds;
}

/** Over TCP: over Unix sockets libzmq drops the last of a peer that goes while the other one's queue is full. */
const peer = (role, count, size) =>
  start(python, [script, role, 'tcp://127.0.0.1:*', '--bind', '--count', `${count}`, '--size', `${size}`], {
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' },
  });

/** Where a peer has bound: its first line. */
const bound = (run) => line(run, (text) => (text.startsWith('tcp://') ? text : undefined));

function missingPyzmq() {
  try {
    execFileSync(python, ['-c', 'import zmq'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no pyzmq here: apt-get install python3-zmq';
  }
}
