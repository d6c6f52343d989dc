import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkMissing, openLink } from '../support/link-emulator.mjs';
import { compare, finish, line } from './processes.mjs';
import { rsyncOnce } from './ssh-peers.mjs';
import { sshd } from './sshd.mjs';
import { eventOf, receiver, send, sending, transferOnce } from './xfer.mjs';

export { linkMissing };

const code = '7-benchmark-of-links';

/** Why xfer cannot be measured over this scheme, or undefined where it can. */
export async function schemeMissing(context, scheme) {
  const directory = mkdtempSync(join(context.directory, 'scheme-'));
  try {
    const { run } = await receiver(context, { directory, listen: `${scheme}://127.0.0.1:0` });
    run.child.kill('SIGINT');
    await run.ended;
    return undefined;
  } catch (error) {
    const said = /"message":"([^"]+)"/.exec(error.message)?.[1];
    return said ?? error.message;
  }
}

/** Both sides have their identities afterwards; a transfer that is measured makes none. */
export async function makeIdentities(context) {
  const directory = mkdtempSync(join(context.directory, 'identities-'));
  const path = join(directory, 'first');
  writeFileSync(path, 'first\n');
  mkdirSync(join(directory, 'target'));
  await transferOnce(context, { path, directory: join(directory, 'target'), code });
}

/**
 * Runs `once(link, directory)` on a link of its own, so that nothing of one contestant (what it still has in flight, what
 * its kernel has learnt) is the next one's, with a directory that goes with it. Gives `late: true` where it takes longer.
 */
export async function onLink(context, { limitSeconds, ...parameters }, once) {
  const directory = mkdtempSync(join(context.directory, 'link-'));
  const link = await openLink({ seed: parameters.seed });
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    void link.close();
  }, limitSeconds * 1000);
  try {
    // What must be set up first goes over the link while it is perfect.
    return await once(link, directory, () => link.change(parameters));
  } catch (error) {
    if (!late) throw error;
    return { late };
  } finally {
    clearTimeout(limit);
    await link.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** xfer from the link's client to its server: `{ seconds, inside }`, of the whole command and from `connected` on. */
export const xferOver =
  (context, source, { scheme, flags = [], tcp = 'cubic' }) =>
  async (link, directory, impair) => {
    await link.client.useTcp(tcp);
    await impair();
    const started = await xferReceiver(context, link, { directory, scheme });
    const what = { path: source.path, url: started.url, code, flags, end: link.client, limitMs: 300_000 };
    const { seconds, done } = await send(context, what);
    await finish(started.run, 'xfer recv');
    await compare(source.path, join(directory, source.name));
    return { seconds, inside: done.seconds };
  };

/** xfer that has just been connected over the link, and goes on. */
export async function xferFlow(context, link, { directory, scheme, port, flags, source }) {
  mkdirSync(directory);
  const { url } = await xferReceiver(context, link, { directory, scheme, port });
  const run = sending(context, {
    ...{ path: source.path, url, code, flags, end: link.client, limitMs: 300_000 },
  });
  await line(run, eventOf('connected'));
  return run;
}

/** scp or rsync from the link's client to its server, the ssh being set up before the link is impaired. */
export const sshOver =
  (program, source, { tcp }) =>
  async (link, directory, impair) => {
    await link.client.useTcp(tcp);
    const server = await sshd({ directory, link });
    if (server.missing) return { missing: server.missing };
    await impair();
    const target = join(directory, source.name);
    const { seconds } =
      program === 'scp'
        ? await server.scp(source.path, target, {})
        : await rsyncOnce(server, { from: source.path, to: target, flags: ['-W'] });
    await compare(source.path, target);
    return { seconds };
  };

function xferReceiver(context, link, { directory, scheme, port = 0 }) {
  const listen = `${scheme}://${link.server.address}:${port}`;
  return receiver(context, {
    ...{ directory, listen, code, flags: ['--once'], end: link.server, limitMs: 300_000 },
  });
}
