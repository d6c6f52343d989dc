import { once } from 'node:events';
import { listeningPipe, pipeProcess } from './pipes.mjs';
import { finish } from './processes.mjs';
import { startRelay, stopRelays } from './relays.mjs';
import { spread } from './stats.mjs';

const warmUp = 50;
const stdio = ['pipe', 'pipe', 'pipe'];

/** Single bytes with --no-delay over a pipe that is up: from the write into one side's stdin to the read of the other's stdout. */
export const pipeLatencyRow = {
  name: 'pipe-latency',
  title: 'first byte of a pipe',
  async measure(context) {
    const rounds = context.smoke ? 50 : 1000;
    const direct = await latencies(context, rounds, []);
    const relay = await startRelay(context, { flags: ['--dial', 'any'] });
    const relayed = await latencies(context, rounds, ['--via', relay.url]);
    await stopRelays([relay]);
    const row = (part, times) => ({
      ...{ part, unit: 'ms2', ours: spread(times), peer: spread([1]), peerName: 'allowed' },
      ...{ ratio: spread(times).median, goal: { atMost: 1 } },
    });
    const plain = spread(direct).median;
    const added = relayed.map((time) => time - plain);
    return [row('direct', direct), row('added by a relay', added)];
  },
};

async function latencies(context, rounds, flags) {
  const { run, url } = await listeningPipe(context, [], { stdio });
  const giver = pipeProcess(context, 'sender', [url, '--no-delay', ...flags], { stdio });
  const times = [];
  for (let round = -warmUp; round < rounds; round++) {
    const began = performance.now();
    giver.child.stdin.write('x');
    await once(run.child.stdout, 'data');
    if (round >= 0) times.push(performance.now() - began);
  }
  giver.child.stdin.end();
  await finish(giver, 'xfer pipe, giving');
  await finish(run, 'xfer pipe, taking');
  return times;
}
