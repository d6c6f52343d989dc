import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish, start } from './processes.mjs';
import { settled, startRelay, stopRelays } from './relays.mjs';
import { ratioOf, spread } from './stats.mjs';
import { receiver, send } from './xfer.mjs';

const code = '7-benchmark-under-a-flood';
const perSecond = 5_000;
const mib = 2 ** 20;

/**
 * Honest transfers through a relay under a flood of garbage, slow handshakes and half-open rooms for a minute, beside the
 * same transfers while the flood goes to a port that only counts: the flood's own work is on this machine, too.
 */
export const relayFloodRow = {
  name: 'relay-flood',
  title: `through a relay under ${perSecond} bad connections a second`,
  async measure(context) {
    const { directory, smoke } = context;
    const path = join(directory, 'honest');
    writeFileSync(path, randomBytes((smoke ? 8 : 256) * mib));
    const [seconds, calmSeconds] = smoke ? [2, 2] : [60, 20];
    const relay = await startRelay(context, { limitMs: 300_000 });
    const idle = await settled(relay);
    const decoy = start(process.execPath, ['-e', decoySource]);
    const decoyPort = await new Promise((resolve) =>
      decoy.child.stdout.once('data', (text) => resolve(Number(text))),
    );
    const calm = await honest(context, path, relay, { port: decoyPort, seconds: calmSeconds });
    const flooded = await honest(context, path, relay, { port: relay.port, seconds });
    decoy.child.kill('SIGKILL');
    const grown = (Math.max(...relay.run.residentBytes()) - idle) / 1e6;
    await stopRelays([relay]);
    rmSync(path);
    const rates = { ours: spread(flooded.rates), peer: spread(calm.rates) };
    const text = `${Math.round(flooded.tried / seconds)} tried a second for ${seconds} s`;
    return [
      {
        ...{ part: text, unit: 'GB/s', ...rates, peerName: 'a flood of somebody else' },
        ...{ ...ratioOf([rates.ours.median], [rates.peer.median]), goal: { atLeast: 0.5 } },
      },
      {
        ...{ part: 'memory that the relay grew by', unit: 'MB', ours: spread([grown]) },
        ...{ peer: spread([256]), peerName: 'allowed', ratio: grown / 256, goal: { atMost: 1 } },
      },
    ];
  },
};

/** A server that closes what comes. */
const decoySource = `const s = require('net').createServer((c) => { c.on('error', () => 0); c.destroy(); });
s.listen(0, '127.0.0.1', () => console.log(s.address().port));`;

/** Transfers, one after the other, as long as a flood lasts. */
async function honest(context, path, relay, { port, seconds }) {
  const program = join(import.meta.dirname, 'flood.mjs');
  const flood = start(process.execPath, [program, String(port), String(perSecond), String(seconds)]);
  const rates = [];
  while (!flood.over) {
    const directory = join(context.directory, 'flood-target');
    mkdirSync(directory);
    const { run, url } = await receiver(context, { directory, flags: ['--once'], code });
    const { done } = await send(context, { path, url, code, flags: ['--via', relay.url] });
    await finish(run, 'xfer recv');
    rmSync(directory, { recursive: true });
    // The last one may have had some of it in peace.
    if (!flood.over || rates.length === 0) rates.push(done.bytes / done.seconds / 1e9);
  }
  const { tried } = JSON.parse((await finish(flood, 'the flood')).stdout);
  return { rates, tried };
}
