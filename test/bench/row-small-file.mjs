import { rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from './processes.mjs';
import { ratioOf, spread } from './stats.mjs';
import { receiver, send } from './xfer.mjs';

/**
 * Ten bytes to a receiver that is running already, as sshd is. scp logs in with a key that sshd knows, so xfer sends
 * to a peer that knows it too (paired once, outside of the measurement).
 */
export const smallFileRow = {
  name: 'small-file',
  title: '10 bytes to a running receiver',
  async measure(context) {
    const { directory, runs, smoke } = context;
    const source = join(directory, 'ten');
    const targets = { known: join(directory, 'small-known'), scp: join(directory, 'small-scp') };
    writeFileSync(source, 'ten bytes\n');
    for (const target of Object.values(targets)) mkdirSync(target);
    const known = await pairedReceiver(context, source, targets.known);
    const server = await context.sshd();
    const contestants = { known: () => send(context, { path: source, url: known.url }) };
    if (!server.missing) contestants.scp = () => server.scp(source, join(targets.scp, 'ten'), {});
    const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
    for (let round = smoke ? 1 : 0; round <= (smoke ? 1 : Math.ceil(runs * 1.8)); round++)
      for (const [name, once] of Object.entries(contestants)) {
        const target = join(targets[name], 'ten');
        rmSync(target, { force: true });
        const { seconds } = await once();
        await compare(source, target);
        if (round > 0) times[name].push(seconds);
      }
    known.run.child.kill('SIGINT');
    await known.run.ended;
    const row = { unit: 's', ours: spread(times.known) };
    if (!times.scp) return [{ ...row, skipped: `no scp to compare with: ${server.missing}` }];
    const peer = { peer: spread(times.scp), peerName: 'scp' };
    return [{ ...row, ...peer, ...ratioOf(times.known, times.scp), goal: { atMost: 1.25 } }];
  },
};

async function pairedReceiver(context, source, directory) {
  const started = await receiver(context, { directory, flags: ['--remember'] });
  await send(context, { path: source, url: started.url, flags: ['--remember'], code: started.code });
  return started;
}
