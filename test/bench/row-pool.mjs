import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSendPool, TransportRegistry } from '../../dist/index.js';
import { tcp } from '../../plugins/mux/dist/index.js';
import { line } from './processes.mjs';
import { spread } from './stats.mjs';
import { eventOf, receiver } from './xfer.mjs';

const fileBytes = 64 * 1024;

/**
 * Many small sends to one receiver through one pool: connections as the receiver counts them, and how long a send takes.
 * Then as many again, with the receiver killed and started anew after a third of them, and the pool after two thirds.
 */
export const poolRow = {
  name: 'pool',
  title: '64 KiB to one peer through the pool',
  async measure(context) {
    const count = context.smoke ? 30 : 1000;
    const directory = join(context.directory, 'pool');
    const [source, home] = [join(directory, 'source'), join(directory, 'home')];
    for (const path of [directory, source, home]) mkdirSync(path, { mode: 0o700 });
    for (let number = 0; number < count; number++)
      writeFileSync(join(source, String(number)), randomBytes(fileBytes));
    const bed = { context, directory, source, home, count };
    const steady = await sendAll(bed, 'steady', {});
    const torn = await sendAll(bed, 'torn', { kills: true });
    const { times, cpuMs, connections } = steady;
    const p95 = [...times].sort((a, b) => a - b)[Math.floor(times.length * 0.95)];
    const row = { unit: 'ms2' };
    return [
      {
        ...row,
        part: `${count} sends, ${connections} connection${connections === 1 ? '' : 's'}`,
        ...{ ours: spread(times), peer: spread([1]), peerName: 'allowed' },
        ...{ ratio: spread(times).median, goal: { atMost: 1 } },
      },
      { ...row, part: 'the slowest of twenty', ours: spread([p95]) },
      { ...row, part: 'processor time of the sender, each', ours: spread([cpuMs]) },
      {
        ...row,
        part: `receiver and pool killed in the middle, ${torn.connections} connections, ${torn.same} of ${count} identical`,
        ...{ ours: spread(torn.times), ratio: torn.same / count, goal: { atLeast: 1 } },
      },
    ];
  },
};

async function sendAll({ context, directory, source, home, count }, name, { kills = false }) {
  const target = join(directory, name);
  mkdirSync(target);
  let far = await receiver(context, { directory: target, flags: ['--remember'] });
  const runs = [far.run];
  const { url, code } = far;
  let pool = newPool(home);
  const times = [];
  const cpuBefore = process.cpuUsage();
  try {
    for (let number = 0; number < count; number++) {
      let restarted;
      if (kills && number === Math.floor(count / 3)) {
        far.run.child.kill('SIGKILL');
        restarted = far.run.ended.then(() =>
          receiver(context, { directory: target, flags: ['--remember'], listen: url }),
        );
      }
      if (kills && number === Math.floor((2 * count) / 3)) {
        // What it was about to send is what the next one begins with.
        const cut = pool.send({ ...what(source, number), target: url, code, remember: true });
        await pool.close();
        await cut.catch(() => undefined);
        pool = newPool(home);
      }
      const began = performance.now();
      await pool.send({
        ...what(source, number),
        target: url,
        remember: true,
        ...(kills && number > 0 ? {} : { code }),
      });
      times.push(performance.now() - began);
      if (restarted) runs.push((far = await restarted).run);
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    await line(far.run, eventOf('done'));
    return {
      times,
      cpuMs: (user + system) / 1000 / count,
      connections: runs.reduce((sum, { stdout }) => sum + connectionsIn(stdout), 0),
      same: same(source, target, count),
    };
  } finally {
    await pool.close();
    far.run.child.kill('SIGINT');
    await far.run.ended;
  }
}

const what = (source, number) => ({ paths: [join(source, String(number))] });

function newPool(home) {
  const transports = new TransportRegistry();
  transports.add(tcp(), 'bench');
  return openSendPool({ home, transports });
}

const connectionsIn = (stdout) =>
  stdout.split('\n').filter((text) => text.includes('"event":"lane","lane":0,"state":"up"')).length;

function same(source, target, count) {
  let equal = 0;
  for (let number = 0; number < count; number++)
    if (readFileSync(join(source, String(number))).equals(readFileSync(join(target, String(number)))))
      equal++;
  return equal;
}
